"""Bytes to pixels: colours and orientation as a person sees them, and nothing but our error for damage."""

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from inferq.errors import ImageDamaged, InferqError
from inferq.models import pixels as pixels_module
from inferq.models.inputs import read_image_header
from inferq.models.pixels import decode_image, stretch, to_rgb
from photos import TURNED_HEIC, encoded, jpeg, pixels

MAX_PIXELS = 64_000_000

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTED_FORMATS = ["JPEG", "PNG", "WEBP", "TIFF"]

# How a camera stores an upright picture under each orientation (TIFF 6.0, tag 274).
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def decoded(data: bytes) -> Image.Image:
    return decode_image(data).image


def near(color: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 4) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(color, wanted, strict=True))


def quarters() -> Image.Image:
    """96 x 64: red, green above blue, white."""
    image = Image.new("RGB", (96, 64), RED)
    image.paste(GREEN, (48, 0, 96, 32))
    image.paste(BLUE, (0, 32, 48, 64))
    image.paste(WHITE, (48, 32, 96, 64))
    return image


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    right, bottom = image.width - 9, image.height - 9
    return [image.getpixel(at) for at in ((8, 8), (right, 8), (8, bottom), (right, bottom))]


def turned(file_format: str, orientation: int) -> bytes:
    image = quarters()
    if orientation in STORED:
        image = image.transpose(STORED[orientation])
    tags = Image.Exif()
    tags[0x0112] = orientation
    options = {"lossless": True} if file_format == "WEBP" else {}
    return encoded(image, file_format, exif=tags, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ORIENTED_FORMATS)
def test_pictures_come_upright(file_format, orientation):
    data = turned(file_format, orientation)
    found = decode_image(data)
    header = read_image_header(data, max_pixels=MAX_PIXELS)

    assert found.image.size == (found.width, found.height) == (96, 64)
    assert (header.width, header.height) == (96, 64)
    for color, wanted in zip(corners(found.image), (RED, GREEN, BLUE, WHITE), strict=True):
        assert near(color, wanted, 12)


def test_a_heic_whose_pixels_are_of_another_size_than_it_says_is_damaged():
    lying = bytearray(TURNED_HEIC)
    lying[TURNED_HEIC.index(b"clap") + 14] = 4  # crops to a width of 4 x 256 more than there is
    with pytest.raises(ImageDamaged):
        decode_image(bytes(lying))


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch):
    monkeypatch.setattr(pixels_module, "LARGE_PIXELS", 96 * 64 - 1)
    large, small = encoded(quarters(), "PNG"), encoded(quarters().resize((9, 6)), "PNG")
    with ThreadPoolExecutor(2) as threads:
        with pixels_module._one_large:
            waiting = threads.submit(decode_image, large)
            assert threads.submit(decode_image, small).result(10).width == 9
            assert not waiting.done()
        assert waiting.result(10).width == 96


def test_a_turned_heic_comes_upright():
    found = decode_image(TURNED_HEIC)

    assert found.image.size == (found.width, found.height) == (48, 64)
    # Turned clockwise by a quarter: the left half is on top now, the upper right at the lower right.
    for color, wanted in zip(
        corners(found.image),
        ((200, 30, 30), (200, 30, 30), (30, 60, 200), (30, 160, 60)),
        strict=True,
    ):
        assert near(color, wanted, 8)


@pytest.mark.parametrize("name", ["chelsea", "astronaut", "coffee"])
@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF"])
def test_photographs_come_through_lossless_formats_unchanged(name, file_format):
    data = encoded(Image.fromarray(pixels(name)), file_format)

    assert np.array_equal(np.asarray(decoded(data)), pixels(name))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
def test_photographs_come_through_jpeg_nearly_unchanged(options):
    data = encoded(Image.fromarray(pixels("chelsea")), "JPEG", quality=92, **options)
    difference = np.asarray(decoded(data)).astype(int) - pixels("chelsea")

    assert np.abs(difference).mean() < 2.5


def flat(mode: str, color: object, size: tuple[int, int] = (16, 16)) -> Image.Image:
    return Image.new(mode, size, color)


