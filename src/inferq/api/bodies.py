"""How much of a request's body is read, and how long it is waited for."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from fastapi import Request, Response
from fastapi.routing import APIRoute
from typing_extensions import override

from inferq.errors import RequestTooSlow, UploadTooLarge

JSON_BYTES = 128 * 1024
"""Largest JSON body; a thousand task ids take 35 KB."""
PATIENCE_SECONDS, SLOWEST_BYTES_PER_SECOND = 20.0, 4096
"""A body has so long, and as much longer as its bytes take at this rate: a poor mobile line's, not a trickle."""


def too_large(most: int) -> UploadTooLarge:
    """What is told of a body of more than `most` bytes."""
    return UploadTooLarge(f"The body is larger than the {most / 2**20:.3g} MiB accepted here.")


def limited(request: Request, most: int, *, told: int) -> Request:
    """The request, with a body that raises as soon as it is longer than `most` bytes, or comes too slowly.

    Args:
        request: Its body has not been read yet.
        most: Bytes that are read.
        told: The limit that the client is told of, in bytes.

    Raises:
        UploadTooLarge: The declared length is larger already.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise too_large(told)
    seen, began = 0, time.monotonic()

    async def receive() -> Any:
        nonlocal seen
        so_far = time.monotonic() - began
        left = PATIENCE_SECONDS + seen / SLOWEST_BYTES_PER_SECOND - so_far
        message = None
        with anyio.move_on_after(left):
            message = await request.receive() if left > 0 else None
        if message is None:
            raise RequestTooSlow(
                f"Only {seen:,} bytes of the body came in {time.monotonic() - began:.0f} s."
            )
        seen += len(message.get("body", b""))
        if seen > most:
            raise too_large(told)
        return message

    return Request(request.scope, receive)


class JsonRoute(APIRoute):
    """A route that reads a JSON body, if it takes one, within `JSON_BYTES`."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def handle_limited(request: Request) -> Response:
            return await handle(limited(request, JSON_BYTES, told=JSON_BYTES))

        return handle_limited
