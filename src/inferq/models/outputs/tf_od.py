"""`tf-od`: what graphs of the TensorFlow Object Detection API return, suppression included."""

import numpy as np

from inferq.models.outputs.base import OutputMeta, Outputs, RawDetections, whole_ids


def read_tf_od(outputs: Outputs, index: int, meta: OutputMeta) -> RawDetections:  # noqa: ARG001
    """Reads one picture of a batch.

    Args:
        outputs: `detection_boxes` float32 `[N, K, 4]` (y_min, x_min, y_max, x_max in 0 to 1),
            `detection_classes` `[N, K]` (ids, usually from 1), `detection_scores` `[N, K]` and
            `num_detections` `[N]`: how many of the K rows count.
        index: Which of the N pictures.
        meta: Not needed: boxes are relative.
    """
    count = max(0, int(np.nan_to_num(outputs["num_detections"][index])))
    return RawDetections(
        boxes=outputs["detection_boxes"][index][:count, [1, 0, 3, 2]],
        scores=outputs["detection_scores"][index][:count, None],
        class_ids=whole_ids(outputs["detection_classes"][index][:count]),
        suppressed=True,
    )