def palette(transparency: object = None) -> bytes:
    image = flat("P", 1)
    image.putpalette([0, 0, 0, *RED])
    options = {} if transparency is None else {"transparency": transparency}
    return encoded(image, "PNG", **options)


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(depth: int, color_type: int, pixel: bytes) -> bytes:
    """A PNG of 16 x 16 equal pixels; Pillow does not write all kinds that it reads."""
    size = struct.pack(">IIBBBBB", 16, 16, depth, color_type, 0, 0, 0)
    rows = (b"\0" + pixel * 16) * 16
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size)
    return start + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def grays(values: np.ndarray, **options: object) -> bytes:
    return encoded(Image.fromarray(values), "TIFF", **options)


def square(value: float, kind: str) -> np.ndarray:
    """One grey in a picture that also has black."""
    values = np.full((16, 16), value, kind)
    values[12:] = 0
    return values


def big_endian_16_bit_tiff(value: int) -> bytes:
    tags = [
        (256, 16),
        (257, 16),
        (258, 16),
        (259, 1),
        (262, 1),
        (273, 122),
        (277, 1),
        (278, 16),
        (279, 512),
    ]
    entries = b"".join(struct.pack(">HHIHH", tag, 3, 1, number, 0) for tag, number in tags)
    return (
        b"MM\0*\0\0\0\x08"
        + struct.pack(">H", 9)
        + entries
        + bytes(4)
        + struct.pack(">H", value) * 256
    )


MID, HALF_RED = (128, 128, 128), (255, 127, 127)
COLORS = {
    "gray": (encoded(flat("L", 128), "PNG"), MID),
    "gray jpeg": (encoded(flat("L", 128), "JPEG"), MID),
    "gray with alpha": (encoded(flat("LA", (0, 128)), "PNG"), (127, 127, 127)),
    "gray with a transparent level": (encoded(flat("L", 7), "PNG", transparency=7), WHITE),
    "one bit, white": (encoded(flat("1", 1), "PNG"), WHITE),
    "one bit, black": (encoded(flat("1", 0), "TIFF"), (0, 0, 0)),
    "palette": (palette(), RED),
    "palette, transparent color": (palette(1), WHITE),
    "palette, translucent color": (palette(b"\xff\x80"), HALF_RED),
    "palette with alpha": (encoded(flat("RGBA", (*RED, 128)).convert("PA"), "TIFF"), HALF_RED),
    "rgb with a transparent color": (encoded(flat("RGB", RED), "PNG", transparency=RED), WHITE),
    "rgba, opaque": (encoded(flat("RGBA", (*RED, 255)), "PNG"), RED),
    "rgba, clear": (encoded(flat("RGBA", (0, 0, 0, 0)), "PNG"), WHITE),
    "rgba, half": (encoded(flat("RGBA", (*RED, 128)), "PNG"), HALF_RED),
    "rgba webp": (encoded(flat("RGBA", (*RED, 128)), "WEBP", lossless=True), HALF_RED),
    "rgba tiff": (encoded(flat("RGBA", (*RED, 128)), "TIFF"), HALF_RED),
    "gif": (encoded(flat("RGB", RED), "GIF"), RED),
    "clear gif": (encoded(flat("RGBA", (0, 0, 0, 0)), "GIF"), WHITE),
    "cmyk jpeg, red": (encoded(flat("CMYK", (0, 255, 255, 0)), "JPEG"), RED),
    "cmyk jpeg, paper": (encoded(flat("CMYK", (0, 0, 0, 0)), "JPEG"), WHITE),
    "cmyk jpeg, black": (encoded(flat("CMYK", (0, 0, 0, 255)), "JPEG"), (0, 0, 0)),
    "cmyk tiff": (encoded(flat("CMYK", (0, 255, 255, 0)), "TIFF"), RED),
    "ycbcr tiff": (encoded(flat("RGB", RED).convert("YCbCr"), "TIFF"), (254, 0, 0)),
    "lab tiff": (encoded(flat("LAB", (128, 128, 128)), "TIFF"), (119, 119, 119)),
    "16-bit gray png": (encoded(flat("I;16", 0x8001), "PNG"), MID),
    "16-bit gray tiff": (grays(np.full((16, 16), 0x8001, "<u2")), MID),
    "16-bit gray tiff, big-endian": (big_endian_16_bit_tiff(0x8001), MID),
    "16-bit gray, white": (encoded(flat("I;16", 0xFFFF), "PNG"), WHITE),
    "16-bit rgb png": (png(16, 2, b"\xff\xff\x80\x01\0\0"), (255, 128, 0)),
    "16-bit rgba png": (png(16, 6, b"\xff\xff\0\0\0\0\x80\0"), HALF_RED),
    "16-bit gray with alpha": (png(16, 4, b"\0\0\x80\0"), (127, 127, 127)),
    "32-bit, of 16": (grays(square(0x8000, "<i4")), MID),
    "32-bit, of 8": (grays(square(128, "<i4")), MID),
    "32-bit, beyond": (grays(square(2**30, "<i4")), WHITE),
    "float, up to 1": (grays(square(0.5, "<f4")), MID),
    "float, up to 255": (grays(square(128, "<f4")), MID),
    "float, beyond": (grays(square(1e6, "<f4")), WHITE),
    "float, nowhere a number": (grays(np.full((16, 16), np.nan, "<f4")), (0, 0, 0)),
    "cmyk jpeg, green": (encoded(flat("CMYK", (255, 0, 255, 0)), "JPEG", quality=100), GREEN),
}


