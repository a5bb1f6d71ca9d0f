"""Header checks of an uploaded picture: format, size, orientation, completeness. Decodes no pixels."""

import io
import re
import struct
import warnings
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from PIL import ExifTags, Image

from inferq.errors import EmptyUpload, ImageTruncated, NotAnImage, TooManyPixels, UnsupportedFormat
from inferq.models.completeness import COMPLETENESS

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF")
PLUGINS = {"WEBP": "WebP"}
NAMES = {name: name for name in FORMATS} | {"WEBP": "WebP", "HEIF": "HEIC"}
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
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
TURNED_BY_DECODER = frozenset({"TIFF", "HEIF"})
QUIET = ("ignore", None, UserWarning, re.compile(r"PIL\."), 0)

# What Pillow's openers and decoders raise on hostile bytes; but for MemoryError, which may be for want of memory.
HEADER_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
OPENING_ERRORS: tuple[type[Exception], ...] = (*HEADER_ERRORS, MemoryError)
"""To open a picture takes little, unless its header lies."""

# How the files start that are accepted: a name says nothing about content.
SIGNATURES: dict[str, re.Pattern[bytes]] = {
    name: re.compile(pattern, re.DOTALL)
    for name, pattern in (
        ("JPEG", rb"\xff\xd8\xff"),
        ("PNG", rb"\x89PNG\r\n\x1a\n"),
        ("GIF", rb"GIF8[79]a"),
        ("WEBP", rb"RIFF.{4}WEBP"),
        ("BMP", rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
        ("TIFF", rb"II[*+]\0|MM\0[*+]"),
        ("HEIF", rb".{4}ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)"),
    )
}
HEIF_ITEM = re.compile(rb"infe")
HEIF_ITEM_BYTES, HEIF_LONG_ITEM_BYTES = 16, 18
"""Where the text of an `infe` box begins: up to version 2, and from 3 on."""
# Pictures that we know when we see them, and do not take. They come first: some look like those above.
OTHER_SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("Photoshop", rb"8BPS"),
        ("PDF", rb"%PDF"),
        ("PostScript", rb"%!PS"),
        ("ICO", rb"\0\0[\1\2]\0[\1-\xff]\0"),
        ("JPEG 2000", rb"\0\0\0\x0cjP..\r\n|\xff\x4f\xff\x51"),
        ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL \r\n"),
        # mif1 and msf1 say only "some HEIF"; then the compatible brands tell which.
        ("AVIF", rb".{4}ftyp(?:avi[fs]|m[is]f1.{4}(?:(?!he[iv][cmsx]).{4}){0,8}avi[fs])"),
        (
            "camera raw",
            rb"FUJIFILMCCD-RAW|II\*\0.{4}CR|II(?:U\0|R[OS])\x08\0\0\0|MMOR\0\0\0\x08|FOVb|.{4}ftypcrx ",
        ),
        ("OpenEXR", rb"v/1\x01"),
        ("QOI", rb"qoif"),
        ("DDS", rb"DDS "),
        ("GIMP", rb"gimp xcf"),
        ("PNM", rb"P[1-7]\s+(?:#|\d|WIDTH)"),
        ("SVG", rb"(?:\xef\xbb\xbf)?\s*<(?i:svg|(?:\?xml|!--|!DOCTYPE svg).{0,2000}<svg)"),
    )
)
DNG_VERSION, NEW_SUBFILE_TYPE, SUB_IFDS = 50706, 254, 330


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a picture's header says; width and height as a person sees it."""

    media_type: str
    width: int
    height: int


def read_image_header(
    data: bytes | memoryview, *, max_pixels: int, formats: Collection[str] = FORMATS
) -> ImageHeader:
    """Checks that bytes are a whole picture that is accepted here.

    The file's structure is walked before Pillow sees it, so that what breaks off is told from what is merely
    strange, and so that a file made to be slow to open is not opened.

    Args:
        data: The file.
        max_pixels: Most pixels (width x height) accepted.
        formats: Those of `FORMATS` that are accepted.

    Raises:
        EmptyUpload: There are no bytes.
        NotAnImage: They are no picture.
        UnsupportedFormat: They are a picture of another format, or of a variant that cannot be read.
        TooManyPixels: It has more than `max_pixels`.
        ImageTruncated: The file breaks off.
    """
    data = bytes(data)
    if not data:
        raise EmptyUpload("The upload is empty: the file has no bytes. Choose the file again.")
    file_format = _format(data)
    if file_format not in formats:
        raise UnsupportedFormat(
            f"Files of the format {NAMES[file_format]} are not accepted here. Send {named(formats)}."
        )
    if not COMPLETENESS[file_format](data):
        raise ImageTruncated(
            "The picture's file is incomplete: it breaks off before its end. Send it again."
        )
    if file_format == "WEBP":
        # Pillow's opener allocates the canvas, so the size is needed before it.
        _check_pixels(_webp_size(data), max_pixels)
    try:
        with open_image(data) as image:
            return _checked(file_format, image, max_pixels)
    except OPENING_ERRORS as error:
        raise UnsupportedFormat(
            f"The header of this {file_format} file is damaged or of a variant that cannot be read."
            " Export it again as JPEG or PNG and send that."
        ) from error


