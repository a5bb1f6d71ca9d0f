"""Where mutations start from: photographs in every format that is accepted, and in the variants that take other paths."""

import struct
import zlib
from functools import cache

import numpy as np
from PIL import Image, TiffImagePlugin

from fuzz.mutations import PNG_START
from photos import TURNED_HEIC, encoded, pixels

SIDE = 160
"""Pixels of the longer side: large enough for tiles, strips and interlacing, small enough for thousands a minute."""
ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
"""First row and column of each pass, and the steps to the next ones."""


def photograph(name: str) -> Image.Image:
    """A photograph, small."""
    image = Image.fromarray(pixels(name))
    image.thumbnail((SIDE, SIDE))
    return image


def turned(orientation: int) -> bytes:
    """EXIF of a camera that was held so, with a thumbnail behind it."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "Camera"
    return tags.tobytes() + encoded(photograph("coffee").resize((16, 12)), "JPEG")


@cache
def seeds() -> dict[str, bytes]:
    """Whole files by name; the same each time."""
    cat, cup, person = (photograph(name) for name in ("chelsea", "coffee", "astronaut"))
    alpha = cat.convert("RGBA")
    alpha.putalpha(cat.convert("L"))
    frames = {"save_all": True, "append_images": [cat.rotate(180), cat.rotate(90)]}
    return {
        "jpeg": encoded(cat, "JPEG", exif=turned(6), quality=85),
        "progressive jpeg": encoded(cup, "JPEG", progressive=True),
        "cmyk jpeg": encoded(cat.convert("CMYK"), "JPEG"),
        "gray jpeg with a profile": encoded(person.convert("L"), "JPEG", icc_profile=bytes(3000)),
        "mpo": encoded(cat, "MPO", **frames),
        "png": encoded(cat, "PNG", exif=turned(3)),
        "interlaced palette png": _interlaced(cat),
        "16-bit png": encoded(person.convert("I;16"), "PNG"),
        "transparent png": encoded(alpha, "PNG"),
        "animated png": encoded(cat, "PNG", **frames),
        "webp": encoded(cup, "WEBP", exif=turned(8)),
        "lossless webp": encoded(alpha, "WEBP", lossless=True),
        "animated webp": encoded(cat, "WEBP", **frames),
        "bmp": encoded(cup, "BMP"),
        "palette bmp": encoded(cup.quantize(200), "BMP"),
        "gif": encoded(person.quantize(128), "GIF"),
        "animated gif": encoded(cat, "GIF", **frames),
        "tiff": encoded(cup, "TIFF"),
        "lzw tiff": encoded(cat, "TIFF", compression="tiff_lzw"),
        "deflated tiff": encoded(cat, "TIFF", compression="tiff_adobe_deflate"),
        "jpeg tiff": encoded(person, "TIFF", compression="jpeg"),
        "packbits tiff": encoded(cat.convert("L"), "TIFF", compression="packbits"),
        "fax tiff": encoded(cat.convert("1"), "TIFF", compression="group4"),
        "float tiff": encoded(cat.convert("F"), "TIFF"),
        "big tiff": encoded(cup, "TIFF", big_tiff=True, tiffinfo=_tags()),
        "heic": TURNED_HEIC,
    }


def _interlaced(image: Image.Image) -> bytes:
    """A PNG with a palette whose rows come in seven passes (Adam7); Pillow writes none."""
    flat = image.quantize(50)
    indices = np.asarray(flat)
    passes = (indices[y::dy, x::dx] for y, x, dy, dx in ADAM7)
    rows = b"".join(b"\0" + row.tobytes() for part in passes for row in part)
    head = struct.pack(">IIBBBBB", *flat.size, 8, 3, 0, 0, 1)
    palette = bytes(flat.getpalette("RGB") or ())
    chunks = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return PNG_START + b"".join(png_chunk(kind, content) for kind, content in chunks)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG, with its length and checksum."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def _tags() -> TiffImagePlugin.ImageFileDirectory_v2:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270] = "a photograph"
    tags[33432] = "somebody"
    return tags
