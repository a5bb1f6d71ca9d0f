"""Whether a file reaches its end, format by format, and what must not fool the answer."""

import io
import struct
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from inferq.models.completeness import COMPLETENESS
from photos import encoded, jpeg, pixels

PHOTO = Image.fromarray(pixels("coffee")).resize((90, 60))
EOI = b"\xff\xd9"


def whole(file_format: str, data: bytes) -> bool:
    return COMPLETENESS[file_format](data)


def box(kind: bytes, content: bytes, *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


FTYP, META = box(b"ftyp", b"heic\0\0\0\0mif1heic"), box(b"meta", bytes(50))
HEIC = FTYP + META + box(b"mdat", bytes(100))


def motorola_tiff() -> bytes:
    """A TIFF in big-endian order, which Pillow does not write: 4 x 2 pixels of 8 bits."""
    tags = [
        (256, 4),
        (257, 2),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 122),
        (277, 1),
        (278, 2),
        (279, 8),
    ]
    entries = b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", len(tags)) + entries + bytes(4) + bytes(8)


def old_bmp() -> bytes:
    """A BMP with OS/2's header of 12 bytes: 3 x 2 pixels of 24 bits, so rows of 12 bytes."""
    return b"BM" + struct.pack("<IIIIHHHH", 50, 0, 26, 12, 3, 2, 1, 24) + bytes(24)


FILES = [
    ("JPEG", "baseline", encoded(PHOTO, "JPEG")),
    ("JPEG", "progressive", encoded(PHOTO, "JPEG", progressive=True)),
    ("JPEG", "with restart markers", encoded(PHOTO, "JPEG", restart_marker_blocks=4)),
    ("JPEG", "with a colour profile", encoded(PHOTO, "JPEG", icc_profile=bytes(150_000))),
    ("PNG", "plain", encoded(PHOTO, "PNG")),
    ("WEBP", "plain", encoded(PHOTO, "WEBP")),
    ("WEBP", "with alpha", encoded(PHOTO.convert("RGBA"), "WEBP", exact=True)),
    ("BMP", "24 bits", encoded(PHOTO, "BMP")),
    ("BMP", "one bit", encoded(PHOTO.convert("1"), "BMP")),
    ("BMP", "OS/2", old_bmp()),
    ("TIFF", "strips", encoded(PHOTO, "TIFF")),
    ("TIFF", "deflated", encoded(PHOTO, "TIFF", compression="tiff_deflate")),
    ("TIFF", "big", encoded(PHOTO, "TIFF", big_tiff=True)),
    ("TIFF", "big-endian", motorola_tiff()),
    ("HEIF", "boxes", HEIC),
    ("HEIF", "large boxes", FTYP + META + box(b"mdat", bytes(100), large=True)),
]
CASES = pytest.mark.parametrize(
    ("file_format", "data"), [pytest.param(f, d, id=f"{f} {kind}") for f, kind, d in FILES]
)


@CASES
def test_a_whole_file_reaches_its_end(file_format, data):
    assert whole(file_format, data)


@CASES
def test_no_shorter_file_does(file_format, data):
    lengths = (
        range(len(data)) if len(data) < 3000 else np.linspace(0, len(data) - 1, 500, dtype=int)
    )
    assert [int(length) for length in lengths if whole(file_format, data[:length])] == []


@CASES
def test_bytes_after_the_end_do_no_harm(file_format, data):
    assert whole(file_format, data + b"\0\0\0")


def test_the_end_of_a_thumbnail_is_not_the_pictures_end():
    thumbnail = encoded(PHOTO.resize((16, 12)), "JPEG")
    data = encoded(PHOTO, "JPEG", exif=Image.Exif().tobytes() + thumbnail)

    assert data.index(EOI) < 2000
    assert whole("JPEG", data)
    assert not whole("JPEG", data[:-2])


def test_the_end_marker_in_a_comment_is_not_the_pictures_end():
    data = encoded(PHOTO, "JPEG", comment=b"the end is " + EOI)

    assert not whole("JPEG", data[:-2])


@pytest.mark.parametrize("cut", [10, 500, 1500])
def test_a_second_picture_does_not_matter_to_the_first(cut):
    data = encoded(PHOTO, "MPO", save_all=True, append_images=[PHOTO.rotate(180)])

    assert whole("JPEG", data)
    assert whole("JPEG", data[:-cut])


