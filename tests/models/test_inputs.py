"""Header checks of uploads: real files of every format, whole, cut short, turned, and hostile."""

import io
import re
import struct
import time
import warnings
import zlib
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from inferq.errors import (
    EmptyUpload,
    ImageTruncated,
    NotAnImage,
    RequestError,
    TooManyPixels,
    UnsupportedFormat,
)
from inferq.models import inputs
from inferq.models.inputs import ImageHeader, read_image_header
from photos import TURNED_HEIC, encoded, pixels

MAX_PIXELS = 64_000_000
PHOTO = Image.fromarray(pixels("chelsea")).resize((120, 80))

# Made with pillow-heif (libheif, x265) from a flat colour: pi-heif brings no encoder.
HEIC = b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAA"
    "AAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAH0AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34"
    "+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5"
    "uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAA"
    "AAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAA"
    "AAAAAAEAAQWBAgMFhAAAAIVtZGF0AAAAeSgBrwngOSMkv//6Mb//+EaeQ/a5WHKOuPHyQz/9NDZ+NQwv9Vc8H/BV"
    "UPCQ7+Whb0qMkS1C9QKAgoW1wnVZz4ePpcSB331U8wekBrl8zo82935Tx66JMavMI8FZEw/i+/79MyHAY6EumRnA"
    "P+1zCRvq0Fh0K7Mu4fg="
)
AVIF = b64decode(
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAA"
    "AAAAAAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAKgAAAChpaW5mAAAA"
    "AAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAIAAAACAA"
    "AAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQB"
    "AoMEAAAAMm1kYXQSAAoJGBE/9ogIaDQgMhsUx4eGZQIIIJ5QAAAARdWbC673FksXnw5ij20="
)


def header(data, max_pixels=MAX_PIXELS) -> ImageHeader:
    return read_image_header(data, max_pixels=max_pixels)


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def with_thumbnail(file_exif: bytes) -> bytes:
    """EXIF that carries a small JPEG, as cameras write it, with an end marker of its own."""
    return file_exif + encoded(PHOTO.resize((16, 12)), "JPEG")


def tiff_tags(**values: int) -> TiffImagePlugin.ImageFileDirectory_v2:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in values.items():
        tags[{"subfile": 254, "sub_ifds": 330, "dng": 50706}[name]] = value
    return tags


FILES: dict[str, tuple[bytes, str]] = {
    "jpeg": (encoded(PHOTO, "JPEG"), "image/jpeg"),
    "progressive jpeg": (encoded(PHOTO, "JPEG", progressive=True), "image/jpeg"),
    "gray jpeg": (encoded(PHOTO.convert("L"), "JPEG"), "image/jpeg"),
    "cmyk jpeg": (encoded(PHOTO.convert("CMYK"), "JPEG"), "image/jpeg"),
    "jpeg with a thumbnail": (encoded(PHOTO, "JPEG", exif=with_thumbnail(exif(1))), "image/jpeg"),
    "mpo": (
        encoded(PHOTO, "MPO", save_all=True, append_images=[PHOTO.rotate(180)]),
        "image/jpeg",
    ),
    "png": (encoded(PHOTO, "PNG"), "image/png"),
    "palette png": (encoded(PHOTO.quantize(64), "PNG"), "image/png"),
    "webp": (encoded(PHOTO, "WEBP"), "image/webp"),
    "lossless webp": (encoded(PHOTO, "WEBP", lossless=True), "image/webp"),
    "webp with exif": (encoded(PHOTO, "WEBP", exif=exif(1)), "image/webp"),
    "animated webp": (
        encoded(PHOTO, "WEBP", save_all=True, append_images=[PHOTO.rotate(180)]),
        "image/webp",
    ),
    "bmp": (encoded(PHOTO, "BMP"), "image/bmp"),
    "palette bmp": (encoded(PHOTO.quantize(64), "BMP"), "image/bmp"),
    "gif": (encoded(PHOTO, "GIF"), "image/gif"),
    "animated gif": (
        encoded(PHOTO, "GIF", save_all=True, append_images=[PHOTO.rotate(180)]),
        "image/gif",
    ),
    "tiff": (encoded(PHOTO, "TIFF"), "image/tiff"),
    "deflated tiff": (encoded(PHOTO, "TIFF", compression="tiff_deflate"), "image/tiff"),
    "big tiff": (encoded(PHOTO, "TIFF", big_tiff=True), "image/tiff"),
    "heic": (HEIC, "image/heic"),
}
SIZES = {"heic": (64, 48)}


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_tells_its_type_and_size(name):
    data, media_type = FILES[name]

    assert header(data) == ImageHeader(media_type, *SIZES.get(name, (120, 80)))


