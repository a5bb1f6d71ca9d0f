"""What a user may hand in as a picture, and the bytes that are sent of it."""

import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Union

from inferq.client.steps import Steps, Work

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

Source: TypeAlias = Union[str, Path, bytes, BinaryIO, "Image.Image", "np.ndarray[Any, Any]"]
Parameter: TypeAlias = str | float | datetime | Sequence[str] | Mapping[str, Any] | None


def read_source(source: Source) -> Steps[tuple[bytes, str]]:
    """The bytes of whatever was given, and a name for them.

    Raises:
        OSError: The file cannot be read.
        TypeError: It is nothing that can be sent as a picture.
    """
    if isinstance(source, bytes):
        return source, "image"
    read: tuple[bytes, str] = yield Work(lambda: _read(source))
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


def _read(source: Source) -> tuple[bytes, str]:
    if isinstance(source, str | Path):
        path = Path(source)
        return path.read_bytes(), path.name
    if hasattr(source, "read"):
        return source.read(), Path(str(getattr(source, "name", "image"))).name
    return _encode(source), "image.png"


def _encode(source: Any) -> bytes:
    """An image in memory as PNG, which loses nothing."""
    from PIL import Image  # noqa: PLC0415 - only for callers that have such an image

    if not isinstance(source, Image.Image) and not hasattr(source, "__array_interface__"):
        raise TypeError(
            f"A {type(source).__name__} is no picture: give a path, bytes, an open binary file,"
            " a PIL image or an array [height, width, 3]."
        )
    image = source if isinstance(source, Image.Image) else Image.fromarray(source)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
