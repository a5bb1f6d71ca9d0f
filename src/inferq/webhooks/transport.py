"""One POST to a receiver: to an address that was judged, in bounded time, with nothing followed and no body read."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpcore2
from typing_extensions import override

from inferq.webhooks.answer import Answer, Unreached
from inferq.webhooks.receivers import Address, Receiver, Refused, Rules, resolve

TIME_LIMIT = timedelta(seconds=15)
MOST_BYTES_READ = 128 * 1024
"""Of an answer's head; one read more than the parser takes for a head at all."""


class Transport:
    """Posts to receivers, each time over a connection of its own."""

    def __init__(
        self,
        rules: Rules,
        *,
        ca_file: Path | None = None,
        time_limit: timedelta = TIME_LIMIT,
        resolve: Callable[[str, int], list[Address]] = resolve,
    ) -> None:
        """Reads the certificates of authorities, and connects to nothing yet.

        Args:
            rules: On addresses.
            ca_file: Certificates of authorities that are trusted beside the system's, as PEM.
            time_limit: From the look-up of the host to the head of the answer.
            resolve: How a host's addresses are found.
        """
        self._rules = rules
        self._limit = time_limit
        self._resolve = resolve
        self._context = httpcore2.default_ssl_context()
        if ca_file is not None:
            self._context.load_verify_locations(ca_file)

    def post(self, receiver: Receiver, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Posts a body and returns the head of the answer.

        Raises:
            Unreached: There was no answer in time, or no address that may be connected to.
        """
        backend = _PinnedBackend(receiver, self._rules, self._resolve, self._limit)
        try:
            with (
                httpcore2.ConnectionPool(self._context, network_backend=backend) as pool,
                pool.stream(
                    "POST",
                    str(receiver),
                    headers=[(name, value) for name, value in headers.items()],
                    content=body,
                ) as response,
            ):
                fields = {name.lower(): value for name, value in response.headers}
                retry_after = fields.get(b"retry-after", b"").decode("latin-1")
                return Answer(response.status, retry_after or None)
        except httpcore2.TimeoutException as error:
            seconds = self._limit.total_seconds()
            raise Unreached(f"no answer within {seconds:g} s") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError) as error:
            raise Unreached(_reason(error)) from error
        except Refused as error:
            raise Unreached(f"not sent: the URL {error}") from error


def _reason(error: Exception) -> str:
    """Why there was no answer, in words that tell nothing of this server's network."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "the TLS handshake failed"
        if isinstance(cause, socket.gaierror):
            return "the host name has no address"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpcore2.ConnectError):
        return "no connection"
    if isinstance(error, httpcore2.ProtocolError):
        return "the answer was no HTTP, or its head was too large"
    return "the connection broke off"


class _PinnedBackend(httpcore2.NetworkBackend):
    """Looks a host up once, judges every address, and connects to what it judged and to nothing else."""

    def __init__(
        self,
        receiver: Receiver,
        rules: Rules,
        resolve: Callable[[str, int], list[Address]],
        limit: timedelta,
    ) -> None:
        self._receiver = receiver
        self._rules = rules
        self._resolve = resolve
        self._ends = time.monotonic() + limit.total_seconds()
        self._tcp = httpcore2.SyncBackend()

    def left(self) -> float:
        """Seconds until the time limit."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("time limit")
        return left

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        receiver = self._receiver
        try:
            known = receiver.address
            addresses = [known] if known else self._resolve(receiver.host, receiver.port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("look-up failed") from error
        self._rules.judge(addresses, scheme=receiver.scheme)
        for number, address in enumerate(addresses, start=1):
            # Each gets its share of the time, so that one that is silent does not hide the next.
            share = self.left() / (len(addresses) - number + 1)
            try:
                stream = self._tcp.connect_tcp(str(address), receiver.port, timeout=share)
                return _BoundedStream(stream, self.left)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpcore2.ConnectError("no address")


class _BoundedStream(httpcore2.NetworkStream):
    """A connection whose every wait ends at one moment, and that takes no more than a head."""

    def __init__(self, stream: httpcore2.NetworkStream, left: Callable[[], float]) -> None:
        self._stream = stream
        self._left = left
        self._read = 0

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._read >= MOST_BYTES_READ:
            raise httpcore2.RemoteProtocolError("too much before the end of the head")
        data = self._stream.read(max_bytes, self._left())
        self._read += len(data)
        return data

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left())

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._left())
        return _BoundedStream(stream, self._left)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
