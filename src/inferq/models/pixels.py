"""From a picture's bytes to pixels: decoded once, as a person sees it, in RGB."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from inferq.errors import ImageDamaged
from inferq.models.inputs import HEADER_ERRORS, TURNED, open_image, orientation

WHITE = (255, 255, 255, 255)
SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
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


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture in upright RGB, perhaps smaller than the file's; `width` and `height` are the file's."""

    image: Image.Image
    width: int
    height: int


def decode_image(data: bytes, *, draft: tuple[int, int] | None = None) -> Decoded:
    """Decodes the first frame of a picture into upright RGB.

    Transparency is laid on white; of 16 bits a channel the upper 8 are kept.

    Args:
        data: The file.
        draft: A size that is enough: a JPEG may then be decoded at a half, quarter or eighth of its
            own size, but not below this one.

    Raises:
        ImageDamaged: The pixels cannot be decoded.
    """
    try:
        with open_image(data) as image:
            width, height = image.size
            turn = orientation(image)
            if turn in TURNED:
                width, height = height, width
            if draft is not None:
                image.draft("RGB", draft)
            image.load()
            upright = _to_rgb(image)
    except HEADER_ERRORS as error:
        raise ImageDamaged(
            "The picture's pixels cannot be decoded: the file is damaged. Export it again and send that."
        ) from error
    if turn in TRANSPOSITIONS:
        upright = upright.transpose(TRANSPOSITIONS[turn])
    return Decoded(upright, width, height)


def stretch(image: Image.Image, width: int, height: int) -> npt.NDArray[np.uint8]:
    """A picture as uint8 `[height, width, 3]`, stretched bilinearly with antialiasing."""
    resized = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(resized)


def _to_rgb(image: Image.Image) -> Image.Image:
    """A loaded picture of any mode as RGB, as a person sees it."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image.copy()
    if image.mode in SIXTEEN_BIT_MODES:
        return _gray(np.asarray(image).astype(np.float32) / np.float32(256))
    if image.mode == "I":
        return _gray(_ranged(np.asarray(image).astype(np.float32), 2**16))
    if image.mode == "F":
        return _gray(_ranged(np.asarray(image), 1.0))
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, WHITE)
        return Image.alpha_composite(paper, layer).convert("RGB")
    return image.convert("RGB")


def _gray(values: npt.NDArray[np.float32]) -> Image.Image:
    """Grey values of 0 to 255 as a picture."""
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8), "L").convert("RGB")


def _ranged(values: npt.NDArray[np.float32], white: float) -> npt.NDArray[np.float32]:
    """Values whose full range is not told by their type, as 0 to 255.

    Up to `white` they are taken at their word; beyond it, or below zero, their own range is stretched.
    """
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    if low >= 0 and high < white + 1:
        low, high = 0.0, white
    return (finite - low) * (255.0 / max(high - low, 1e-12))
