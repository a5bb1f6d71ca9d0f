"""What every output format makes of a network's tensors."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class RawDetections:
    """One picture's candidates before suppression.

    Attributes:
        boxes: float32 `[A, 4]`: x_min, y_min, x_max, y_max in 0 to 1 of the network's input.
        scores: float32 `[A, C]`: a score for each candidate and class.
        class_ids: int `[C]`: the class id of each column of scores.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.intp]
