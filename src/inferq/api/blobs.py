"""Answers with bytes: conditional, in ranges, streamed, and harmless in whatever shows them (RFC 9110, sections 13 and 14)."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from inferq.api.problems import problem_response
from inferq.api.schemas import Responses
from inferq.errors import RangeNotSatisfiable

SECONDS_FRESH = 3600
RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)
ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
# Whatever a blob holds, it runs nothing in the browser that shows it.
HARMLESS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
BINARY = {"image/*": {"schema": {"type": "string", "format": "binary"}}}
BLOB_RESPONSES: Responses = {
    200: {"description": "The picture", "content": BINARY},
    206: {"description": "The part of it that `Range` asks for", "content": BINARY},
    304: {"description": "Unchanged since `If-None-Match`"},
}


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that one URL stands for, before they are read or made.

    Attributes:
        tag: The same for the same bytes, and for these alone.
        media_type: What they are.
        filename: Under which a browser saves them.
        immutable: Whether this URL never stands for other bytes.
        shown: Whether a browser may show it; else it is saved. For what we have not looked into.
        headers: Further ones that say which representation this is; the answer 304 has them too.
    """

    tag: str
    media_type: str
    filename: str
    immutable: bool = False
    shown: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)

    def unchanged(self, request: Request) -> Response | None:
        """The answer 304 to a client that has these bytes, so that nothing need be read; None for others."""
        known = request.headers.get("if-none-match", "")
        if known.strip() != "*" and self._etag not in ENTITY_TAG.findall(known):
            return None
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=self._caching())

    def response(self, request: Request, data: bytes) -> Response:
        """The bytes, or the part of them that is asked for."""
        try:
            part = self._part(request, len(data))
        except RangeNotSatisfiable as error:
            return _unsatisfiable(request, error, len(data))
        status, headers, positions = self._start(part, len(data))
        body = b"" if request.method == "HEAD" else data[positions.start : positions.stop]
        return Response(body, status, headers, self.media_type)

    async def stream(
        self, request: Request, size: int, read: Callable[[int, int], Iterator[bytes]]
    ) -> Response:
        """The same for bytes that are read part by part as they go out.

        What goes wrong before the first part is an answer of its own; after it, the connection breaks off.

        Args:
            request: What is asked for.
            size: How many bytes there are.
            read: Gives the bytes from a position to before another.

        Raises:
            InferqError: Whatever `read` raises at its first part.
        """
        try:
            part = self._part(request, size)
        except RangeNotSatisfiable as error:
            return _unsatisfiable(request, error, size)
        status, headers, positions = self._start(part, size)
        chunks = read(positions.start, positions.stop)
        first = await run_in_threadpool(next, chunks, b"")
        body = _continued(b"" if request.method == "HEAD" else first, chunks)
        return StreamingResponse(body, status, headers, self.media_type)

    @property
    def _etag(self) -> str:
        return f'"{self.tag}"'

    def _part(self, request: Request, size: int) -> range | None:
        condition = request.headers.get("if-range")
        if request.method != "GET" or (condition and condition.strip() != self._etag):
            return None
        return requested_range(request.headers.get("range"), size)

    def _caching(self) -> dict[str, str]:
        fresh = f"private, max-age={SECONDS_FRESH}"
        return {
            **self.headers,
            "ETag": self._etag,
            "Cache-Control": f"{fresh}, immutable" if self.immutable else fresh,
        }

    def _start(self, part: range | None, size: int) -> tuple[int, dict[str, str], range]:
        """Status and headers of the answer, and the positions of the bytes in it."""
        positions = range(size) if part is None else part
        headers = HARMLESS | self._caching()
        headers["Accept-Ranges"] = "bytes"
        headers["Content-Length"] = str(len(positions))
        way = "inline" if self.shown else "attachment"
        headers["Content-Disposition"] = f"{way}; filename*=UTF-8''{quote(self.filename, safe='')}"
        if part is None:
            return HTTPStatus.OK, headers, positions
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
        return HTTPStatus.PARTIAL_CONTENT, headers, positions


def requested_range(header: str | None, size: int) -> range | None:
    """The positions that a `Range` header asks for, of `size` bytes; None where all are to be sent.

    That is so without a header, with one that cannot be understood, and with one that asks for several parts.

    Raises:
        RangeNotSatisfiable: None of the positions exists.
    """
    match = RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first == "":
        part = range(max(0, size - int(last)), size)
    elif last != "" and int(last) < int(first):
        return None
    else:
        part = range(int(first), min(int(last) + 1 if last else size, size))
    if not part:
        raise RangeNotSatisfiable(f"The file has {size} bytes; {header!r} asks for none of them.")
    return part


async def _continued(first: bytes, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The first part, where it is not empty, and those after it; each is read when the one before has gone out."""
    part = first
    while part:
        yield part
        part = await run_in_threadpool(next, chunks, b"")


def _unsatisfiable(request: Request, error: RangeNotSatisfiable, size: int) -> Response:
    response = problem_response(error, trace_id=request.scope.get("trace_id"))
    response.headers["Content-Range"] = f"bytes */{size}"
    return response
