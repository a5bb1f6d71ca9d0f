"""What makes the bundled model faster, int8 weights and scaled decoding, has to find the same things."""

import pytest
from PIL import Image

from inferq.models.agreement import Agreement, agreement, detect
from inferq.models.base import Context
from inferq.models.catalogue import bundled_folder, load_models
from inferq.models.pixels import decode_image
from inferq.models.tuning import MOST_SCORE_CHANGE, objection_to_weights
from photos import PHOTOS, encoded, jpeg, pixels


def test_int8_finds_what_the_network_finds():
    pictures = [jpeg(name) for name in PHOTOS]
    expected, found = (
        detect(*load_models([bundled_folder()], Context(variant=variant)), pictures)
        for variant in ("", "int8")
    )
    same = agreement(expected, found)
    assert same.found == same.in_place > 0
    assert same.mean_score <= MOST_SCORE_CHANGE


def test_scaled_decoding_finds_what_full_decoding_finds():
    large = [Image.fromarray(pixels(name)).resize((1280, 854)) for name in PHOTOS]
    jpegs = [encoded(image, "JPEG", quality=90) for image in large]
    in_full = [encoded(decode_image(data).image, "PNG", compress_level=1) for data in jpegs]
    (model,) = load_models([bundled_folder()], Context())
    same = agreement(detect(model, in_full), detect(model, jpegs))
    assert same.found == same.in_place > 0
    assert same.mean_score <= 0.01


@pytest.mark.parametrize(
    ("same", "objection"),
    [
        (Agreement(100, 100, 95, score=0.4, mean_score=0.05), None),
        (Agreement(100, 100, 94), "only 94 of 100"),
        (Agreement(100, 100, 100, mean_score=0.051), "on average"),
        (Agreement(), "no photograph"),
    ],
)
def test_other_weights_may_differ_by_little(same: Agreement, objection: str | None):
    told = objection_to_weights(same)
    assert told is None if objection is None else told and objection in told