@pytest.mark.parametrize("name", COLORS)
def test_colors_come_as_a_person_sees_them(name):
    data, wanted = COLORS[name]
    image = decoded(data)

    assert (image.mode, image.size) == ("RGB", (16, 16))
    assert near(image.getpixel((5, 5)), wanted), image.getpixel((5, 5))
    read_image_header(data, max_pixels=MAX_PIXELS)


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        (flat("HSV", (0, 255, 255)), RED),
        (flat("YCbCr", (76, 85, 255)), (254, 0, 0)),
        (flat("RGBX", (*RED, 0)), RED),
        (flat("RGBa", (128, 0, 0, 128)), HALF_RED),
        (flat("PA", 0), WHITE),
        (flat("I;16B", 0x8001), MID),
        (flat("I;16L", 0x8001), MID),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else "",
)
def test_modes_that_few_files_have_are_converted_too(image, wanted):
    assert near(to_rgb(image).getpixel((5, 5)), wanted)


def test_lab_keeps_its_hue():
    redness = Image.new("LAB", (16, 16), (128, 228, 200))
    red, green, blue = decoded(encoded(redness, "TIFF")).getpixel((5, 5))

    assert red > green + 100
    assert red > blue + 100


def test_sixteen_bits_keep_their_gradient():
    ramp = np.linspace(0, 65535, 256).astype("<u2")[None].repeat(4, axis=0)
    row = np.asarray(decoded(grays(ramp)))[0, :, 0]

    assert np.array_equal(row, np.arange(256))


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "TIFF", "PNG", "MPO"])
def test_the_first_frame_is_the_picture(file_format):
    first, second = flat("RGB", RED, (32, 32)), flat("RGB", BLUE, (32, 32))
    data = encoded(first, file_format, save_all=True, append_images=[second])

    assert near(decoded(data).getpixel((9, 9)), RED, 6)


def test_no_metadata_comes_along():
    tags = Image.Exif()
    tags[0x010F] = "a maker"
    data = encoded(quarters(), "JPEG", exif=tags, comment=b"a secret", dpi=(300, 300))

    again = encoded(decoded(data), "JPEG")
    assert b"a maker" not in again
    assert b"a secret" not in again


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("draft", [(1, 1), (100, 40), (101, 40), (100, 150), (300, 300), (5000, 9)])
def test_a_draft_is_never_smaller_than_asked_for(draft, orientation):
    photo = Image.fromarray(pixels("coffee"))  # 600 x 400
    stored = photo.transpose(STORED[6]) if orientation == 6 else photo
    tags = Image.Exif()
    tags[0x0112] = orientation
    found = decode_image(encoded(stored, "JPEG", exif=tags), draft=draft)

    assert (found.width, found.height) == (600, 400)
    for got, asked, own in zip(found.image.size, draft, (600, 400), strict=True):
        assert got >= min(asked, own)


@pytest.mark.parametrize(
    ("orientation", "draft", "size"),
    [(1, (300, 200), (300, 200)), (6, (300, 200), (300, 200)), (6, (75, 50), (75, 50))],
)
def test_a_draft_saves_decoding_where_it_can(orientation, draft, size):
    photo = Image.fromarray(pixels("coffee"))
    stored = photo.transpose(STORED[6]) if orientation == 6 else photo
    tags = Image.Exif()
    tags[0x0112] = orientation

    assert decode_image(encoded(stored, "JPEG", exif=tags), draft=draft).image.size == size


def test_a_draft_shows_the_same_picture():
    data = jpeg("astronaut")
    full = stretch(decoded(data), 64, 64).astype(int)
    draft = stretch(decode_image(data, draft=(128, 128)).image, 64, 64)

    assert np.abs(full - draft).mean() < 3


