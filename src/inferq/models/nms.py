"""Suppression of what was found twice, and the way back from 0 to 1 to the picture's pixels."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inferq.models.outputs.base import RawDetections

MOST_CANDIDATES = 4000
"""Candidates that are compared with one another, best first; more only appear at absurdly low thresholds."""

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left after suppression, best score first.

    Attributes:
        boxes: float32 `[K, 4]`: x_min, y_min, x_max, y_max, clipped to 0 to 1.
        scores: float32 `[K]`.
        class_ids: int `[K]`.
    """

    boxes: Floats
    scores: Floats
    class_ids: Ids


def suppress(
    raw: RawDetections,
    *,
    score_threshold: float,
    iou_threshold: float,
    max_detections: int,
    classes: Collection[int] | None = None,
) -> Kept:
    """Class-aware greedy non-maximum suppression.

    Of two boxes of one class that overlap by more than `iou_threshold`, the lower score goes; the same as
    `torchvision.ops.batched_nms`. Of equal scores the earlier candidate comes first. One candidate may yield
    several classes. Candidates that are not finite numbers are dropped.

    Args:
        raw: Candidates of one picture.
        score_threshold: Least score kept.
        iou_threshold: Most intersection over union of two kept boxes of one class.
        max_detections: Most detections kept.
        classes: Class ids that are wanted; all where None.
    """
    all_scores, class_ids = raw.scores, raw.class_ids
    if classes is not None:
        wanted = np.isin(class_ids, list(classes))
        all_scores, class_ids = all_scores[:, wanted], class_ids[wanted]
    # Positions in the flattened scores: a third of the cost of `np.nonzero` on two dimensions.
    found = np.flatnonzero(all_scores >= score_threshold)
    found, scores = _best(found, all_scores.ravel()[found])
    anchors, columns = np.divmod(found, max(1, len(class_ids)))
    boxes, class_ids = raw.boxes[anchors], class_ids[columns]
    sound = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    boxes, scores, class_ids = boxes[sound], scores[sound], class_ids[sound]
    with np.errstate(over="ignore", invalid="ignore"):
        kept = _greedy(boxes, class_ids, iou_threshold, max_detections)
    return Kept(np.clip(boxes[kept], 0, 1), scores[kept], class_ids[kept])


def to_pixels(boxes: Floats, width: int, height: int) -> Floats:
    """Boxes `[K, 4]` of 0 to 1 in pixels of a picture of this size."""
    return boxes * np.array([width, height, width, height], np.float32)


def _best(found: Ids, scores: Floats) -> tuple[Ids, Floats]:
    """At most `MOST_CANDIDATES` positions with their scores, best first, the earlier first of equals."""
    if scores.size > MOST_CANDIDATES:
        enough = scores >= np.partition(scores, -MOST_CANDIDATES)[-MOST_CANDIDATES]
        found, scores = found[enough], scores[enough]
    order = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
    return found[order], scores[order]


def _greedy(boxes: Floats, class_ids: Ids, iou_threshold: float, most: int) -> Ids:
    """Indices of the boxes that no better box of their class overlaps; boxes come best first."""
    # Classes lie one after the other, best first within each, so that a box meets its own class alone.
    by_class = np.argsort(class_ids, kind="stable")
    grouped_ids = class_ids[by_class]
    ends = np.searchsorted(grouped_ids, grouped_ids, side="right")
    slots = np.empty_like(by_class)
    slots[by_class] = np.arange(len(by_class))
    grouped, areas = boxes[by_class], _area(boxes[by_class])
    alive = np.ones(len(boxes), np.bool_)
    kept: list[int] = []
    for index, slot in enumerate(slots.tolist()):
        if len(kept) >= most:
            break
        if not alive[slot]:
            continue
        kept.append(index)
        rest = slice(slot + 1, ends[slot])
        if rest.start < rest.stop:
            overlap = _iou(grouped[slot], areas[slot], grouped[rest], areas[rest])
            alive[rest] &= ~(overlap > iou_threshold)
    return np.array(kept, np.intp)


def _area(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def _iou(box: Floats, area: np.float32, others: Floats, areas: Floats) -> Floats:
    """Intersection over union of one box with others; 0 where both have no area."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[:, 0] * sides[:, 1]
    union = area + areas - shared
    overlap: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union != 0)
    return overlap
