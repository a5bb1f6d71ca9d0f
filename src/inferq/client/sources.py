"""What a user may hand in as an input, and the bytes that are sent of it."""

import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeAlias, Union

from pydantic import BaseModel
from pydantic_core import to_json

from inferq.client.steps import Steps, Work

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

Json: TypeAlias = BaseModel | Mapping[str, Any] | list[Any] | float | bool
Source: TypeAlias = Union[str, Path, bytes, BinaryIO, Json, "Image.Image", "np.ndarray[Any, Any]"]
Parameter: TypeAlias = str | float | datetime | Sequence[str] | Mapping[str, Any] | None

NAMELESS = "application/octet-stream"
"""The media type of what its name or content tells."""


class Content(NamedTuple):
    """What is sent of an input."""

    data: bytes
    name: str
    media_type: str = NAMELESS


def read_source(source: Source) -> Steps[Content]:
    """What is sent of whatever was given.

    Raises:
        OSError: The file cannot be read.
        TypeError: It is nothing that can be sent.
        ValueError: It holds what JSON does not.
    """
    if isinstance(source, bytes):
        # An `inferq.File` is bytes that know their name and media type.
        name = getattr(source, "filename", None) or "input"
        return Content(source, name, getattr(source, "media_type", NAMELESS))
    read: Content = yield Work(lambda: _read(source))
    return read


def fields(parameters: Mapping[str, Parameter]) -> dict[str, str | list[str]]:
    """Parameters as form fields or a query; what is None is left to the server."""
    return {name: _text(value) for name, value in parameters.items() if value is not None}


def lists(filters: Mapping[str, Parameter]) -> dict[str, str | list[str]]:
    """Filters as a JSON body takes them: times alone, everything else as a list."""
    return {
        name: [value] if isinstance(value, str) and not name.startswith("created_") else value
        for name, value in fields(filters).items()
    }


def _text(value: str | float | datetime | Sequence[str] | Mapping[str, Any]) -> str | list[str]:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return json.dumps(value)
    return [str(item) for item in value]


def _read(source: Source) -> Content:
    if isinstance(source, str | Path):
        path = Path(source)
        return Content(path.read_bytes(), path.name)
    if isinstance(source, BaseModel | Mapping | list | float | int):
        return Content(to_json(source, inf_nan_mode="constants"), "input.json", "application/json")
    if hasattr(source, "read"):
        return Content(source.read(), Path(str(getattr(source, "name", "input"))).name)
    return Content(_encode(source), "image.png")


def _encode(source: Any) -> bytes:
    """An image in memory as PNG, which loses nothing."""
    from PIL import Image  # noqa: PLC0415 - only for callers that have such an image

    if not isinstance(source, Image.Image) and not hasattr(source, "__array_interface__"):
        raise TypeError(
            f"A {type(source).__name__} is no input: give a path, bytes, an open binary file, a PIL image,"
            " an array [height, width, 3], or for JSON a dictionary, list, number or pydantic model."
        )
    image = source if isinstance(source, Image.Image) else Image.fromarray(source)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
