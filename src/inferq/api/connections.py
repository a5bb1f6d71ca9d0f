"""Connections, as far as uvicorn leaves them to chance or abuse: what is read of a head, how long is waited, how answers leave."""

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from inferq.api.problems import problem_response
from inferq.errors import HeadTooLarge, InferqError, MalformedRequest, RequestTooSlow

HEAD_BYTES = 64 * 1024
"""What is read of a request's line and headers, give or take one packet."""
HEAD_SECONDS = 10.0
LINGER_SECONDS = 10.0
"""How long the rest of a body is read, and dropped, when the answer has been given before its end."""
MOST_HELD = 64 * 1024
"""Bytes of an answer that wait for the end of a turn of the event loop."""


class Together:
    """A transport that writes at once what is written in one turn of the event loop.

    uvicorn writes an answer's head and its body one after the other: two system calls and two packets, between which a
    process can die, so that a client has half an answer.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Holds nothing yet."""
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Holds data until the end of this turn, or until it is much: a slow reader has to hold the writer up."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > MOST_HELD:
            self.flush()

    def write_eof(self) -> None:
        """Writes what is held, and nothing after it."""
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Closes behind what is held."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Writes what is held."""
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._size = 0
            self._transport.write(data)


class BoundedConnection(HttpToolsProtocol):
    """One client's connection: its heads are bounded and in time, and what is no HTTP is answered with a problem."""

    _head_bytes: int | None = None
    """Bytes of the head that is arriving; None between two heads."""
    _refused = False
    _timer: TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Together(transport, self.loop)  # type: ignore[assignment]
        self._begin_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > HEAD_BYTES:
            self._refuse(
                HeadTooLarge(f"The request's headers are larger than {HEAD_BYTES // 1024} KiB.")
            )

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_bytes is None:
            self._begin_head()

    @override
    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._stop_timer()
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._stop_timer()
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        unread = self.cycle.response_complete and self.cycle.more_body
        super().on_response_complete()
        if unread and not self.transport.is_closing():
            self._start_timer(LINGER_SECONDS, self.transport.close)

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(MalformedRequest("These bytes are no HTTP request."))

    def _begin_head(self) -> None:
        self._head_bytes = 0
        self._start_timer(HEAD_SECONDS, self._be_late)

    def _be_late(self) -> None:
        if self._head_bytes:
            self._refuse(
                RequestTooSlow(f"The request's headers were not there after {HEAD_SECONDS:.0f} s.")
            )
        else:
            self.transport.close()

    def _refuse(self, error: InferqError) -> None:
        """Answers, unless an earlier request is still being answered, and closes the connection."""
        self._head_bytes, self._refused = None, True
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
            return
        answer = problem_response(error, trace_id=None)
        head = [*answer.raw_headers, (b"connection", b"close")]
        lines = b"".join(b"%s: %s\r\n" % header for header in head)
        self.transport.write(STATUS_LINE[answer.status_code] + lines + b"\r\n" + bytes(answer.body))
        # Closed with bytes unread, the connection would be reset, and the answer lost on its way.
        self.transport.write_eof()
        self._start_timer(LINGER_SECONDS, self.transport.close)

    def _start_timer(self, seconds: float, call: Callable[[], object]) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, call)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
