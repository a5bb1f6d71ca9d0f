"""`ssd`: boxes decoded in the graph, a sigmoid score for each anchor and class, no background column."""

import numpy as np

from inferq.models.outputs.base import OutputMeta, Outputs, RawDetections


def read_ssd(outputs: Outputs, index: int, meta: OutputMeta) -> RawDetections:  # noqa: ARG001
    """Reads one picture of a batch, as the graphs of the TensorFlow detection model zoo write it.

    Args:
        outputs: `boxes` float32 `[N, A, 4]` (y_min, x_min, y_max, x_max in 0 to 1) and `scores`
            float32 `[N, A, C]`, whose column k is class id k + 1.
        index: Which of the N pictures.
        meta: Not needed: boxes are relative.
    """
    scores = outputs["scores"][index]
    return RawDetections(
        boxes=outputs["boxes"][index][:, [1, 0, 3, 2]],
        scores=scores,
        class_ids=np.arange(1, scores.shape[1] + 1),
    )