def test_a_view_of_bytes_is_as_good_as_bytes():
    data = FILES["jpeg"][0]

    assert header(memoryview(b"before" + data)[6:]) == header(data)


# A GIF or an MPO is cut within its first frame: what comes after it is never looked at. A JPEG's and a GIF's
# last bytes are their end markers.
FIRST_FRAMES = {"mpo": 2000, "gif": -2, "animated gif": 2000}


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_anywhere_is_incomplete(name):
    data = FILES[name][0]
    end = len(data[: FIRST_FRAMES.get(name, -1)])
    for length in {*np.linspace(18, end, 60, dtype=int).tolist(), end}:
        with pytest.raises(ImageTruncated, match="Send it again"):
            header(data[:length])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_width_and_height_are_those_that_a_person_sees(file_format, orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    found = header(encoded(PHOTO, file_format, exif=tags))

    assert (found.width, found.height) == ((120, 80) if orientation < 5 else (80, 120))


def test_a_turned_heic_has_the_size_that_a_person_sees():
    found = header(TURNED_HEIC)

    assert (found.width, found.height) == (48, 64)


@pytest.mark.parametrize(
    "broken",
    [
        b"Exif\0\0",
        b"Exif\0\0II",
        b"Exif\0\0garbage that is no TIFF",
        exif(6)[:20],
        exif(6).replace(b"\x01\x12\0\x03", b"\xff\xff\0\x03"),
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff\0\0\0\0" * 50,
        exif(0),
        exif(9),
        exif(65535),
    ],
)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_means_upright(file_format, broken):
    found = header(encoded(PHOTO, file_format, exif=broken))

    assert (found.width, found.height) == (120, 80)


def test_a_giant_exif_is_no_obstacle():
    found = header(encoded(PHOTO, "PNG", exif=exif(6) + bytes(8_000_000)))

    assert (found.width, found.height) == (80, 120)


def test_an_empty_upload_is_told_so():
    for nothing in (b"", memoryview(b"")):
        with pytest.raises(EmptyUpload):
            header(nothing)


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"\0" * 1000,
        b"BMW is a maker of cars, not a picture of one.",
        b"MMORPGs have many players",
        b"<html><body>no picture</body></html>",
        b"PK\x03\x04" + bytes(100),
        b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
        b"\x7fELF" + bytes(100),
        b"\0\0\0\x18ftypmp42" + bytes(100),
        FILES["jpeg"][0][1:],
    ],
)
def test_what_is_no_picture_is_told_so_with_what_to_send(data):
    with pytest.raises(NotAnImage, match="Send JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC"):
        header(data)


