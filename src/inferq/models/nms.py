"""Suppression of what was found twice, and the way back from the network's input to the picture's pixels."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inferq.models.outputs.base import RawDetections
from inferq.models.pixels import Placement

MOST_CANDIDATES = 4000
"""Candidates that are compared with one another, best first; more only appear at absurdly low thresholds."""

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.intp]
ClassMask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left after suppression, best score first.

    Attributes:
        boxes: float32 `[K, 4]`: x_min, y_min, x_max, y_max, in the units of the candidates.
        scores: float32 `[K]`.
        class_ids: int `[K]`.
    """

    boxes: Floats
    scores: Floats
    class_ids: Ids


def class_mask(class_ids: Collection[int]) -> ClassMask:
    """Which class ids are wanted, for `suppress`: looked up at a tenth of the cost of `np.isin`.

    Its last entry is one more than needed, never wanted, and stands for -1 and for all greater ids.
    """
    mask = np.zeros(max(class_ids, default=0) + 2, np.bool_)
    mask[list(class_ids)] = True
    return mask


def suppress(
    raw: RawDetections,
    *,
    score_threshold: float,
    iou_threshold: float,
    max_detections: int,
    classes: ClassMask | None = None,
) -> Kept:
    """Class-aware greedy non-maximum suppression, and the thresholds.

    Of two boxes of one class that overlap by more than `iou_threshold`, the lower score goes; the same as
    `torchvision.ops.batched_nms`. Of equal scores the earlier candidate comes first. Candidates that are not
    finite numbers are dropped.

    Args:
        raw: Candidates of one picture. Those that are `exclusive` yield their best class alone, wanted or
            not; of those that are `suppressed` already, overlapping ones stay.
        score_threshold: Least score kept.
        iou_threshold: Most intersection over union of two kept boxes of one class.
        max_detections: Most detections kept.
        classes: Which class ids are wanted; all where None.
    """
    anchors, columns = _passing(raw, score_threshold)
    scores = raw.scores[anchors, columns]
    class_ids = raw.class_ids[columns] if raw.class_ids.ndim == 1 else raw.class_ids[anchors, 0]
    if classes is not None:
        wanted = classes[np.minimum(class_ids, len(classes) - 1)]
        anchors, scores, class_ids = anchors[wanted], scores[wanted], class_ids[wanted]
    best = _best(scores)
    boxes, scores, class_ids = raw.boxes[anchors[best]], scores[best], class_ids[best]
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        sound = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
        boxes, scores, class_ids = boxes[sound], scores[sound], class_ids[sound]
    if raw.suppressed:
        kept = np.arange(min(len(boxes), max_detections))
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            kept = _greedy(boxes, class_ids, iou_threshold, max_detections)
    return Kept(boxes[kept], scores[kept], class_ids[kept])


def to_pixels(
    boxes: Floats, placement: Placement, size: tuple[int, int], *, extent: tuple[float, float]
) -> Floats:
    """Boxes on the network's input in pixels of the picture, clipped to it.

    Args:
        boxes: float32 `[K, 4]`: x_min, y_min, x_max, y_max, in units of `extent`.
        placement: Where the picture lies in the input.
        size: The picture's width and height.
        extent: The input's width and height in the units of the boxes.
    """
    width, height = size
    across, down = width / placement.width, height / placement.height
    factors = (
        placement.input_width * across / extent[0],
        placement.input_height * down / extent[1],
    )
    starts = (placement.left * across, placement.top * down)
    placed = boxes * np.array(factors * 2, np.float32) - np.array(starts * 2, np.float32)
    return np.clip(placed, 0, np.array([width, height] * 2, np.float32))


def iou(box: Floats, others: Floats) -> Floats:
    """Intersection over union of a box `[4]` with each of others `[K, 4]`; 0 where both have no area."""
    return _iou(box, _area(box[None])[0], others, _area(others))


def _passing(raw: RawDetections, score_threshold: float) -> tuple[Ids, Ids]:
    """Candidates and columns of scores that pass the threshold, in the candidates' order."""
    # Positions in the flattened scores: a third of the cost of `np.nonzero` on two dimensions.
    found = np.flatnonzero(raw.scores >= score_threshold)
    anchors = found // max(1, raw.scores.shape[1])
    columns = found - anchors * raw.scores.shape[1]
    if raw.exclusive and len(anchors):
        anchors = np.unique(anchors)
        columns = raw.scores[anchors].argmax(axis=1)
    return anchors, columns


def _best(scores: Floats) -> Ids:
    """At most `MOST_CANDIDATES` indices of scores, best first, the earlier first of equals."""
    if scores.size <= MOST_CANDIDATES:
        return np.argsort(-scores, kind="stable")
    enough = np.flatnonzero(scores >= np.partition(scores, -MOST_CANDIDATES)[-MOST_CANDIDATES])
    order = np.argsort(-scores[enough], kind="stable")[:MOST_CANDIDATES]
    return enough[order]


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
