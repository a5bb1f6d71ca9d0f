"""What every output format is given, and what it makes of a network's tensors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.intp]
Outputs = Mapping[str, Floats]

NO_CLASS = -1
"""Stands for a class id that is no number; no label has it."""
MOST_CLASSES = 1_000_000


@dataclass(frozen=True, slots=True)
class OutputMeta:
    """What a format needs to know beside the tensors; the model's card says it.

    Attributes:
        width: Of the network's input in pixels.
        height: Of the network's input in pixels.
        decoded: `yolox`: the graph has applied grids and strides already.
        strides: `yolox`: input pixels a cell, one grid each, in the order of the tensor's rows.
        head: `detr`: whether classes exclude each other (`softmax`, its last one being "no object").
    """

    width: int
    height: int
    decoded: bool = False
    strides: tuple[int, ...] = (8, 16, 32)
    head: Literal["sigmoid", "softmax"] = "sigmoid"


@dataclass(frozen=True, slots=True)
class RawDetections:
    """One picture's candidates before suppression.

    Attributes:
        boxes: float32 `[A, 4]`: x_min, y_min, x_max, y_max on the network's input, in units of `extent`.
        scores: float32 `[A, C]`: a score for each candidate and class.
        class_ids: int `[C]`: the class id of each column of scores; or `[A, 1]` (with scores `[A, 1]`),
            where each candidate has one class of its own.
        extent: Width and height of the network's input in the units of `boxes`.
        exclusive: A candidate stands for its best class alone; else for each that passes the threshold.
        suppressed: The network has dropped what it found twice; nothing more is dropped.
    """

    boxes: Floats
    scores: Floats
    class_ids: Ids
    extent: tuple[float, float] = (1.0, 1.0)
    exclusive: bool = False
    suppressed: bool = False


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """One row of the table of formats.

    Attributes:
        read: The pure function: all tensors of a run by our names, which picture of the batch, the meta.
        shapes: Our name of each tensor to its shape: `N` pictures, numbers as they are, other letters
            free but the same in all tensors; `5+C` is at least 6.
        options: Fields of `OutputMeta` that the card may set.
    """

    read: Callable[[Outputs, int, OutputMeta], RawDetections]
    shapes: Mapping[str, str]
    options: frozenset[str] = frozenset()


def corners(centers: Floats, sizes: Floats) -> Floats:
    """Boxes `[A, 4]` (x_min, y_min, x_max, y_max) of centres `[A, 2]` (x, y) and sizes `[A, 2]`."""
    boxes = np.empty((len(centers), 4), np.float32)
    half = sizes * np.float32(0.5)
    np.subtract(centers, half, out=boxes[:, :2])
    np.add(centers, half, out=boxes[:, 2:])
    return boxes


def whole_ids(values: Floats) -> Ids:
    """Class ids `[A, 1]` of floats `[A]`; what is no number, below 0 or absurd stands for no class of a card."""
    rounded = np.nan_to_num(np.rint(values), nan=NO_CLASS)
    ids: Ids = np.clip(rounded, NO_CLASS, MOST_CLASSES).astype(np.intp)[:, None]
    return ids