def test_fill_bytes_and_junk_between_segments_are_passed_over():
    data = jpeg("coffee")

    assert whole("JPEG", data[:2] + b"\xff\xff\xff" + data[2:])
    assert whole("JPEG", data[:20] + b"junk\0" + data[20:])


def test_a_gif_needs_its_first_frame_and_no_more():
    data = encoded(
        PHOTO, "GIF", save_all=True, append_images=[PHOTO.rotate(180)], comment=b"two frames"
    )
    ends = [length for length in range(len(data) + 1) if whole("GIF", data[:length])]

    first_frame = ends[0]
    assert len(data) * 0.3 < first_frame < len(data) * 0.7
    assert ends == list(range(first_frame, len(data) + 1))
    Image.open(io.BytesIO(data[:first_frame] + b";")).load()


def test_a_compressed_bmp_is_judged_by_the_size_it_declares():
    data = bytearray(encoded(PHOTO.quantize(16), "BMP"))
    data[30:34] = struct.pack("<I", 1)

    assert whole("BMP", bytes(data))
    assert not whole("BMP", bytes(data[:-1]))


def test_a_heic_cut_between_its_boxes_is_not_whole():
    assert not whole("HEIF", FTYP + META)


def test_a_heic_whose_last_box_runs_to_the_end_is_whole():
    assert whole("HEIF", FTYP + META + b"\0\0\0\0mdat" + bytes(20))


HOSTILE = {
    "JPEG": [
        b"\xff\xd8\xff\xe0\0\0",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\xff\xd8\xff\xda",
        b"\xff\xd8" + EOI,
    ],
    "PNG": [b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT0000", b"\x89PNG\r\n\x1a\n" + bytes(12) * 3],
    "GIF": [b"GIF89a" + b"\xff" * 7, b"GIF89a\1\0\1\0\0\0\0!", b"GIF89a\1\0\1\0\0\0\0,"],
    "WEBP": [b"RIFF\xff\xff\xff\xffWEBPVP8 "],
    "BMP": [b"BM" + b"\xff" * 50, b"BM" + bytes(12) + b"\x28\0\0\0" + b"\x7f" * 12 + bytes(24)],
    "TIFF": [
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
        b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + b"\xff" * 8,
        b"II*\0\x08\0\0\0\x02\0"
        + struct.pack("<HHIIHHII", 273, 4, 2**32 - 1, 8, 279, 4, 2**32 - 1, 8),
    ],
    "HEIF": [b"\0\0\0\0ftyp", b"\0\0\0\x01ftyp" + b"\xff" * 8, b"\0\0\0\x01ftyp" + bytes(8)],
}


@pytest.mark.parametrize(
    ("file_format", "data"), [(name, data) for name, rows in HOSTILE.items() for data in rows]
)
def test_lengths_that_lie_make_no_whole_file(file_format, data):
    assert whole(file_format, data) is False


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 400), st.binary(max_size=60))
def test_any_bytes_get_an_answer(file, start, patch):
    file_format, _, data = file

    assert whole(file_format, data[:start] + patch + data[start + len(patch) :]) in (True, False)
    assert whole(file_format, data[:8] + patch) in (True, False)


@pytest.mark.parametrize("file_format", COMPLETENESS)
@pytest.mark.parametrize(
    "filler", [b"\0", b"\x01", b"\x08", b"\xff", b"\xff\xe0\0\x02", b"!\xfe\0"]
)
def test_large_nonsense_is_answered_quickly(file_format, filler):
    start = {f: d for f, _, d in FILES}.get(file_format, b"GIF89a\1\0\1\0\0\0\0")[:13]
    data = start + filler * (10_000_000 // len(filler))

    began = time.perf_counter()
    whole(file_format, data)
    assert time.perf_counter() - began < 0.5


def test_ten_megabytes_of_jpeg_take_less_than_five_milliseconds():
    noise = np.random.default_rng(0).integers(0, 256, (2100, 2100, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG", quality=95, subsampling=0)
    assert len(data) > 10_000_000

    def once() -> float:
        began = time.perf_counter()
        assert whole("JPEG", data)
        return time.perf_counter() - began

    assert min(once() for _ in range(5)) < 0.005
