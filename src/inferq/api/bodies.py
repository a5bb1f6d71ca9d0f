"""How much of a request's body is read."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from typing_extensions import override

from inferq.errors import UploadTooLarge

JSON_BYTES = 2**20
"""Largest JSON body; a thousand task ids take 35 KB."""


def too_large(most: int) -> UploadTooLarge:
    """What is told of a body of more than `most` bytes."""
    return UploadTooLarge(f"The body is larger than the {most / 2**20:.3g} MiB accepted here.")


def limited(request: Request, most: int, *, told: int) -> Request:
    """The request, with a body that raises as soon as it is longer than `most` bytes.

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
    seen = 0

    async def receive() -> Any:
        nonlocal seen
        message = await request.receive()
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
