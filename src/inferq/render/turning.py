"""Pictures as they were uploaded, but upright in their pixels."""

from inferq.errors import ImageDamaged
from inferq.models.inputs import HEADER_ERRORS, open_image, orientation
from inferq.models.pixels import TRANSPOSITIONS, decode_image
from inferq.render.encoding import encode

QUALITY = 95
SELDOM_READ = frozenset({"HEIF", "AVIF"})
"""Formats that few programs which read data sets know."""


def upright(data: bytes) -> bytes:
    """The same bytes where the picture is upright already, else a JPEG of its upright pixels.

    Formats that few programs read (HEIC) become JPEG too. What cannot be decoded stays as it is.
    """
    try:
        with open_image(data) as image:
            as_it_is = orientation(image) not in TRANSPOSITIONS and image.format not in SELDOM_READ
        if as_it_is:
            return data
        decoded = decode_image(data)
    except HEADER_ERRORS:
        return data
    except ImageDamaged:
        return data
    return encode(decoded.image, "JPEG", quality=QUALITY, subsampling=0)