OTHERS = {
    "SVG": [
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- made by hand -->\n<svg></svg>',
    ],
    "Photoshop": [b"8BPS\0\x01" + bytes(100)],
    "AVIF": [AVIF, AVIF.replace(b"ftypavif", b"ftypmif1")],
    "ICO": [encoded(PHOTO, "ICO")],
    "PDF": [encoded(PHOTO, "PDF")],
    "JPEG XL": [b"\xff\x0a" + bytes(100), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100)],
    "JPEG 2000": [encoded(PHOTO, "JPEG2000"), encoded(PHOTO, "JPEG2000", no_jp2=True)],
    "PNM": [encoded(PHOTO, "PPM")],
    "DDS": [encoded(PHOTO, "DDS")],
    "camera raw": [
        b"FUJIFILMCCD-RAW 0201" + bytes(100),
        b"II*\0\x10\0\0\0CR\x02\0" + bytes(100),
        b"\0\0\0\x18ftypcrx \0\0\0\x01" + bytes(100),
        encoded(PHOTO, "TIFF", tiffinfo=tiff_tags(subfile=1, sub_ifds=8)),
        encoded(PHOTO, "TIFF", tiffinfo=tiff_tags(dng=1)),
    ],
}


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, files in OTHERS.items() for data in files]
)
def test_a_picture_of_another_format_is_named_with_what_to_send(name, data):
    with pytest.raises(UnsupportedFormat, match=f"{name}.*Send JPEG, PNG"):
        header(data)


@pytest.mark.parametrize("name", FILES)
def test_one_pixel_too_many_is_refused_and_the_limit_itself_is_not(name):
    data = FILES[name][0]
    width, height = SIZES.get(name, (120, 80))

    header(data, width * height)
    with pytest.raises(TooManyPixels, match=f"{width} x {height}.*smaller"):
        header(data, width * height - 1)


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(width: int, height: int, *others: bytes) -> bytes:
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size)
    return start + b"".join(others) + body + chunk(b"IEND", b"")


