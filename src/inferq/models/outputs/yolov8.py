"""`yolov8`: a column an anchor with decoded box and class scores, as YOLOv8, v9, 11 and kin are exported."""

import numpy as np

from inferq.models.outputs.base import OutputMeta, Outputs, RawDetections, corners


def read_yolov8(outputs: Outputs, index: int, meta: OutputMeta) -> RawDetections:
    """Reads one picture of a batch.

    Args:
        outputs: `predictions` float32 `[N, 4+C, A]`: centre x, centre y, width and height in input pixels,
            then C class scores, sigmoid already.
        index: Which of the N pictures.
        meta: Size of the input.
    """
    predictions = outputs["predictions"][index]
    return RawDetections(
        boxes=corners(predictions[:2].T, predictions[2:4].T),
        scores=predictions[4:].T,
        class_ids=np.arange(len(predictions) - 4),
        extent=(meta.width, meta.height),
        exclusive=True,
    )
