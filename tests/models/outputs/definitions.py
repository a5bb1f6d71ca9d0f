"""The output formats once more, from their papers and documentation, in plain Python: box by box, in float64.

Each reader gives the candidates of one picture as (class id, score, box in input pixels), unsorted.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Candidate = tuple[int, float, tuple[float, float, float, float]]
SIZE = (64, 32)
"""Width and height of the network's input in these tests: not square, so that x and y are told apart."""


def around(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def ssd(tensors: Any) -> Iterator[Candidate]:
    for (y_min, x_min, y_max, x_max), row in zip(
        *(tensors[n] for n in ("boxes", "scores")), strict=True
    ):
        box = (x_min * SIZE[0], y_min * SIZE[1], x_max * SIZE[0], y_max * SIZE[1])
        for column, score in enumerate(row):
            yield column + 1, score, box


def tf_od(tensors: Any) -> Iterator[Candidate]:
    for k in range(int(tensors["num_detections"])):
        y_min, x_min, y_max, x_max = tensors["detection_boxes"][k]
        box = (x_min * SIZE[0], y_min * SIZE[1], x_max * SIZE[0], y_max * SIZE[1])
        yield int(tensors["detection_classes"][k]), tensors["detection_scores"][k], box


def best(box: Any, scores: Any) -> Candidate:
    column = max(range(len(scores)), key=lambda c: scores[c])
    return column, scores[column], box


def yolox_raw(tensors: Any) -> Iterator[Candidate]:
    rows = iter(tensors["predictions"])
    for stride in (8, 16, 32):
        for row in range(SIZE[1] // stride):
            for column in range(SIZE[0] // stride):
                x, y, width, height, objectness, *classes = next(rows)
                sides = (math.exp(width) * stride, math.exp(height) * stride)
                box = around((x + column) * stride, (y + row) * stride, *sides)
                yield best(box, [objectness * score for score in classes])
    assert next(rows, None) is None


def yolox_decoded(tensors: Any) -> Iterator[Candidate]:
    for x, y, width, height, objectness, *classes in tensors["predictions"]:
        yield best(around(x, y, width, height), [objectness * score for score in classes])


def yolov8(tensors: Any) -> Iterator[Candidate]:
    for x, y, width, height, *classes in zip(*tensors["predictions"], strict=True):
        yield best(around(x, y, width, height), classes)


def end2end(tensors: Any) -> Iterator[Candidate]:
    for *box, score, class_id in tensors["detections"]:
        if score > 0:
            yield int(class_id), score, tuple(box)


def scaled(box: Any) -> tuple[float, float, float, float]:
    x, y, width, height = box
    return around(x * SIZE[0], y * SIZE[1], width * SIZE[0], height * SIZE[1])


def detr_sigmoid(tensors: Any) -> Iterator[Candidate]:
    for box, row in zip(tensors["boxes"], tensors["logits"], strict=True):
        for class_id, logit in enumerate(row):
            yield class_id, 1 / (1 + math.exp(-logit)), scaled(box)


def detr_softmax(tensors: Any) -> Iterator[Candidate]:
    for box, row in zip(tensors["boxes"], tensors["logits"], strict=True):
        total = sum(math.exp(logit) for logit in row)
        yield best(scaled(box), [math.exp(logit) / total for logit in row[:-1]])


def corners(rng: np.random.Generator, *shape: int) -> np.ndarray:
    low, high = rng.uniform(-0.1, 0.6, (*shape, 2)), rng.uniform(0.4, 1.1, (*shape, 2))
    return np.concatenate([low, high], axis=-1)


def make_yolox(rng: np.random.Generator, pictures: int, rows: int, classes: int) -> dict[str, Any]:
    cells = sum((SIZE[0] // stride) * (SIZE[1] // stride) for stride in (8, 16, 32))
    boxes = rng.normal(0, 1, (pictures, cells, 4))
    return {
        "predictions": np.concatenate([boxes, rng.random((pictures, cells, 1 + classes))], axis=2)
    }


def make_decoded(
    rng: np.random.Generator, pictures: int, rows: int, classes: int
) -> dict[str, Any]:
    boxes = rng.uniform(1, 40, (pictures, rows, 4))
    return {
        "predictions": np.concatenate([boxes, rng.random((pictures, rows, 1 + classes))], axis=2)
    }


def make_yolov8(rng: np.random.Generator, pictures: int, rows: int, classes: int) -> dict[str, Any]:
    boxes = rng.uniform(1, 40, (pictures, 4, rows))
    return {"predictions": np.concatenate([boxes, rng.random((pictures, classes, rows))], axis=1)}


def make_end2end(
    rng: np.random.Generator, pictures: int, rows: int, classes: int
) -> dict[str, Any]:
    boxes = corners(rng, pictures, rows) * np.array(SIZE * 2)
    scores = np.maximum(rng.uniform(-0.3, 1, (pictures, rows, 1)), 0)
    ids = rng.integers(0, classes, (pictures, rows, 1))
    return {"detections": np.concatenate([boxes, scores, ids], axis=2)}


def make_ssd(rng: np.random.Generator, pictures: int, rows: int, classes: int) -> dict[str, Any]:
    return {"boxes": corners(rng, pictures, rows), "scores": rng.random((pictures, rows, classes))}


def make_tf_od(rng: np.random.Generator, pictures: int, rows: int, classes: int) -> dict[str, Any]:
    return {
        "detection_boxes": corners(rng, pictures, rows),
        "detection_classes": rng.integers(1, classes + 1, (pictures, rows)),
        "detection_scores": rng.random((pictures, rows)),
        "num_detections": rng.integers(0, rows + 1, pictures),
    }


def make_detr(rng: np.random.Generator, pictures: int, rows: int, classes: int) -> dict[str, Any]:
    return {
        "logits": rng.normal(0, 3, (pictures, rows, classes)),
        "boxes": rng.uniform(0.05, 0.9, (pictures, rows, 4)),
    }


def make_softmax(
    rng: np.random.Generator, pictures: int, rows: int, classes: int
) -> dict[str, Any]:
    return make_detr(rng, pictures, rows, classes + 1)


Definition = tuple[
    str, dict[str, Any], Callable[..., dict[str, Any]], Callable[[Any], Iterator[Candidate]]
]

DEFINITIONS: dict[str, Definition] = {
    "ssd": ("ssd", {}, make_ssd, ssd),
    "tf-od": ("tf-od", {}, make_tf_od, tf_od),
    "yolox, raw": ("yolox", {}, make_yolox, yolox_raw),
    "yolox, decoded": ("yolox", {"decoded": True}, make_decoded, yolox_decoded),
    "yolov8": ("yolov8", {}, make_yolov8, yolov8),
    "end2end": ("end2end", {}, make_end2end, end2end),
    "detr, sigmoid": ("detr", {}, make_detr, detr_sigmoid),
    "detr, softmax": ("detr", {"head": "softmax"}, make_softmax, detr_softmax),
}
"""Name to format, options, a maker of random tensors (pictures, rows, classes), and the definition."""


def random_tensors(name: str, seed: int, *shape: int) -> dict[str, np.ndarray]:
    """Tensors of a format in float32, for `(pictures, rows, classes)`."""
    made = DEFINITIONS[name][2](np.random.default_rng(seed), *shape)
    return {key: array.astype(np.float32) for key, array in made.items()}


def defined(name: str, tensors: dict[str, np.ndarray], index: int) -> list[Candidate]:
    """What the definition makes of one picture's tensors."""
    own = {key: array[index].astype(float).tolist() for key, array in tensors.items()}
    return list(DEFINITIONS[name][3](own))


def differences(ours: list[Candidate], theirs: list[Candidate]) -> tuple[float, float]:
    """Largest differences of boxes and of scores, each candidate against the nearest box of its class.

    Order does not matter: float32 makes scores equal that float64 tells apart.

    Raises:
        ValueError: The classes are not the same, candidate by candidate.
    """
    if sorted(row[0] for row in ours) != sorted(row[0] for row in theirs):
        raise ValueError("other classes than the definition's")
    box_error = score_error = 0.0
    for class_id in {row[0] for row in ours}:
        mine, other = (
            np.array([[score, *box] for own, score, box in rows if own == class_id])
            for rows in (ours, theirs)
        )
        away = np.abs(mine[:, None, 1:] - other[None, :, 1:]).max(axis=2)
        nearest = away.argmin(axis=1)
        if sorted(nearest) != list(range(len(other))):
            raise ValueError("two candidates are nearest to one of the definition's")
        box_error = max(box_error, float(away.min(axis=1).max()))
        score_error = max(score_error, float(np.abs(mine[:, 0] - other[nearest, 0]).max()))
    return box_error, score_error
