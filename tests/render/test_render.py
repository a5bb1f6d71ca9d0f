"""Annotated pictures as a person looks at them: colours, boxes where they belong, letters that can be read."""

import io
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, features

from conftest import require
from inferq.models.card import read_card
from inferq.models.catalogue import bundled_folder
from inferq.predictions.record import Box, Detection
from inferq.render import PALETTE, annotate, class_color, lettering, preview
from inferq.render.lettering import Line, drawable, tag_line
from photos import encoded

PEDESTRIAN = "Người đi bộ"


def detection(
    x_min: float, y_min: float, x_max: float, y_max: float, **changes: object
) -> Detection:
    box = Box(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max)
    return Detection(**{"label": "dog", "class_id": 18, "score": 0.9, "box": box} | changes)


def drawn(image: Image.Image, *detections: Detection, **options: object) -> np.ndarray:
    """The annotated picture as int `[height, width, 3]`."""
    data = annotate(encoded(image, "PNG"), detections, **options)
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def written(line: Line) -> str:
    return "".join(text for _, text in line.runs)


def near(pixels: np.ndarray, color: tuple[int, int, int], tolerance: int = 40) -> np.ndarray:
    return np.abs(pixels - np.array(color)).max(axis=-1) < tolerance


def test_red_stays_red_and_blue_stays_blue():
    image = Image.new("RGB", (800, 400), (220, 20, 20))
    image.paste((20, 20, 220), (400, 0, 800, 400))
    pixels = drawn(image, detection(300, 200, 500, 300))
    assert np.abs(pixels[380, 20] - (220, 20, 20)).max() < 12
    assert np.abs(pixels[380, 780] - (20, 20, 220)).max() < 12


@pytest.mark.parametrize("side", [64, 640, 4000])
def test_boxes_and_letters_grow_with_the_picture(side: int):
    box = detection(side * 0.25, side * 0.25, side * 0.75, side * 0.75)
    pixels = drawn(Image.new("RGB", (side, side), "white"), box)
    size = len(pixels)
    assert size == max(side, 640), "a small picture is enlarged, a large one keeps its size"
    color = near(pixels, class_color(18))
    row = color[size // 2 + size // 8]
    edges = np.flatnonzero(row)
    assert abs(edges[0] - 0.25 * size) < 0.01 * size
    assert abs(edges[-1] - 0.75 * size) < 0.01 * size
    tag_rows = np.flatnonzero(color[:, round(0.26 * size) : round(0.3 * size)].mean(axis=1) > 0.5)
    height = tag_rows[tag_rows < 0.3 * size].size
    assert height >= 14, "letters of at least 14 pixels can be read"
    assert height / size > 0.02, "and they do not vanish on a large picture"


def test_a_label_at_the_top_edge_is_drawn_inside():
    pixels = drawn(Image.new("RGB", (640, 640), "white"), detection(100, 0, 400, 300))
    assert near(pixels[2:12, 104:130], class_color(18)).any()


def test_a_label_never_leaves_the_picture():
    pixels = drawn(Image.new("RGB", (640, 640), "white"), detection(620, 300, 640, 400))
    assert near(pixels[280:298, 500:600], class_color(18)).any()


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, {18, 17}),
        ({"score_threshold": 0.5}, {18}),
        ({"classes": ["cat"]}, {17}),
        ({"classes": ["bird"]}, set()),
    ],
)
def test_score_and_class_say_what_is_drawn(options: dict, shown: set[int]):
    pixels = drawn(
        Image.new("RGB", (640, 640), "white"),
        detection(50, 300, 250, 500),
        detection(350, 300, 600, 500, label="cat", class_id=17, score=0.3),
        **options,
    )
    assert {
        class_id for class_id in (17, 18) if near(pixels, class_color(class_id)).sum() > 500
    } == shown


def test_a_label_in_another_language_is_drawn_in_its_place():
    image, box = Image.new("RGB", (640, 640), "white"), (100, 300, 500, 500)
    walker = detection(*box, label=PEDESTRIAN)
    both = (detection(*box), detection(*box, label="cat", class_id=17))
    pixels = drawn(image, *both, labels={18: PEDESTRIAN}, classes=["dog"])
    assert np.array_equal(pixels, drawn(image, walker))
    assert not np.array_equal(pixels, drawn(image, both[0]))


@pytest.mark.parametrize(
    "box", [(-50, -50, 900, 900), (300, 300, 300, 300), (500, 500, 100, 100), (-9, 700, -1, 800)]
)
def test_odd_boxes_do_not_break_the_drawing(box: tuple[float, float, float, float]):
    assert drawn(Image.new("RGB", (640, 640), "white"), detection(*box)).shape == (640, 640, 3)


def test_the_letters_contrast_with_every_colour():
    for color in PALETTE:
        pixels = drawn(
            Image.new("RGB", (640, 640), "gray"),
            detection(100, 100, 500, 500, class_id=PALETTE.index(color)),
        )
        tag = pixels[70:98, 100:180]
        assert tag.max(axis=(0, 1)).min() > 200 or tag.min(axis=(0, 1)).max() < 60


