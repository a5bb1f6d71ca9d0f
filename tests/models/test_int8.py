"""The bundled model's int8 variant: another file of the same network, which has to find the same things."""

import pytest

from inferq.models.agreement import Agreement, agreement, detect
from inferq.models.base import Context
from inferq.models.catalogue import bundled_folder, load_models
from inferq.models.tuning import MOST_SCORE_CHANGE, objection_to_weights
from photos import PHOTOS, jpeg


def test_int8_finds_what_the_network_finds():
    pictures = [jpeg(name) for name in PHOTOS]
    expected, found = (
        detect(*load_models([bundled_folder()], Context(variant=variant)), pictures)
        for variant in ("", "int8")
    )
    same = agreement(expected, found)
    assert same.found == same.in_place > 0
    assert same.mean_score <= MOST_SCORE_CHANGE


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
