"""The network's input: colours, layout, normalisation and padding, value by value."""

import numpy as np
import pytest
from PIL import Image

from inferq.models.card import InputTensor
from inferq.models.network_input import network_input
from inferq.models.pixels import Decoded, Placement, place

COLOR = (10, 20, 30)


def made(size=(8, 4), **fields):
    picture = Decoded(Image.new("RGB", size, COLOR), *size)
    return network_input(picture, InputTensor(name="image", **{"width": 8, "height": 4} | fields))


@pytest.mark.parametrize(
    ("fields", "shape", "value"),
    [
        ({}, (4, 8, 3), (10, 20, 30)),
        ({"layout": "NCHW"}, (3, 4, 8), (10, 20, 30)),
        ({"color": "BGR"}, (4, 8, 3), (30, 20, 10)),
        ({"dtype": "float32"}, (4, 8, 3), (10, 20, 30)),
        ({"dtype": "float32", "divide_by": 10, "layout": "NCHW"}, (3, 4, 8), (1, 2, 3)),
        ({"dtype": "float16", "divide_by": 10, "layout": "NCHW"}, (3, 4, 8), (1, 2, 3)),
        (
            {"dtype": "float32", "color": "BGR", "divide_by": 10, "mean": (1, 2, 3), "std": (2, 4, 8)},
            (4, 8, 3),
            (1, 0, -0.25),
        ),
    ],
)  # fmt: skip
def test_a_pixel_has_the_value_that_the_card_says(fields, shape, value):
    array, _ = made(**fields)

    channels = array.reshape(3, -1).T if fields.get("layout") == "NCHW" else array.reshape(-1, 3)
    assert array.shape == shape
    assert array.dtype == fields.get("dtype", "uint8")
    assert array.flags.c_contiguous
    assert np.allclose(channels, value)


@pytest.mark.parametrize(
    ("size", "position", "inside"),
    [
        ((4, 4), "center", (slice(0, 4), slice(2, 6))),
        ((4, 4), "top-left", (slice(0, 4), slice(0, 4))),
        ((80, 20), "center", (slice(1, 3), slice(0, 8))),
        ((1, 2), "center", (slice(0, 4), slice(3, 5))),
        ((1000, 1), "center", (slice(1, 2), slice(0, 8))),
    ],
)
def test_a_letterbox_holds_the_whole_picture_and_grey_around_it(size, position, inside):
    array, _ = made(size, resize="letterbox", position=position, fill=7)

    expected = np.full((4, 8, 3), 7)
    expected[inside] = COLOR
    assert np.array_equal(array, expected)


def test_a_picture_decoded_smaller_lies_where_the_whole_one_would():
    draft = Decoded(Image.new("RGB", (76, 19), COLOR), 301, 75)
    card = InputTensor(name="image", width=64, height=64, resize="letterbox")

    _, placement = network_input(draft, card)

    assert placement == place((301, 75), (64, 64), center=True) == Placement(0, 24, 64, 16, 64, 64)
