"""HTTP/1.1 as a load generator needs it: requests as ready bytes, connections that stay open, no header looked at."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools
from typing_extensions import override

from inferq.errors import SetupError

MOST_CONNECTIONS = 512
"""Below the usual limit on open files; a call that waits for a connection is counted as waiting."""
CONNECT_SECONDS = 5.0
REUSABLE_SECONDS = 3.0
"""Servers close connections that are idle (uvicorn after 5 s), and a request that meets that is lost."""


class Answer(NamedTuple):
    """What a server has answered."""

    status: int
    body: bytes


class ConnectionEnded(ConnectionError):
    """A connection ended before its answer did."""


class Target(NamedTuple):
    """A server, and the path below which it answers."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> "Target":
        """Reads a URL.

        Raises:
            SetupError: It is no `http://` or `https://` URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SetupError(
                f"{url!r} is no server's URL; it has to begin with http:// or https://."
            )
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> bytes:
        """The bytes of a request; `path` has its query and is below the target's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = [
            f"{method} {self.path}{path} HTTP/1.1",
            f"Host: {host}:{self.port}",
            *(f"{name}: {value}" for name, value in headers.items()),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    """One connection, with one request on it at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Answer] | None = None
        self._body: list[bytes] = []
        self._take: Callable[[bytes], None] = self._body.append
        self._transport: asyncio.Transport | None = None
        self.reusable = True
        self.free_since = 0.0

    def send(
        self, request: bytes, take: Callable[[bytes], None] | None = None
    ) -> "asyncio.Future[Answer]":
        """Sends a request; parts of the answer's body go to `take` as they come, or into the answer."""
        if self._transport is None or not self.reusable:
            raise ConnectionEnded
        self._answer = asyncio.get_running_loop().create_future()
        self._take = take or self._body.append
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(error.__context__ or error)
            self.close()

    def on_body(self, data: bytes) -> None:
        """Called by the parser."""
        self._take(data)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.reusable = self.reusable and self._parser.should_keep_alive()
        answer, self._answer = self._answer, None
        body = b"".join(self._body)
        self._body.clear()
        if answer is not None and not answer.done():
            answer.set_result(Answer(self._parser.get_status_code(), body))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        self._fail(ConnectionEnded())

    def _fail(self, error: BaseException) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


class Wire:
    """Connections to one server: as many as there are calls at a time, each used again."""

    def __init__(self, target: Target, most: int = MOST_CONNECTIONS) -> None:
        """Connects to nothing yet."""
        self.target = target
        self._free: list[_Connection] = []
        self._room = asyncio.Semaphore(most)
        self._tls = ssl.create_default_context() if target.scheme == "https" else None

    async def send(self, request: bytes) -> Answer:
        """Sends a request on a free connection, or on a new one.

        Raises:
            OSError: No connection could be made, or it ended before the answer did (`ConnectionEnded`).
        """
        async with self._room:
            connection = await self._connection()
            try:
                answer = await connection.send(request)
            except BaseException:
                connection.close()
                raise
            if connection.reusable:
                connection.free_since = time.monotonic()
                self._free.append(connection)
            else:
                connection.close()
            return answer

    async def stream(self, request: bytes, take: Callable[[bytes], None]) -> int:
        """Hands over the parts of an answer as they come; returns its status at its end.

        Raises:
            OSError: No connection could be made, or it ended before the answer did (`ConnectionEnded`).
        """
        connection = await self._connect()
        try:
            return (await connection.send(request, take)).status
        finally:
            connection.close()

    def close(self) -> None:
        """Closes the connections that are free."""
        while self._free:
            self._free.pop().close()

    async def _connection(self) -> _Connection:
        while self._free:
            connection = self._free.pop()
            idle = time.monotonic() - connection.free_since
            if connection.reusable and idle < REUSABLE_SECONDS:
                return connection
            connection.close()
        return await self._connect()

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    _Connection, self.target.host, self.target.port, ssl=self._tls
                )
        except TimeoutError as error:
            raise ConnectionEnded from error
        return connection
