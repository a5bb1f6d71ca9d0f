"""`yolox`: one row a grid cell with box, objectness and class scores (Ge et al. 2021, arXiv 2107.08430)."""

from functools import lru_cache

import numpy as np

from inferq.errors import SetupError
from inferq.models.outputs.base import Floats, OutputMeta, Outputs, RawDetections, corners


def read_yolox(outputs: Outputs, index: int, meta: OutputMeta) -> RawDetections:
    """Reads one picture of a batch; the score is objectness times class score, both sigmoid already.

    A raw row (x, y, w, h) of the cell (column, row) of a grid of stride s is a box with the centre
    ((x + column) s, (y + row) s) and the size (exp(w) s, exp(h) s) in input pixels; a decoded row is
    centre and size themselves.

    Args:
        outputs: `predictions` float32 `[N, A, 5+C]`: x, y, w, h, objectness, C class scores; the cells
            of each grid row by row, one grid after the other.
        index: Which of the N pictures.
        meta: Size of the input, `decoded`, `strides`.

    Raises:
        SetupError: The grids of the input's size and strides do not have A cells.
    """
    rows = outputs["predictions"][index]
    centers, sizes = rows[:, :2], rows[:, 2:4]
    if not meta.decoded:
        cells, strides = _grids(meta.width, meta.height, meta.strides)
        if len(cells) != len(rows):
            raise SetupError(
                f"its output 'predictions' has {len(rows)} rows, but an input of {meta.width} x {meta.height}"
                f" with strides {list(meta.strides)} has {len(cells)} cells. Correct the input's size, or"
                " strides in [output_options]."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            centers, sizes = (centers + cells) * strides, np.exp(sizes) * strides
    return RawDetections(
        boxes=corners(centers, sizes),
        scores=rows[:, 5:] * rows[:, 4:5],
        class_ids=np.arange(rows.shape[1] - 5),
        extent=(meta.width, meta.height),
        exclusive=True,
    )


@lru_cache(maxsize=32)
def _grids(width: int, height: int, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Column and row of every cell `[A, 2]`, and its stride `[A, 1]`."""
    cells, steps = [], []
    for stride in strides:
        rows, columns = np.mgrid[: height // stride, : width // stride].astype(np.float32)
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        steps.append(np.full((rows.size, 1), stride, np.float32))
    return np.concatenate(cells), np.concatenate(steps)