def test_a_draft_of_another_format_is_the_picture_itself():
    data = encoded(quarters(), "PNG")

    assert decode_image(data, draft=(8, 8)).image.size == (96, 64)


@pytest.mark.parametrize("size", [(300, 300), (64, 200), (1, 1), (1200, 900)])
def test_stretching_gives_pixels_of_the_size_asked_for(size):
    array = stretch(Image.fromarray(pixels("coffee")), *size)

    assert (array.shape, array.dtype) == ((size[1], size[0], 3), np.uint8)


def test_stretching_shrinks_without_moire():
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255

    assert np.ptp(stretch(Image.fromarray(stripes), 50, 50)) <= 8


def test_stretching_keeps_corners_and_colors():
    array = stretch(quarters(), 12, 8)

    assert [tuple(array[y, x].tolist()) for y, x in ((0, 0), (0, 11), (7, 0), (7, 11))] == [
        RED, GREEN, BLUE, WHITE,
    ]  # fmt: skip


DAMAGED = {
    "jpeg": jpeg("chelsea")[:5000],
    "png": encoded(quarters(), "PNG")[:-40],
    "webp": encoded(Image.fromarray(pixels("coffee")), "WEBP")[:-500],
    "gif": encoded(quarters(), "GIF")[:-60],
    "tiff": encoded(quarters(), "TIFF")[:-60],
    "deflated tiff": encoded(quarters(), "TIFF", compression="tiff_deflate")[:-60],
    "bmp": encoded(quarters(), "BMP")[:-60],
    "heic": TURNED_HEIC[:-20],
    "nothing": b"",
    "text": b"no picture at all",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_told_in_words_that_are_safe_to_show(name):
    with pytest.raises(ImageDamaged) as caught:
        decode_image(DAMAGED[name])

    assert "Export it again" in caught.value.detail
    assert "0x" not in caught.value.detail


def small(file_format: str, **options: object) -> bytes:
    return encoded(Image.fromarray(pixels("chelsea")).resize((60, 40)), file_format, **options)


REAL = {
    "jpeg": small("JPEG"),
    "progressive jpeg": small("JPEG", progressive=True),
    "mpo": small("MPO", save_all=True, append_images=[quarters()]),
    "png": small("PNG"),
    "webp": small("WEBP"),
    "lossless webp": small("WEBP", lossless=True),
    "bmp": small("BMP"),
    "gif": small("GIF"),
    "tiff": small("TIFF"),
    "deflated tiff": small("TIFF", compression="tiff_deflate"),
    "lzw tiff": small("TIFF", compression="tiff_lzw"),
    "jpeg tiff": small("TIFF", compression="jpeg"),
    "heic": TURNED_HEIC,
}


def attempt(data: bytes) -> None:
    """What the server does with an upload: only what the header check takes is decoded."""
    try:
        header = read_image_header(data, max_pixels=1_000_000)
        found = decode_image(data, draft=(32, 32))
    except InferqError:
        return
    assert found.image.mode == "RGB"
    assert (found.width, found.height) == (header.width, header.height)


@pytest.mark.parametrize("name", REAL)
def test_damaged_real_files_are_decoded_or_refused_and_nothing_worse(name):
    rng = np.random.default_rng(len(name))
    whole = np.frombuffer(REAL[name], np.uint8)
    for _ in range(50):
        data = whole.copy()
        reach = len(data) if rng.random() < 0.5 else min(len(data), 250)
        data[rng.integers(0, reach, rng.integers(1, 6))] = rng.integers(0, 256)
        attempt(data.tobytes())


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([b"", *(data[:40] for data in REAL.values())]), st.binary(max_size=300))
def test_random_bytes_end_as_damage_and_nothing_worse(start, rest):
    try:
        decode_image(start + rest)
    except ImageDamaged:
        return


def test_a_picture_within_our_limit_but_over_pillows_raises_no_warning():
    large = encoded(Image.new("L", (10_000, 9_500)), "PNG", compress_level=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = decode_image(large)

    assert found.image.size == (10_000, 9_500)
    assert not caught


def test_a_closed_buffer_is_not_needed_afterwards():
    image = decoded(jpeg("chelsea"))

    thumbnail = image.copy()
    thumbnail.thumbnail((50, 50))
    assert thumbnail.size == (50, 33)
    assert io.BytesIO(encoded(image, "PNG")).getbuffer().nbytes > 10_000
