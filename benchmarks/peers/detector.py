"""The model that every contender runs: inferq's own code for it, without any of its server.

The same weights, decoding, resizing, thresholds and suppression, with one thread a run, as ONNX Runtime is quickest
where several run side by side.
"""

from collections.abc import Sequence
from typing import Any

from inferq.models.base import Context
from inferq.models.card import read_card
from inferq.models.catalogue import bundled_folder
from inferq.models.detector import Detector
from inferq.models.inputs import prepare_pillow

PARAMETERS: dict[str, Any] = {}
"""None beyond the card's: score threshold 0.5, IoU threshold 0.5, at most 100 detections."""


class Model:
    """The bundled detector, loaded and warm."""

    def __init__(self) -> None:
        prepare_pillow()
        self._detector = Detector(bundled_folder(), read_card(bundled_folder()))
        self._detector.load(Context(threads=1))
        self._detector.warm_up()

    def detect(self, data: bytes) -> dict[str, Any]:
        """The result of one picture: `{"kind": "detections", "detections": […]}`."""
        return self.detect_all([data])[0]

    def detect_all(self, batch: Sequence[bytes]) -> list[dict[str, Any]]:
        """The results of several pictures, which run as one batch."""
        items = [self._detector.preprocess(data, PARAMETERS) for data in batch]
        outputs = self._detector.infer(items)
        return [
            self._detector.postprocess(output, item, PARAMETERS)
            for output, item in zip(outputs, items, strict=True)
        ]
