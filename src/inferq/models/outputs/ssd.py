"""`ssd`: boxes decoded in the graph, a sigmoid score for each anchor and class, no background column."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from inferq.models.outputs.base import RawDetections


def read_ssd(outputs: Mapping[str, npt.NDArray[np.float32]], index: int) -> RawDetections:
    """Reads one picture of a batch, as the graphs of the TensorFlow detection model zoo write it.

    Args:
        outputs: `boxes` float32 `[N, A, 4]` (y_min, x_min, y_max, x_max in 0 to 1) and `scores`
            float32 `[N, A, C]`, whose column k is class id k + 1.
        index: Which of the N pictures.
    """
    scores = outputs["scores"][index]
    return RawDetections(
        boxes=outputs["boxes"][index][:, [1, 0, 3, 2]],
        scores=scores,
        class_ids=np.arange(1, scores.shape[1] + 1),
    )