def test_page_and_renderer_paint_a_class_in_one_colour():
    source = (Path(__file__).parents[2] / "web/src/features/viewer/lib/colors.ts").read_text()
    palette = tuple(
        tuple(map(int, row))
        for row in re.findall(r"^  \[(\d+), (\d+), (\d+)\],$", source, re.MULTILINE)
    )
    assert palette == PALETTE
    assert len({class_color(class_id) for class_id in (44, 46, 47, 48, 49, 50, 51, 67)}) == 8
    assert len({class_color(class_id) for class_id in range(10)}) == 10


def test_no_line_of_another_box_crosses_a_label():
    lone = detection(100, 300, 200, 400, score=0.3)
    crossing = detection(130, 100, 500, 500, label="cat", class_id=17)
    image = Image.new("RGB", (640, 640), "white")
    tag = (slice(278, 297), slice(100, 165))
    assert np.abs(drawn(image, lone, crossing)[tag] - drawn(image, lone)[tag]).max() < 40


def test_labels_of_neighbours_do_not_lie_over_each_other():
    crowd = [
        detection(100 + shift, 100 + shift, 400 + shift, 400 + shift, class_id=shift, score=score)
        for shift, score in ((0, 0.9), (4, 0.8), (8, 0.7), (13, 0.6))
    ]
    image = Image.new("RGB", (640, 640), "white")
    together = drawn(image, *crowd)
    for one in crowd:
        color = class_color(one.class_id)
        alone = near(drawn(image, one), color).sum()
        assert near(together, color).sum() > 0.85 * alone


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (32, 32, (640, 640)),
        (32, 1, (2048, 64)),
        (1, 32, (64, 2048)),
        (12_000, 100, (12_000, 100)),
        (100, 12_000, (100, 12_000)),
        (12_000, 10, (16_000, 13)),
        (70_000, 20, (65_000, 19)),
        (6_000, 4_000, (6_000, 4_000)),
    ],
)
def test_pictures_of_any_shape_are_drawn_on(width: int, height: int, size: tuple[int, int]):
    box = detection(width * 0.1, height * 0.3, width * 0.5, height * 0.9)
    pixels = drawn(Image.new("RGB", (width, height), "white"), box)
    assert pixels.shape[1::-1] == size
    assert near(pixels, class_color(18)).any()


@pytest.mark.parametrize("size", [(12_000, 100), (16_000, 30), (100, 3_000), (32, 32)])
@pytest.mark.parametrize("where", [(0, 0), (0.97, 0), (0, 0.5), (0.97, 0.9)])
def test_a_label_lies_whole_within_a_picture_of_any_shape(size: tuple[int, int], where):
    left, top = where[0] * size[0], where[1] * size[1]
    box = detection(left, top, left + size[0] * 0.02, top + size[1] * 0.05, label="dog")
    pixels = drawn(Image.new("RGB", size, "gray"), box)
    paper = near(pixels, class_color(18), 60)
    columns, rows = np.flatnonzero(paper.any(axis=0)), np.flatnonzero(paper.any(axis=1))
    tag = tag_line("dog", 18, 0.9, size=16, max_width=10_000)
    assert columns[-1] - columns[0] >= tag.width + 6
    assert rows[-1] - rows[0] >= tag.height + 6


def test_what_is_too_wide_ends_in_an_ellipsis_and_keeps_its_score():
    whole = tag_line("dining table", 67, 0.8, size=16, max_width=1000)
    short = tag_line("dining table", 67, 0.8, size=16, max_width=80)
    score = tag_line("dining table", 67, 0.8, size=16, max_width=40)
    assert written(whole) == "dining table 0.80"
    assert re.fullmatch(r"d[a-z ]*… 0\.80", written(short))
    assert short.width <= 80 < whole.width
    assert written(score) == "0.80"
    assert tag_line("dining table", 67, 0.8, size=16, max_width=10) is None


SCRIPTS = {
    "Vietnamese": "con mèo, quả dưa hấu; ẰẲẴẮẶẦẨẪẤẬỀỂỄẾỆỒỔỖỐỘỜỞỠỚỢỪỬỮỨỰỲỶỸÝỴĐđ",
    "Vietnamese, decomposed": unicodedata.normalize("NFD", "quả dưa hấu Ặ"),
    "Cyrillic": "кошка Ґ є ў Ђ",
    "Greek": "γάτα Ώ",
    "Arabic": "قطة صغيرة",
    "Persian": "گربه پنجه",
    "Hebrew": "חתול בַּיִת",
    "Thai": "แมวน้ำผึ้ง",
    "Devanagari": "बिल्ली कुत्ता",
    "Chinese": "猫 汽车 龍",
    "Japanese": "ねことネコ、犬",
    "Korean": "고양이",
    "several": "dog كلب 犬 หมา",
}


