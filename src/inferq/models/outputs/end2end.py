"""`end2end`: finished detections, one a row, as YOLOv10 and other networks without suppression return them."""

from inferq.models.outputs.base import OutputMeta, Outputs, RawDetections, whole_ids


def read_end2end(outputs: Outputs, index: int, meta: OutputMeta) -> RawDetections:
    """Reads one picture of a batch.

    Args:
        outputs: `detections` float32 `[N, K, 6]`: x_min, y_min, x_max, y_max in input pixels, score,
            class id. Unused rows have the score 0.
        index: Which of the N pictures.
        meta: Size of the input.
    """
    rows = outputs["detections"][index]
    rows = rows[rows[:, 4] > 0]
    return RawDetections(
        boxes=rows[:, :4],
        scores=rows[:, 4:5],
        class_ids=whole_ids(rows[:, 5]),
        extent=(meta.width, meta.height),
        suppressed=True,
    )
