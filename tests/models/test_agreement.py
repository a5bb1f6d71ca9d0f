"""How far detections are from each other."""

import pytest

from inferq.models.agreement import Agreement, agreement


def thing(label: str, x: float, score: float, width: float = 10) -> dict:
    box = {"x_min": x, "y_min": 0.0, "x_max": x + width, "y_max": 10.0}
    return {"label": label, "score": score, "box": box}


CAT, DOG = thing("cat", 0, 0.9), thing("dog", 20, 0.8)
CASES = {
    "the same": ([CAT, DOG], [DOG, CAT], (2, 2, 0, 0)),
    "one is gone": ([CAT, DOG], [CAT], (2, 1, 0, 0)),
    "one is new": ([CAT], [CAT, DOG], (1, 1, 0, 0)),
    "another label": ([CAT], [thing("dog", 0, 0.9)], (1, 0, 0, 0)),
    "moved a little": ([CAT], [thing("cat", 3, 0.9)], (1, 1, 0, 3)),
    "moved far": ([CAT], [thing("cat", 6, 0.9)], (1, 0, 0, 0)),
    "less sure": ([CAT], [thing("cat", 0, 0.6)], (1, 1, 0.3, 0)),
    "the nearest of two counts": ([CAT], [thing("cat", 4, 0.2), thing("cat", 1, 0.8)], (1, 1, 0.1, 1)),
    "a box of no size": ([thing("cat", 0, 0.9, 0)], [thing("cat", 0, 0.9, 0)], (1, 0, 0, 0)),
    "nothing": ([], [CAT], (0, 0, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "expected"), CASES.values(), ids=CASES)
def test_each_thing_is_compared_with_the_one_that_it_is(first, second, expected):
    found = agreement([first], [second])
    assert (found.found, found.kept) == expected[:2]
    assert (found.score, found.pixels) == pytest.approx(expected[2:])


def test_the_largest_change_of_all_pictures_is_told():
    first = [[CAT], [], [DOG, CAT]]
    second = [[thing("cat", 1, 0.9)], [], [thing("dog", 20, 0.7), thing("cat", 0, 0.85)]]
    assert agreement(first, second) == Agreement(
        3, 3, 2, score=pytest.approx(0.1), mean_score=pytest.approx(0.05), pixels=pytest.approx(1)
    )
