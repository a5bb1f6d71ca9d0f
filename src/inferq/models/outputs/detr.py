"""`detr`: a query a row, logits and boxes apart (Carion et al. 2020; Deformable DETR; RT-DETR)."""

import numpy as np

from inferq.models.outputs.base import Floats, OutputMeta, Outputs, RawDetections, corners


def read_detr(outputs: Outputs, index: int, meta: OutputMeta) -> RawDetections:
    """Reads one picture of a batch; nothing is suppressed, as these networks find everything once.

    With the `sigmoid` head (Deformable DETR, RT-DETR) each query and class is a candidate: the best of all
    Q x C remain, as many as `max_detections`. With the `softmax` head (DETR) a query is its best class, the
    last one, "no object", left out.

    Args:
        outputs: `logits` float32 `[N, Q, C]` (`softmax`: `[N, Q, C+1]`) and `boxes` float32 `[N, Q, 4]`:
            centre x, centre y, width and height in 0 to 1 of the input.
        index: Which of the N pictures.
        meta: `head`.
    """
    logits, boxes = outputs["logits"][index], outputs["boxes"][index]
    softmax = meta.head == "softmax"
    scores = _softmax(logits)[:, :-1] if softmax else _sigmoid(logits)
    return RawDetections(
        boxes=corners(boxes[:, :2], boxes[:, 2:]),
        scores=scores,
        class_ids=np.arange(scores.shape[1]),
        exclusive=softmax,
        suppressed=True,
    )


def _sigmoid(logits: Floats) -> Floats:
    with np.errstate(over="ignore"):
        scores: Floats = np.float32(1) / (np.float32(1) + np.exp(-logits))
    return scores


def _softmax(logits: Floats) -> Floats:
    # Less the largest of each row, no exponential overflows.
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: Floats = powers / powers.sum(axis=1, keepdims=True)
    return scores