@pytest.mark.parametrize("label", SCRIPTS.values(), ids=SCRIPTS)
def test_labels_of_many_scripts_are_drawn_with_real_letters(label: str):
    assert_real_letters(label)


def test_the_vietnamese_labels_of_the_bundled_model_are_drawn_with_real_letters():
    for label in read_card(bundled_folder()).translated_labels["vi"].values():
        assert_real_letters(label)


def test_vietnamese_letters_on_a_picture_are_those_of_the_open_font():
    pixels = drawn(
        Image.new("RGB", (2000, 2000), "white"),
        detection(200, 1000, 1800, 1800),
        labels={18: PEDESTRIAN},
    )
    above = pixels[:997]
    rows, columns = (np.flatnonzero((above < 250).any(axis=(1 - axis, 2))) for axis in (0, 1))
    tag = above[rows[0] + 4 :, columns[0] + 4 : columns[-1] - 3]
    ink = np.abs(tag - class_color(18)).max(axis=-1).astype("uint8")
    written = line_of(Image.fromarray(ink))
    empty = "".join(letter if letter.isascii() else "\U0010ffff" for letter in PEDESTRIAN)
    assert likeness(written, line_of(in_font(PEDESTRIAN, 48))) > 0.98
    assert likeness(written, line_of(in_font("Nguoi di bo", 48))) < 0.8
    assert likeness(written, line_of(in_font(empty, 48))) < 0.7


def in_font(label: str, size: int) -> Image.Image:
    """What is written beside a box, drawn with the file of the open font alone, white on black."""
    font = ImageFont.truetype(lettering.FONTS / lettering.LATIN, size)
    image = Image.new("L", (size * 20, size * 2))
    ImageDraw.Draw(image).text((size, size // 4), f"{label} 0.90", fill=255, font=font)
    return image


def line_of(image: Image.Image) -> np.ndarray:
    """The ink of a line, cut out and brought to one size: 0 to 1, float `[64, 1024]`."""
    bright = image.point(lambda value: 255 if value > 128 else 0)
    return np.asarray(image.crop(bright.getbbox()).resize((1024, 64))) / 255


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """How much two lines look the same: 1 where they are one, about 0 where they have nothing in common."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def assert_real_letters(label: str) -> None:
    line = tag_line(label, 18, 0.9, size=32, max_width=10_000)
    assert written(line) == unicodedata.normalize("NFC", label) + " 0.90"
    for font, text in line.runs:
        missing = bytes(font.getmask("\U0010ffff"))
        assert any(missing), (
            "the font shows a box for what it lacks, so that the next line tells something"
        )
        for letter in text.replace(" ", ""):
            assert bytes(font.getmask(letter)) != missing, unicodedata.name(letter)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("বিড়াল", "#18 0.90"),
        ("cat বিড়াল", "#18 0.90"),
        ("🐱", "#18 0.90"),
        ("", "#18 0.90"),
        ("cat 🐱 big", "cat big 0.90"),
        ("a\nb\tc\x00\u202ed", "a b cd 0.90"),
    ],
)
def test_what_no_font_has_never_becomes_an_empty_box(label: str, shown: str):
    assert written(tag_line(label, 18, 0.9, size=16, max_width=1000)) == shown


def test_letters_that_must_be_joined_are_joined_and_run_from_right_to_left():
    require(features.check("raqm"), "FriBiDi, which Pillow shapes letters with,")
    (font, joined), _ = tag_line("سلام", 18, 0.9, size=32, max_width=1000).runs
    apart = ImageFont.truetype(font.path, 32, layout_engine=ImageFont.Layout.BASIC)
    assert font.getlength(joined) < 0.9 * apart.getlength(joined)
    (font, word), _ = tag_line("וש", 18, 0.9, size=32, max_width=1000).runs
    in_order = ImageFont.truetype(font.path, 32, layout_engine=ImageFont.Layout.BASIC)
    assert difference(font, word, in_order, word[::-1]) < difference(font, word, in_order, word) / 3


def difference(
    font: ImageFont.FreeTypeFont, text: str, other_font: ImageFont.FreeTypeFont, other: str
) -> float:
    """How much two texts differ as drawn."""
    sheets = []
    for drawing, words in ((font, text), (other_font, other)):
        sheet = Image.new("L", (64, 48))
        ImageDraw.Draw(sheet).text((8, 36), words, 255, drawing, anchor="ls")
        sheets.append(np.asarray(sheet).astype(int))
    return np.abs(sheets[0] - sheets[1]).mean()


def test_without_shaping_what_could_not_be_read_is_a_class_id(monkeypatch):
    monkeypatch.setattr(lettering.features, "check", lambda feature: False)
    for label in ("قطة", "חתול", "बिल्ली"):
        assert drawable(label) is None
    for label in ("mèo", "кошка", "猫", "แมว"):
        assert drawable(label) == label


def test_a_preview_keeps_the_proportions():
    data = preview(encoded(Image.new("RGB", (1000, 500), "red"), "PNG"), 320)
    assert Image.open(io.BytesIO(data)).size == (320, 160)
