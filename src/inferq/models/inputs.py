"""Header checks of an uploaded picture: format, size, orientation, completeness. Decodes no pixels."""

import io
import struct
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from PIL import ExifTags, Image, UnidentifiedImageError

from inferq.errors import EmptyUpload, ImageTruncated, NotAnImage, TooManyPixels, UnsupportedFormat
from inferq.models.completeness import COMPLETENESS

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF")
PLUGINS = {"WEBP": "WebP"}
ACCEPTED = "JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC"
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "HEIF": "image/heic",
}
UPRIGHT, ORIENTATIONS = 1, frozenset(range(1, 9))
TURNED = frozenset({5, 6, 7, 8})
"""EXIF orientations whose width is the height of what a person sees."""

# What Pillow's openers raise on hostile headers, besides its own error.
HEADER_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)

# Pictures that we know when we see them, and do not take.
OTHER_FORMATS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (0, b"qoif", "QOI"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"FUJIFILMCCD-RAW", "camera raw"),
)
SVG_SEARCH_BYTES = 1024


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a picture's header says; width and height as a person sees it."""

    media_type: str
    width: int
    height: int


def read_image_header(data: bytes, *, max_pixels: int) -> ImageHeader:
    """Checks that bytes are a whole picture that is accepted here.

    Args:
        data: The file.
        max_pixels: Most pixels (width x height) accepted.

    Raises:
        EmptyUpload: There are no bytes.
        NotAnImage: They are no picture.
        UnsupportedFormat: They are a picture of another format.
        TooManyPixels: It has more than `max_pixels`.
        ImageTruncated: The file breaks off.
    """
    if not data:
        raise EmptyUpload("The upload is empty: the file has no bytes.")
    try:
        image = open_image(data)
    except UnidentifiedImageError as error:
        raise _unidentified(data) from error
    except HEADER_ERRORS as error:
        raise ImageTruncated(
            "The picture's header cannot be read; the file is incomplete or damaged. Send it again."
        ) from error
    with image:
        return _checked(data, image, max_pixels)


def open_image(data: bytes) -> Image.Image:
    """Opens a picture with the accepted openers alone; its pixels are not decoded yet."""
    prepare_pillow()
    return Image.open(io.BytesIO(data), formats=FORMATS)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none, or none that can be read."""
    if image.format == "PNG" and "exif" not in image.info:
        return UPRIGHT  # Pillow would decode all pixels to look for it behind them
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except HEADER_ERRORS:
        return UPRIGHT
    return value if value in ORIENTATIONS else UPRIGHT


def _checked(data: bytes, image: Image.Image, max_pixels: int) -> ImageHeader:
    file_format, (width, height) = str(image.format), image.size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The picture has {width} x {height} pixels; at most {max_pixels:,} are accepted. Make it smaller."
        )
    if width < 1 or height < 1 or not COMPLETENESS[file_format](data):
        raise ImageTruncated(
            "The picture's file is incomplete: it breaks off before its end. Send it again."
        )
    if orientation(image) in TURNED:
        width, height = height, width
    return ImageHeader(MEDIA_TYPES[file_format], width, height)


def _unidentified(data: bytes) -> NotAnImage | UnsupportedFormat | ImageTruncated:
    for offset, magic, name in OTHER_FORMATS:
        if data.startswith(magic, offset):
            return UnsupportedFormat(f"This is a {name} file. Send {ACCEPTED}.")
    if b"<svg" in data[:SVG_SEARCH_BYTES].lower():
        return UnsupportedFormat(f"This is an SVG drawing. Send {ACCEPTED}.")
    if data.startswith(
        (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"BM", b"GIF8", b"II*\0", b"MM\0*")
    ):
        return ImageTruncated("The picture's header is incomplete or damaged. Send the file again.")
    return NotAnImage(f"These bytes are no picture. Send {ACCEPTED}.")


@cache
def prepare_pillow() -> None:
    """Sets Pillow up, once a process; called at start, it spares the first picture the loading of decoders.

    HEIC is decoded by libheif with libde265, without GPL code. Pillow's own limit of pixels goes: it can
    only be set for the whole process and only warns at first; `read_image_header` holds the deployment's.
    """
    for name in FORMATS[:-1]:
        import_module(f"PIL.{PLUGINS.get(name, name.title())}ImagePlugin")
    from pi_heif import register_heif_opener  # noqa: PLC0415 - loads libheif

    register_heif_opener(thumbnails=False)
    Image.MAX_IMAGE_PIXELS = None
