"""Output formats: how a network's raw tensors become boxes and scores; one file a format."""

from inferq.models.outputs.base import OutputFormat, OutputMeta, RawDetections
from inferq.models.outputs.detr import read_detr
from inferq.models.outputs.end2end import read_end2end
from inferq.models.outputs.shapes import check_shapes
from inferq.models.outputs.ssd import read_ssd
from inferq.models.outputs.tf_od import read_tf_od
from inferq.models.outputs.yolov8 import read_yolov8
from inferq.models.outputs.yolox import read_yolox

__all__ = ["OUTPUT_FORMATS", "OutputFormat", "OutputMeta", "RawDetections", "check_shapes"]

TF_OD = {
    "detection_boxes": "N K 4",
    "detection_classes": "N K",
    "detection_scores": "N K",
    "num_detections": "N",
}

OUTPUT_FORMATS: dict[str, OutputFormat] = {
    "ssd": OutputFormat(read_ssd, {"boxes": "N A 4", "scores": "N A C"}),
    "tf-od": OutputFormat(read_tf_od, TF_OD),
    "yolox": OutputFormat(
        read_yolox, {"predictions": "N A 5+C"}, frozenset({"decoded", "strides"})
    ),
    "yolov8": OutputFormat(read_yolov8, {"predictions": "N 4+C A"}),
    "end2end": OutputFormat(read_end2end, {"detections": "N K 6"}),
    "detr": OutputFormat(read_detr, {"logits": "N Q C", "boxes": "N Q 4"}, frozenset({"head"})),
}
