"""Suppression against a plain reference of the same definition."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferq.models.nms import MOST_CANDIDATES, class_mask, suppress, to_pixels
from inferq.models.outputs.base import RawDetections
from inferq.models.pixels import Placement

GRID = [np.float32(step / 8) for step in range(-2, 11)]
SCORES = [np.float32(step / 10) for step in range(11)]


def raw(boxes, scores, class_ids=None) -> RawDetections:
    scores = np.array(scores, np.float32)
    ids = np.arange(1, scores.shape[1] + 1) if class_ids is None else np.array(class_ids)
    return RawDetections(np.array(boxes, np.float32).reshape(-1, 4), scores, ids)


def found(given_raw, **options):
    """What is kept, as (class id, score, box)."""
    chosen = {"score_threshold": 0.5, "iou_threshold": 0.5, "max_detections": 100, "classes": None}
    chosen |= options
    if chosen["classes"] is not None:
        chosen["classes"] = class_mask(chosen["classes"])
    kept = suppress(given_raw, **chosen)
    return [
        (int(class_id), float(score), tuple(box.tolist()))
        for class_id, score, box in zip(kept.class_ids, kept.scores, kept.boxes, strict=True)
    ]


def iou(a, b) -> np.float32:
    width = max(np.float32(0), min(a[2], b[2]) - max(a[0], b[0]))
    height = max(np.float32(0), min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union != 0 else np.float32(0)


def reference(given_raw, score_threshold, iou_threshold, max_detections, classes):
    """torchvision.ops.batched_nms in plain Python: no two kept boxes of a class overlap too much."""
    candidates = []
    for anchor, row in enumerate(given_raw.scores):
        for column, score in enumerate(row):
            class_id = int(given_raw.class_ids[column])
            if score >= np.float32(score_threshold) and (classes is None or class_id in classes):
                candidates.append((class_id, score, given_raw.boxes[anchor]))
    candidates.sort(
        key=lambda candidate: -candidate[1]
    )  # stable: the earlier of equals stays first
    kept = []
    for class_id, score, box in candidates:
        same = [other for other_id, _, other in kept if other_id == class_id]
        if all(iou(other, box) <= np.float32(iou_threshold) for other in same):
            kept.append((class_id, score, box))
    return [
        (class_id, float(score), tuple(box.tolist()))
        for class_id, score, box in kept[:max_detections]
    ]


@st.composite
def detections(draw):
    anchors, columns = draw(st.integers(0, 12)), draw(st.integers(1, 3))
    coordinate, score = st.sampled_from(GRID), st.sampled_from(SCORES)
    boxes = draw(st.lists(st.tuples(*[coordinate] * 4), min_size=anchors, max_size=anchors))
    rows = st.lists(score, min_size=columns, max_size=columns)
    scores = draw(st.lists(rows, min_size=anchors, max_size=anchors))
    return raw(boxes, np.array(scores, np.float32).reshape(anchors, columns))


@settings(max_examples=300, deadline=None)
@given(
    detections(),
    st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]),
    st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
    st.integers(0, 8),
    st.none() | st.sets(st.integers(1, 4)),
)
def test_suppression_keeps_what_the_definition_keeps(given_raw, score, overlap, most, classes):
    options = {
        "score_threshold": score,
        "iou_threshold": overlap,
        "max_detections": most,
        "classes": classes,
    }
    assert found(given_raw, **options) == reference(given_raw, *options.values())


@pytest.mark.parametrize("clusters", [3, 40])
def test_crowded_pictures_agree_with_the_definition(clusters):
    rng = np.random.default_rng(clusters)
    centres = rng.random((clusters, 2))[rng.integers(0, clusters, 150)]
    low = (centres + rng.normal(0, 0.03, (150, 2)) - 0.1).astype(np.float32)
    boxes = np.concatenate([low, low + np.float32(0.2)], axis=1)
    crowded = raw(boxes, rng.random((150, 5)) ** 3)

    assert found(crowded, score_threshold=0.05) == reference(crowded, 0.05, 0.5, 100, None)


SAME, ELSEWHERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1)


@pytest.mark.parametrize(
    ("boxes", "scores", "options", "kept"),
    [
        ([SAME, SAME], [[0.6], [0.9]], {}, [(1, 0.9, SAME)]),
        ([SAME, SAME], [[0.6, 0], [0, 0.9]], {}, [(2, 0.9, SAME), (1, 0.6, SAME)]),
        ([SAME], [[0.6, 0.9]], {}, [(2, 0.9, SAME), (1, 0.6, SAME)]),
        ([SAME, ELSEWHERE], [[0.7], [0.7]], {}, [(1, 0.7, SAME), (1, 0.7, ELSEWHERE)]),
        ([SAME], [[0.5]], {}, [(1, 0.5, SAME)]),
        ([SAME], [[0.49]], {}, []),
        ([SAME, ELSEWHERE], [[0.7], [0.8]], {"max_detections": 1}, [(1, 0.8, ELSEWHERE)]),
        ([SAME], [[0.6, 0.9]], {"classes": [1]}, [(1, 0.6, SAME)]),
        ([SAME], [[0.6, 0.9]], {"classes": []}, []),
        ([SAME], [[0.6]], {"classes": [7]}, []),
        (
            [(0.2, 0.2, 0.2, 0.2)] * 2,
            [[0.9], [0.8]],
            {},
            [(1, 0.9, (0.2,) * 4), (1, 0.8, (0.2,) * 4)],
        ),
        ([(np.nan, 0, 1, 1), SAME], [[0.9], [0.8]], {}, [(1, 0.8, SAME)]),
        ([(0, 0, np.inf, 1), SAME], [[0.9], [0.8]], {}, [(1, 0.8, SAME)]),
        ([SAME, ELSEWHERE], [[np.nan], [0.8]], {}, [(1, 0.8, ELSEWHERE)]),
    ],
    ids=[
        "the better of two on one object",
        "two classes on one object",
        "one candidate with two classes",
        "equal scores in their order",
        "a score at the threshold",
        "a score below it",
        "no more than asked for, best first",
        "wanted classes alone",
        "no class wanted",
        "an unknown class wanted",
        "boxes without area",
        "a box that is no number",
        "a box without end",
        "a score that is no number",
    ],
)
def test_of_these_candidates_these_are_kept(boxes, scores, options, kept):
    as_kept = [
        (class_id, pytest.approx(score), pytest.approx(box)) for class_id, score, box in kept
    ]
    assert found(raw(boxes, scores), **options) == as_kept


def test_an_overlap_of_exactly_the_threshold_stays():
    # Intersection 0.25 x 1, union 0.75 x 1 and a third exactly in no binary: 0.5 is.
    half = raw([(0, 0, 1, 1), (0, 0, 0.5, 1)], [[0.9], [0.8]])

    assert len(found(half, iou_threshold=0.5)) == 2
    assert len(found(half, iou_threshold=0.49)) == 1


def test_no_candidates_give_arrays_of_the_right_shape():
    kept = suppress(
        raw(np.zeros((0, 4)), np.zeros((0, 90))),
        score_threshold=0.5,
        iou_threshold=0.5,
        max_detections=100,
    )

    assert (kept.boxes.shape, kept.scores.shape, kept.class_ids.shape) == ((0, 4), (0,), (0,))


def test_huge_boxes_raise_no_warning():
    huge = np.float32(3e38)

    assert len(found(raw([(-huge, -huge, huge, huge), SAME], [[0.9], [0.8]]))) == 2


def test_more_candidates_than_are_compared_keep_the_best_of_them():
    rng = np.random.default_rng(0)
    scores = rng.permutation(np.linspace(0.1, 0.9, MOST_CANDIDATES + 500, dtype=np.float32))
    boxes = np.tile(np.array(SAME, np.float32), (len(scores), 1))

    (best,) = found(raw(boxes, scores[:, None]), score_threshold=0.0)

    assert best[1] == pytest.approx(0.9)


def test_the_usual_picture_costs_well_under_a_millisecond():
    rng = np.random.default_rng(0)
    scores = np.full((1917, 90), 0.01, np.float32)
    scores[rng.integers(0, 1917, 20), rng.integers(0, 90, 20)] = 0.9
    low = rng.random((1917, 2)).astype(np.float32)
    usual = raw(np.concatenate([low, low + np.float32(0.2)], axis=1), scores)

    def once() -> float:
        start = time.perf_counter()
        found(usual)
        return time.perf_counter() - start

    assert min(once() for _ in range(20)) < 0.001


def test_exclusive_candidates_yield_their_best_class_alone_wanted_or_not():
    one = raw([SAME], [[0.6, 0.9, 0.9]])
    exclusive = replace(one, exclusive=True)

    assert [class_id for class_id, _, _ in found(one)] == [2, 3, 1]
    assert [class_id for class_id, _, _ in found(exclusive)] == [2]
    assert found(exclusive, classes=[1]) == []


def test_what_the_network_has_suppressed_stays_but_for_the_thresholds():
    given_raw = replace(raw([SAME] * 4, [[0.6], [0.9], [0.3], [0.7]]), suppressed=True)

    assert [round(score, 1) for _, score, _ in found(given_raw)] == [0.9, 0.7, 0.6]
    assert [round(score, 1) for _, score, _ in found(given_raw, max_detections=2)] == [0.9, 0.7]


def test_candidates_with_a_class_of_their_own_are_filtered_by_it():
    own = raw([SAME] * 4, [[0.9], [0.8], [0.7], [0.6]], [[3], [-1], [900_000], [1]])

    assert [class_id for class_id, _, _ in found(own, classes=[1, 3])] == [3, 1]
    assert [class_id for class_id, _, _ in found(own)] == [3, -1, 900_000, 1]


@pytest.mark.parametrize(
    ("placement", "extent", "box", "expected"),
    [
        (Placement(0, 0, 300, 300, 300, 300), (1, 1), (0.1, 0.2, 0.5, 0.8), (10, 10, 50, 40)),
        (Placement(0, 0, 300, 300, 300, 300), (1, 1), (-0.5, -0.1, 1.5, 0.5), (0, 0, 100, 25)),
        (Placement(0, 10, 40, 20, 40, 40), (40, 40), (4, 14, 20, 26), (10, 10, 50, 40)),
        (Placement(0, 10, 40, 20, 40, 40), (1, 1), (0.1, 0.35, 0.5, 0.65), (10, 10, 50, 40)),
        (Placement(0, 0, 40, 20, 40, 40), (40, 40), (4, 4, 50, 39), (10, 10, 100, 50)),
        (Placement(0, 10, 40, 20, 40, 40), (40, 40), (0, 0, 40, 5), (0, 0, 100, 0)),
    ],
    ids=["stretched", "clipped", "centred", "relative", "top left", "in the padding alone"],
)
def test_boxes_come_back_in_pixels_of_the_picture(placement, extent, box, expected):
    boxes = np.array([box], np.float32)

    there = to_pixels(boxes, placement, (100, 50), extent=extent)
    assert there.tolist() == [pytest.approx(expected, abs=1e-4)]
    assert to_pixels(boxes[:0], placement, (100, 50), extent=extent).shape == (0, 4)
