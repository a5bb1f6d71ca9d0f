"""Annotated pictures as a person looks at them: colours, boxes where they belong, letters that can be read."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inferq.predictions.record import Box, Detection
from inferq.render import PALETTE, annotate, class_color, preview
from photos import encoded


def detection(
    x_min: float, y_min: float, x_max: float, y_max: float, **changes: object
) -> Detection:
    box = Box(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max)
    return Detection(**{"label": "dog", "class_id": 18, "score": 0.9, "box": box} | changes)


def drawn(image: Image.Image, *detections: Detection, **options: object) -> np.ndarray:
    """The annotated picture as int `[height, width, 3]`."""
    data = annotate(encoded(image, "PNG"), detections, **options)
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


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
    source = (Path(__file__).parents[1] / "web/src/features/predictions/lib/colors.ts").read_text()
    palette = tuple(
        tuple(map(int, row))
        for row in re.findall(r"^  \[(\d+), (\d+), (\d+)\],$", source, re.MULTILINE)
    )
    assert palette == PALETTE
    assert class_color(47) != class_color(67)
    assert len({class_color(class_id) for class_id in range(10)}) == 10


def test_a_preview_keeps_the_proportions():
    data = preview(encoded(Image.new("RGB", (1000, 500), "red"), "PNG"), 320)
    assert Image.open(io.BytesIO(data)).size == (320, 160)
