"""Reads an upload, multipart or raw, within its limits while it streams in."""

import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from typing_extensions import override

from inferq.api.bodies import limited, too_large
from inferq.errors import (
    FieldError,
    InvalidParameter,
    MalformedRequest,
    UnsupportedFormat,
)

FILE_FIELDS = ("image", "file")
FORM_WITHOUT_FILES = "application/x-www-form-urlencoded"
MULTIPART_OVERHEAD = 64 * 1024
MAX_FIELDS = 100
MAX_FIELD_BYTES = 16 * 1024
EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*utf-8'[^']*'([^;\s\"]*)", re.IGNORECASE)
"""The file name of RFC 6266 that may hold any character."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded input and the form fields or query parameters that came with it.

    Attributes:
        data: The input.
        media_type: What its sender calls it, without parameters; empty where nothing was said.
        filename: Its name, if it has one.
        fields: Names and texts in their order.
    """

    data: bytes
    media_type: str
    filename: str | None
    fields: tuple[tuple[str, str], ...]


async def read_upload(request: Request, *, max_bytes: int) -> Upload:
    """Reads `multipart/form-data` (a file named `image` or `file`, and fields) or the input itself as the body.

    Raises:
        UploadTooLarge: The file is larger than `max_bytes`; no more of it is read.
        UnsupportedFormat: The body has no type, or that of a form without files.
        MalformedRequest: The body is not what its type says, breaks off, or has several files.
        InvalidParameter: A multipart body has no file.
    """
    media_type = _essence(request.headers.get("content-type"))
    query = tuple(request.query_params.multi_items())
    try:
        if media_type == "multipart/form-data":
            form = limited(request, max_bytes + MULTIPART_OVERHEAD, told=max_bytes)
            return await _read_form(form, query, max_bytes)
        if "/" in media_type and media_type != FORM_WITHOUT_FILES:
            data = await limited(request, max_bytes, told=max_bytes).body()
            return Upload(data, media_type, _disposition_filename(request), query)
    except ClientDisconnect as error:
        raise MalformedRequest("The client went away before its upload was complete.") from error
    raise UnsupportedFormat(
        "Send multipart/form-data with a file named 'file' or 'image', or the input itself with its own Content-Type;"
        f" {media_type or 'a body without Content-Type'} is neither."
    )


async def _read_form(
    request: Request, query: tuple[tuple[str, str], ...], max_bytes: int
) -> Upload:
    try:
        form = await _Form(request).parse()
    except MultiPartException as error:
        raise MalformedRequest(f"The multipart body cannot be read: {error.message}") from error
    try:
        fields = tuple(
            (name, value) for name, value in form.multi_items() if isinstance(value, str)
        )
        files = [
            (name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)
        ]
        if not files or files[0][0] not in FILE_FIELDS:
            missing = "a file is required: curl -F image=@photo.jpg"
            raise InvalidParameter(
                "Send the input as a file field named 'image' or 'file'.",
                errors=[FieldError("/image", missing)],
            )
        upload = files[0][1]
        data = await upload.read()
        if len(data) > max_bytes:
            raise too_large(max_bytes)
        media_type = _essence(upload.content_type)
        return Upload(data, media_type, clean_filename(upload.filename), query + fields)
    finally:
        await form.close()


class _Form(MultiPartParser):
    """A multipart body that has to be whole; the framework takes one that breaks off for a form without its end."""

    def __init__(self, request: Request) -> None:
        super().__init__(
            request.headers,
            self._whole(request.stream()),
            max_files=1,
            max_fields=MAX_FIELDS,
            max_part_size=MAX_FIELD_BYTES,
        )
        self._ended = False

    @override
    def on_end(self) -> None:
        self._ended = True

    async def _whole(self, stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        async for chunk in stream:
            yield chunk
        if not self._ended:
            raise MultiPartException("It breaks off before its closing boundary.")


def clean_filename(name: str | None) -> str | None:
    """A client's file name as text to show: no path, no control characters, at most 255 characters, in NFC.

    Characters that turn the direction of writing are control characters: with them, `gpj.exe` reads `exe.jpg`.
    """
    if not name:
        return None
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in unicodedata.normalize("NFC", last) if char.isprintable())
    return None if set(shown) <= {" ", "."} else shown.strip()[:255]


def _essence(content_type: str | None) -> str:
    """A media type without its parameters."""
    return (content_type or "").partition(";")[0].strip().lower()


def _disposition_filename(request: Request) -> str | None:
    """The file name of a raw body."""
    header = request.headers.get("content-disposition", "")
    extended = EXTENDED_NAME.search(header)
    if extended is not None:
        return clean_filename(unquote_to_bytes(extended[1]).decode(errors="replace"))
    plain = parse_options_header(header)[1].get(b"filename", b"")
    try:
        return clean_filename(plain.decode())
    except UnicodeDecodeError:
        return clean_filename(plain.decode("latin-1"))