def patched(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


def tiff_of_width(width: int) -> bytes:
    data = FILES["tiff"][0]
    entry = re.search(rb"\x00\x01[\x03\x04]\x00\x01\0\0\0", data)
    return patched(data, entry.start(), struct.pack("<HHII", 256, 4, 1, width))


HUGE = {
    "png": png(50_000, 50_000),
    "png of the greatest size": png(2**31 - 1, 2**31 - 1),
    "gif": patched(FILES["gif"][0], 6, b"\xff\xff\xff\xff"),
    "tiff": tiff_of_width(2**31),
    "bmp": patched(FILES["bmp"][0], 18, struct.pack("<ii", 2**31 - 1, 2**31 - 1)),
    "bmp upside down": patched(FILES["bmp"][0], 18, struct.pack("<ii", 60_000, -60_000)),
    "compressed bmp": patched(
        patched(FILES["palette bmp"][0], 18, struct.pack("<ii", 60_000, 60_000)), 30, b"\x01"
    ),
    "webp": encoded(Image.new("RGB", (16_383, 8_000)), "WEBP", lossless=True, method=0),
    "extended webp": patched(FILES["webp with exif"][0], 24, b"\xff" * 6),
    "jpeg": re.sub(
        rb"(\xff\xc0..\x08)....",
        lambda head: head[1] + b"\xff" * 4,
        FILES["jpeg"][0],
        flags=re.DOTALL,
    ),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_small_file_that_claims_to_be_huge_is_refused_at_once(name):
    start = time.perf_counter()
    with pytest.raises((TooManyPixels, ImageTruncated)):
        header(HUGE[name])
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("max_pixels", [200_000_000, 10**12])
def test_the_setting_alone_decides_and_pillow_does_not_warn(max_pixels):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = header(png(14_000, 14_000), max_pixels)

    assert (found.width, found.height) == (14_000, 14_000)
    assert not caught


def test_odd_metadata_is_no_reason_to_warn():
    broken = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\0\0\0\0\0\0" * 5
    mpo = FILES["mpo"][0].replace(b"MPF\0II", b"MPF\0XX")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        header(encoded(PHOTO, "JPEG", exif=broken))
        header(mpo)

    assert not caught


SLOW = {
    "jpeg of empty segments": b"\xff\xd8" + b"\xff\xe5\0\x02" * 1_000_000,
    "jpeg of 16 MB of exif": b"\xff\xd8"
    + (b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527)) * 256
    + FILES["jpeg"][0][2:],
    "jpeg of fill bytes": b"\xff\xd8" + b"\xff" * 8_000_000,
    "jpeg of zeros": b"\xff\xd8\xff\xe0\0\x02" + bytes(8_000_000),
    "png of empty chunks": png(10, 10, chunk(b"teSt", b"") * 500_000),
    "gif of empty comments": b"GIF89a\x10\0\x10\0\0\0\0" + b"\x21\xfe\x01a\0" * 1_000_000,
    "gif of tiny blocks": b"GIF89a\x10\0\x10\0\0\0\0\x21\xfe" + b"\x01a" * 4_000_000,
    "heic of empty boxes": HEIC[:28] + b"\0\0\0\x08free" * 1_000_000,
    "tiff of repeated tags": (
        b"II*\0\x08\0\0\0\xff\xff"
        + struct.pack("<HHII", 273, 4, 1_000_000, 8) * 65_535
        + bytes(4_000_000)
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_file_made_to_be_slow_is_refused_within_a_second(name):
    start = time.perf_counter()
    with pytest.raises(RequestError):
        header(SLOW[name])
    assert time.perf_counter() - start < 1


def attempt(data: bytes) -> None:
    """Anything but one of our refusals is a failure of the test."""
    try:
        found = header(data)
    except (NotAnImage, UnsupportedFormat, ImageTruncated, TooManyPixels, EmptyUpload):
        return
    assert found.width * found.height <= MAX_PIXELS


STARTS = [b"", *{data[:32] for data, _ in FILES.values()}]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(STARTS), st.binary(max_size=400))
def test_random_bytes_are_refused_and_nothing_worse(start, rest):
    attempt(start + rest)


@pytest.mark.parametrize("name", FILES)
def test_damaged_real_files_are_taken_or_refused_and_nothing_worse(name):
    rng = np.random.default_rng(len(name))
    whole = np.frombuffer(FILES[name][0], np.uint8)
    for _ in range(60):
        data = whole.copy()
        reach = len(data) if rng.random() < 0.5 else min(len(data), 200)
        data[rng.integers(0, reach, rng.integers(1, 6))] = rng.integers(0, 256)
        attempt(data.tobytes())


def test_a_header_is_read_without_decoding():
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG", quality=90)
    header(data)

    start = time.perf_counter()
    header(data)
    assert time.perf_counter() - start < 0.02


def test_whole_bytes_that_pillow_cannot_read_say_what_to_do():
    broken = patched(
        png(10, 10), 25, b"\x07"
    )  # a colour type that does not exist; its checksum follows
    broken = patched(broken, 29, struct.pack(">I", zlib.crc32(broken[12:29])))

    with pytest.raises(UnsupportedFormat, match="Export it again"):
        header(broken)


@pytest.mark.parametrize(
    ("name", "formats", "words"),
    [
        ("heic", ("JPEG", "PNG", "GIF"), "HEIC are not accepted here. Send JPEG, PNG or GIF."),
        ("webp", ("JPEG",), "WebP are not accepted here. Send JPEG."),
    ],
)
def test_a_format_that_is_switched_off_is_refused_before_it_is_opened(
    monkeypatch, name: str, formats: tuple[str, ...], words: str
):
    monkeypatch.setattr(inputs, "open_image", None)
    with pytest.raises(UnsupportedFormat, match=words):
        read_image_header(FILES[name][0], max_pixels=MAX_PIXELS, formats=formats)


def test_the_first_frame_counts():
    small = PHOTO.resize((60, 40))
    data = io.BytesIO()
    PHOTO.save(data, "TIFF", save_all=True, append_images=[small])

    assert header(data.getvalue()) == ImageHeader("image/tiff", 120, 80)


@pytest.mark.parametrize("byte", [b"\x80", b"\xff"])
def test_a_heic_that_would_crash_the_decoder_is_refused(byte):
    # pi-heif 1.4.0 ends the process on an item type that is no UTF-8.
    assert TURNED_HEIC.count(b"Exif\0") >= 1

    with pytest.raises(UnsupportedFormat):
        header(TURNED_HEIC.replace(b"Exif\0", b"Ex" + byte + b"f\0"))
