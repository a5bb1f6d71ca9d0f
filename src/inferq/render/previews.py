"""Small, upright copies of pictures."""

from PIL import Image

from inferq.models.pixels import decode_image
from inferq.render.encoding import encode

QUALITY = 82
METHOD = 2
"""Of 0 (quick) to 6 (small): a third of the time that 4, the default, takes, for 5 % more bytes."""


def preview(data: bytes, max_side: int) -> bytes:
    """A picture as WebP: oriented, without metadata, its longer side at most `max_side` pixels.

    Raises:
        ImageDamaged: The pixels cannot be decoded.
    """
    image = decode_image(data, draft=(max_side, max_side)).image
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return encode(image, "WEBP", quality=QUALITY, method=METHOD)