def named(formats: Collection[str]) -> str:
    """Formats as a sentence names them: `JPEG, PNG or HEIC`."""
    *others, last = (NAMES[name] for name in FORMATS if name in formats)
    return f"{', '.join(others)} or {last}" if others else last


def open_image(data: bytes) -> Image.Image:
    """Opens a picture with the accepted openers alone; its pixels are not decoded yet.

    Raises:
        ValueError: A HEIC that would crash pi-heif.
    """
    prepare_pillow()
    _quieten_pillow()
    if not _has_readable_items(data):
        raise ValueError("HEIF item with a type or name that is no text")
    return Image.open(io.BytesIO(data), formats=FORMATS)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation that is still to be applied, 1 to 8; 1 where none can be read.

    Pillow turns a TIFF and libheif a HEIC while they are decoded, and both tell the size after that.
    """
    if image.format in TURNED_BY_DECODER:
        return UPRIGHT
    if image.format == "PNG" and "exif" not in image.info:
        return UPRIGHT  # Pillow would decode all pixels to look for it behind them
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except OPENING_ERRORS:
        return UPRIGHT
    return value if value in ORIENTATIONS else UPRIGHT


def _format(data: bytes) -> str:
    """Which of `FORMATS` the bytes claim to be.

    Raises:
        UnsupportedFormat: They are a picture of another format.
        NotAnImage: They are no picture.
    """
    for name, signature in OTHER_SIGNATURES:
        if signature.match(data):
            raise UnsupportedFormat(f"This is a file of the format {name}. Send {named(FORMATS)}.")
    for name, signature in SIGNATURES.items():
        if signature.match(data):
            return name
    raise NotAnImage(f"These bytes are no picture. Send {named(FORMATS)}.")


def _checked(file_format: str, image: Image.Image, max_pixels: int) -> ImageHeader:
    """The header of an opened picture.

    Raises:
        TooManyPixels: It has more than `max_pixels`.
        UnsupportedFormat: It is a camera's raw file in the clothes of a TIFF.
        ValueError: It has no pixels.
    """
    width, height = image.size
    _check_pixels(image.size, max_pixels)
    if width < 1 or height < 1:
        raise ValueError("no pixels")
    if _is_raw(image):
        raise UnsupportedFormat(f"This is a file of the format camera raw. Send {named(FORMATS)}.")
    if orientation(image) in TURNED:
        width, height = height, width
    return ImageHeader(MEDIA_TYPES[file_format], width, height)


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The picture has {width} x {height} pixels; at most {max_pixels:,} are accepted."
            " Make it smaller."
        )


def _is_raw(image: Image.Image) -> bool:
    """Whether a TIFF is a camera's raw file, whose first picture is only a thumbnail."""
    tags = getattr(image, "tag_v2", {})
    return DNG_VERSION in tags or (tags.get(NEW_SUBFILE_TYPE) == 1 and SUB_IFDS in tags)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP's canvas (RFC 9649); (0, 0) where the header makes no sense."""
    kind, head = data[12:16], data[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 6)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _has_readable_items(data: bytes) -> bool:
    """Whether the type, name and content type of every item of a HEIC are text (`infe`, ISO/IEC 14496-12).

    pi-heif 1.4.0 takes the process down where they are no UTF-8: one changed byte of a photograph's `Exif` item
    is enough. So they are looked at before it sees the file.
    """
    if not SIGNATURES["HEIF"].match(data):
        return True
    for found in HEIF_ITEM.finditer(data):
        start = found.start() - 4
        size = int.from_bytes(data[start : found.start()])
        if start < 0 or start + size > len(data):
            continue  # four bytes of a picture's data that happen to say so
        version = data[found.end() : found.end() + 1]
        text = start + (HEIF_LONG_ITEM_BYTES if version > b"\x02" else HEIF_ITEM_BYTES)
        if start + size < text:
            return False
        try:
            data[text : start + size].decode()
        except UnicodeDecodeError:
            return False
    return True


def _quieten_pillow() -> None:
    """Keeps Pillow's remarks on odd metadata off standard error.

    A filter for the process, since `warnings.catch_warnings` is not safe among threads. It is looked for every
    time, because whoever does use `catch_warnings` takes it away.
    """
    if QUIET not in warnings.filters:
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@cache
def prepare_pillow() -> None:
    """Sets Pillow up, once a process; called at start, it spares the first picture the loading of decoders.

    HEIC is decoded by libheif with libde265, without GPL code. Pillow's own limit of pixels goes: it can
    only be set for the whole process and only warns at first; `read_image_header` holds the deployment's.
    """
    for name in FORMATS[:-1]:
        import_module(f"PIL.{PLUGINS.get(name, name.title())}ImagePlugin")
    from pi_heif import register_heif_opener  # noqa: PLC0415 - loads libheif

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    Image.MAX_IMAGE_PIXELS = None
