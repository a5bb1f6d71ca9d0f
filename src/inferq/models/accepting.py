"""What is checked of an input before it is accepted: that it is what its model takes. Decodes no pixels, runs no code."""

import hashlib
import mimetypes
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from inferq.errors import EmptyUpload, NotAnImage, UnsupportedFormat
from inferq.models.inputs import FORMATS, ImageHeader, read_image_header
from inferq.models.json_input import check_json
from inferq.models.register import RegisteredCard

Kind: TypeAlias = Literal["image", "json", "file"]
JSON = "application/json"
NAMELESS = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Media types that say nothing."""
ANY = "*"


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Which pictures are accepted: most pixels (width x height), and formats."""

    max_pixels: int
    formats: Collection[str] = FORMATS


@dataclass(frozen=True, slots=True)
class AcceptedInput:
    """What is known of an input; width and height of a picture as a person sees it."""

    kind: Kind
    media_type: str
    bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None


def check_input(
    card: RegisteredCard,
    data: bytes,
    *,
    media_type: str,
    filename: str | None,
    limits: PictureLimits,
) -> AcceptedInput:
    """Checks an input against the card of its model.

    Args:
        card: Of the model.
        data: The input.
        media_type: What its sender calls it, without parameters; empty where nothing was said.
        filename: Its name, which tells a media type where the sender does not.
        limits: Of pictures.

    Raises:
        EmptyUpload: There are no bytes.
        UnsupportedFormat: It is of another kind, or of a media type that the model does not list.
        MalformedRequest: JSON is wanted, and this is none.
        InvalidInput: JSON that does not fit the model's schema.
        RequestError: One of the classes that `read_image_header` raises.
    """
    if media_type in NAMELESS and filename:
        media_type = mimetypes.guess_type(filename)[0] or media_type
    media_type = media_type or "application/octet-stream"
    if card.input_kind == "image":
        read = partial(read_image_header, max_pixels=limits.max_pixels, formats=limits.formats)
        header = _check_image(card, data, media_type, read)
        return _accepted("image", data, header.media_type, header.width, header.height)
    wanted = (JSON, *NAMELESS) if card.input_kind == "json" else card.media_types
    if not any(_matches(media_type, each) for each in wanted):
        raise _stranger(card, media_type)
    if not data:
        raise EmptyUpload("The input has no bytes.")
    if card.input_kind == "file":
        return _accepted("file", data, media_type)
    check_json(data, card.input_schema or {})
    return _accepted("json", data, JSON)


def _check_image(
    card: RegisteredCard, data: bytes, media_type: str, read: Callable[[bytes], ImageHeader]
) -> ImageHeader:
    """Pictures are known by their content, whatever they are called."""
    try:
        return read(data)
    except NotAnImage:
        if media_type != JSON:
            raise
        raise _stranger(card, media_type) from None


def _accepted(
    kind: Kind, data: bytes, media_type: str, width: int | None = None, height: int | None = None
) -> AcceptedInput:
    sha256 = hashlib.sha256(data).hexdigest()
    return AcceptedInput(kind, media_type, len(data), sha256, width, height)


def _stranger(card: RegisteredCard, media_type: str) -> UnsupportedFormat:
    taken = {"image": ("a picture",), "json": (JSON,), "file": card.media_types}[card.input_kind]
    return UnsupportedFormat(
        f"{card.reference} takes {' or '.join(taken)}; {media_type} is none."
        " Send it as the body with its own Content-Type, or as a file in multipart/form-data."
    )


def _matches(media_type: str, pattern: str) -> bool:
    """Whether a media type is one that a pattern (`text/plain`, `text/*`, `*/*`) stands for."""
    return all(
        wanted in (ANY, given)
        for wanted, given in zip(pattern.lower().split("/"), media_type.split("/"), strict=False)
    )
