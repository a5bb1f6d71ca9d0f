"""How far the detections of one way to run a network are from those of another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inferq.models.nms import Floats, iou
from inferq.models.served import ServedModel
from inferq.models.trial import try_model

SAME_THING = 0.5
"""Least overlap (intersection over union) of two boxes of one label that stand for one thing."""
IN_PLACE = 0.9
"""Least overlap of two boxes that are as good as the same."""
LEAST_SCORE = 0.05
"""Down to which the other way's detections are looked at."""

EDGES = ("x_min", "y_min", "x_max", "y_max")

Found = Sequence[Mapping[str, Any]]
"""Detections of one picture as a model's result holds them."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What became of the first way's detections in the second's.

    Attributes:
        found: Detections of the first way.
        kept: Those of them that the second way has too, whatever their score.
        in_place: Those of them whose boxes overlap by `IN_PLACE`.
        score: The largest change of a score.
        mean_score: The mean change of the scores of what is kept.
        pixels: The largest change of a box's edge.
    """

    found: int = 0
    kept: int = 0
    in_place: int = 0
    score: float = 0.0
    mean_score: float = 0.0
    pixels: float = 0.0


@dataclass(frozen=True, slots=True)
class _Change:
    """Between a detection and the one that stands for the same thing."""

    overlap: float
    score: float
    pixels: float


def detect(
    model: ServedModel[Any, Any], pictures: Sequence[bytes], *, score_threshold: float | None = None
) -> list[Found]:
    """Detections of pictures one by one; by default those that the card's threshold lets pass."""
    parameters = {} if score_threshold is None else {"score_threshold": score_threshold}
    return [try_model(model, picture, parameters).result["detections"] for picture in pictures]


def agreement(first: Sequence[Found], second: Sequence[Found]) -> Agreement:
    """Compares detections of the same pictures, each thing with the one of its label that overlaps it most."""
    changes = [
        _change(each, others) for one, others in zip(first, second, strict=True) for each in one
    ]
    kept = [change for change in changes if change is not None]
    scores = [change.score for change in kept]
    return Agreement(
        found=len(changes),
        kept=len(kept),
        in_place=sum(change.overlap >= IN_PLACE for change in kept),
        score=max(scores, default=0.0),
        mean_score=sum(scores) / len(scores) if scores else 0.0,
        pixels=max((change.pixels for change in kept), default=0.0),
    )


def _change(one: Mapping[str, Any], others: Found) -> _Change | None:
    same = [other for other in others if other["label"] == one["label"]]
    if not same:
        return None
    box, boxes = _edges(one), np.stack([_edges(other) for other in same])
    overlaps = iou(box, boxes)
    best = int(overlaps.argmax())
    if overlaps[best] < SAME_THING:
        return None
    return _Change(
        overlap=float(overlaps[best]),
        score=abs(one["score"] - same[best]["score"]),
        pixels=float(np.abs(box - boxes[best]).max()),
    )


def _edges(detection: Mapping[str, Any]) -> Floats:
    return np.array([detection["box"][edge] for edge in EDGES], np.float32)
