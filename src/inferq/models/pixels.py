"""From a picture's bytes to pixels: decoded once, as a person sees it, in RGB."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from inferq.errors import ImageDamaged
from inferq.models.inputs import HEADER_ERRORS, TURNED, open_image, orientation

WHITE = (255, 255, 255)
SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
TRANSPARENT_MODES = frozenset({"LA", "PA", "RGBA", "RGBa"})
WHITE_LEVELS = (1.0, 255.0, 65535.0)
"""What usually stands for white in pictures whose type has no natural range."""
TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture of an EXIF orientation upright (TIFF 6.0, tag 274)."""
LARGE_PIXELS = 8_000_000
"""Pictures with more are decoded one at a time in a process: what it takes for them does not grow with its threads."""
BAND_PIXELS = 1_000_000
_one_large = threading.Lock()


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture in upright RGB, perhaps smaller than the file's; `width` and `height` are the file's."""

    image: Image.Image
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a resized picture lies in the network's input; all in pixels of the input."""

    left: int
    top: int
    width: int
    height: int
    input_width: int
    input_height: int


def decode_image(data: bytes, *, draft: tuple[int, int] | None = None) -> Decoded:
    """Decodes the first frame of a picture into upright RGB.

    Transparency is laid on white; of 16 bits a channel the upper 8 are kept.

    Args:
        data: The file.
        draft: A size that is enough: a JPEG may then be decoded at a half, quarter or eighth of its
            own size, but not below this one. Upright, as the result is.

    Raises:
        ImageDamaged: The pixels cannot be decoded.
        MemoryError: There is not enough memory for it.
    """
    try:
        with open_image(data) as image:
            width, height = image.size
            turn = orientation(image)
            if turn in TURNED:
                width, height = height, width
            if draft is not None:
                image.draft("RGB", draft[::-1] if turn in TURNED else draft)
            with _turn_of(image.size):
                upright = _loaded(image, TRANSPOSITIONS.get(turn))
    except HEADER_ERRORS as error:
        raise ImageDamaged(
            "The picture's pixels cannot be decoded: the file is damaged. Export it again and send that."
        ) from error
    upright.info.clear()  # no metadata, so that none gets into what is made of the picture
    return Decoded(upright, width, height)


def _turn_of(size: tuple[int, int]) -> AbstractContextManager[object]:
    return _one_large if size[0] * size[1] > LARGE_PIXELS else nullcontext()


def _loaded(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    declared = image.size
    image.load()
    if image.size != declared:
        raise ValueError(f"{image.size} instead of {declared}")  # libheif believes the pixels
    upright = to_rgb(image)
    return upright if turn is None else upright.transpose(turn)


def stretch(image: Image.Image, width: int, height: int) -> npt.NDArray[np.uint8]:
    """A picture as uint8 `[height, width, 3]`, stretched bilinearly with antialiasing."""
    resized = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(resized)


def place(size: tuple[int, int], into: tuple[int, int], *, center: bool) -> Placement:
    """Where a letterboxed picture lies: as large as it fits, in the middle or at the top left.

    Args:
        size: Width and height of the picture.
        into: Width and height of the network's input.
        center: Whether it lies in the middle; the odd pixel of padding is then right and below.
    """
    scale = min(into[0] / size[0], into[1] / size[1])
    width, height = (max(1, round(edge * scale)) for edge in size)
    left, top = ((into[0] - width) // 2, (into[1] - height) // 2) if center else (0, 0)
    return Placement(left, top, width, height, *into)


def letterbox(image: Image.Image, placement: Placement, *, fill: int) -> npt.NDArray[np.uint8]:
    """A picture as uint8 `[input_height, input_width, 3]`, scaled evenly, with grey around it.

    Args:
        image: The picture in RGB.
        placement: Where it comes to lie.
        fill: Grey of the padding, 0 to 255.
    """
    shape = (placement.input_height, placement.input_width, 3)
    canvas = np.full(shape, fill, np.uint8)
    rows = slice(placement.top, placement.top + placement.height)
    columns = slice(placement.left, placement.left + placement.width)
    canvas[rows, columns] = stretch(image, placement.width, placement.height)
    return canvas


def to_rgb(image: Image.Image) -> Image.Image:
    """A loaded picture of any mode as a new one in RGB, as a person sees it.

    Transparency is laid on white; of 16 bits the upper 8 are kept. Numbers without a natural range (modes
    `I` and `F`) count from 0 to the least of 1 (`F` alone), 255 and 65535 that none of them passes; where they
    go further, or below zero, from their least to their greatest.
    """
    if image.mode in SIXTEEN_BIT_MODES:
        return _gray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        levels = WHITE_LEVELS if image.mode == "F" else WHITE_LEVELS[1:]
        return _gray(_ranged(np.asarray(image), levels))
    if image.mode in TRANSPARENT_MODES or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGB", layer.size, WHITE)
        paper.paste(layer, mask=layer)
        return paper
    return image.copy() if image.mode == "RGB" else image.convert("RGB")


def _gray(values: npt.NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(values).convert("RGB")


def _ranged(values: npt.NDArray[Any], levels: Sequence[float]) -> npt.NDArray[np.uint8]:
    """Grey values in the range that `to_rgb` tells of, as 0 to 255; what is not finite is black."""
    low = min(float(band.min()) for band in _bands(values))
    high = max(float(band.max()) for band in _bands(values))
    white = next((level for level in levels if low >= 0 and high <= level), None)
    if white is not None:
        low, high = 0.0, white
    scale = 255.0 / max(high - low, 1e-12)
    return np.concatenate(
        [((band - low) * scale).round().astype(np.uint8) for band in _bands(values)]
    )


def _bands(values: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.float64]]:
    """Rows of numbers `[height, width]`, some at a time: all at once in float64 would take many times the picture."""
    rows = max(1, BAND_PIXELS // values.shape[1])
    for first in range(0, len(values), rows):
        band = values[first : first + rows].astype(np.float32)
        yield np.nan_to_num(band, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float64)
