"""How far the detections of one way to run a network are from those of another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inferq.models.served import ServedModel

SAME_THING = 0.5
"""Least overlap (intersection over union) of two boxes of one label that stand for one thing."""
LEAST_SCORE = 0.05
"""Down to which the other way's detections are looked at."""

Found = Sequence[Mapping[str, Any]]
"""Detections of one picture as a model's result holds them."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What became of the first way's detections in the second's.

    Attributes:
        found: Detections of the first way.
        kept: Those of them that the second way has too, whatever their score.
        score: The largest change of a score.
        pixels: The largest change of a box's edge.
    """

    found: int = 0
    kept: int = 0
    score: float = 0.0
    pixels: float = 0.0


def detect(
    model: ServedModel[Any, Any], pictures: Sequence[bytes], *, score_threshold: float | None = None
) -> list[Found]:
    """Detections of pictures one by one; by default those that the card's threshold lets pass."""
    parameters = {} if score_threshold is None else {"score_threshold": score_threshold}
    found = []
    for picture in pictures:
        item = model.preprocess(picture, parameters)
        (output,) = model.infer([item])
        found.append(model.postprocess(output, item, parameters)["detections"])
    return found


def agreement(first: Sequence[Found], second: Sequence[Found]) -> Agreement:
    """Compares detections of the same pictures, each thing with the one of its label that overlaps it most."""
    changes = [
        _change(each, others) for one, others in zip(first, second, strict=True) for each in one
    ]
    kept = [change for change in changes if change is not None]
    return Agreement(
        found=len(changes),
        kept=len(kept),
        score=max((score for score, _ in kept), default=0.0),
        pixels=max((pixels for _, pixels in kept), default=0.0),
    )


def _change(one: Mapping[str, Any], others: Found) -> tuple[float, float] | None:
    same = [other for other in others if other["label"] == one["label"]]
    best = max(same, key=lambda other: _overlap(one["box"], other["box"]), default=None)
    if best is None or _overlap(one["box"], best["box"]) < SAME_THING:
        return None
    edges = (abs(one["box"][edge] - best["box"][edge]) for edge in one["box"])
    return abs(one["score"] - best["score"]), max(edges)


def _overlap(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    across = min(one["x_max"], other["x_max"]) - max(one["x_min"], other["x_min"])
    down = min(one["y_max"], other["y_max"]) - max(one["y_min"], other["y_min"])
    shared = max(across, 0.0) * max(down, 0.0)
    union = _area(one) + _area(other) - shared
    return shared / union if union > 0 else 0.0


def _area(box: Mapping[str, float]) -> float:
    return (box["x_max"] - box["x_min"]) * (box["y_max"] - box["y_min"])
