"""Encoding pictures while other threads run, and what the bytes depend on."""

import io
import os
import sys
from functools import cache
from typing import IO, Literal

import PIL
from PIL import Image, features

REVISION = 3
"""Raise it with any change to what is drawn or how it is encoded."""


@cache
def render_version() -> str:
    """What the bytes of a rendered picture depend on besides its input: of one version, they are equal."""
    return f"{REVISION}-{PIL.__version__}-{'shaped' if features.check('raqm') else 'plain'}"


def encode(image: Image.Image, file_format: Literal["WEBP", "JPEG"], **options: int) -> bytes:
    """A picture as a file's bytes."""
    with _scratch_file() as file:
        image.save(file, file_format, **options)
        file.seek(0)
        return file.read()


def _scratch_file() -> IO[bytes]:
    """A file in memory; a real one where the system has such, since Pillow lets other threads run only then."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("picture"), "w+b")
    return io.BytesIO()
