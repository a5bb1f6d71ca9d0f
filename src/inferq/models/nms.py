"""Suppression of what was found twice, and the way back from 0-1 to the picture's pixels."""

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
    `torchvision.ops.batched_nms`. One candidate may yield several classes.

    Args:
        raw: Candidates of one picture.
        score_threshold: Least score kept.
        iou_threshold: Most intersection over union of two kept boxes of one class.
        max_detections: Most detections kept.
        classes: Class ids that are wanted; all where None.
    """
    anchors, columns = np.nonzero(raw.scores >= score_threshold)
    class_ids = raw.class_ids[columns]
    if classes is not None:
        wanted = np.isin(class_ids, list(classes))
        anchors, columns, class_ids = anchors[wanted], columns[wanted], class_ids[wanted]
    scores = raw.scores[anchors, columns]
    best = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
    boxes, scores, class_ids = raw.boxes[anchors[best]], scores[best], class_ids[best]
    kept = _greedy(boxes, class_ids, iou_threshold, max_detections)
    return Kept(np.clip(boxes[kept], 0, 1), scores[kept], class_ids[kept])


def to_pixels(boxes: Floats, width: int, height: int) -> Floats:
    """Boxes `[K, 4]` of 0 to 1 in pixels of a picture of this size."""
    return boxes * np.array([width, height, width, height], np.float32)


def _greedy(boxes: Floats, class_ids: Ids, iou_threshold: float, most: int) -> Ids:
    """Indices of the boxes that no better box of their class overlaps; boxes come best first."""
    areas = _area(boxes)
    kept: list[int] = []
    left = np.arange(len(boxes))
    while left.size and len(kept) < most:
        first, rest = left[0], left[1:]
        kept.append(int(first))
        near = _iou(boxes[first], areas[first], boxes[rest], areas[rest]) > iou_threshold
        left = rest[~(near & (class_ids[rest] == class_ids[first]))]
    return np.array(kept, np.intp)


def _area(boxes: Floats) -> Floats:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _iou(box: Floats, area: np.float32, others: Floats, areas: Floats) -> Floats:
    """Intersection over union of one box with others; 0 where both have no area."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = area + areas - shared
    overlap: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap
