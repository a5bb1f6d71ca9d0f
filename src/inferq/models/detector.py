"""An object detector: a network file, the output format that reads it, and a card."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from typing_extensions import override

from inferq.errors import SetupError
from inferq.models.base import Context, Model
from inferq.models.card import Card, check_weights
from inferq.models.nms import suppress, to_pixels
from inferq.models.outputs import OUTPUT_FORMATS
from inferq.models.pixels import decode_image, stretch
from inferq.models.runtimes.onnx import OnnxSession


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: `pixels` uint8 `[height, width, 3]` of the network's size, and its own size."""

    pixels: npt.NDArray[np.uint8]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Tensors:
    """One item's share of a batch: all outputs of the run, and the item's index in them."""

    outputs: Mapping[str, npt.NDArray[np.float32]]
    index: int


class Detector(Model[Picture, Tensors]):
    """Finds objects in pictures."""

    def __init__(self, folder: Path, card: Card) -> None:
        """Takes a model folder with its card; `load` reads the weights.

        Raises:
            SetupError: The card names an output format that does not exist.
        """
        if card.output_format not in OUTPUT_FORMATS:
            raise SetupError(
                f"{card.reference}: output format {card.output_format!r} is unknown;"
                f" known are {', '.join(OUTPUT_FORMATS)}."
            )
        self.card = card
        self._folder = folder
        self._format = OUTPUT_FORMATS[card.output_format]
        self._class_ids = {label: class_id for class_id, label in card.labels.items()}

    @override
    def load(self, ctx: Context) -> None:
        """Checks the weights' SHA-256 and loads them.

        Raises:
            WrongWeights: The file is not the one that the card names.
            SetupError: The runtime cannot load it.
        """
        weights = check_weights(self._folder, self.card)
        self._session = OnnxSession(weights, threads=ctx.threads, providers=ctx.providers)

    @override
    def preprocess(self, data: bytes, parameters: Mapping[str, Any]) -> Picture:
        """Decodes a picture and stretches it to the network's size.

        Raises:
            ImageDamaged: Its pixels cannot be decoded.
        """
        width, height = self.card.input.width, self.card.input.height
        decoded = decode_image(data, draft=(2 * width, 2 * height))
        return Picture(stretch(decoded.image, width, height), decoded.width, decoded.height)

    @override
    def infer(self, items: Sequence[Picture]) -> list[Tensors]:
        """Runs the network on pictures of one size: uint8 `[N, height, width, 3]`."""
        batch = np.stack([item.pixels for item in items])
        outputs = self._session.run({self.card.input.name: batch})
        named = {ours: outputs[theirs] for ours, theirs in self.card.outputs.items()}
        return [Tensors(named, index) for index in range(len(items))]

    @override
    def postprocess(
        self, output: Tensors, item: Picture, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Detections in pixels of the picture as a person sees it, best score first."""
        chosen = self.card.parameters.model_dump() | dict(parameters)
        classes = chosen.get("classes")
        kept = suppress(
            self._format(output.outputs, output.index),
            score_threshold=chosen["score_threshold"],
            iou_threshold=chosen["iou_threshold"],
            max_detections=chosen["max_detections"],
            classes=None if classes is None else [self._class_ids[label] for label in classes],
        )
        boxes = to_pixels(kept.boxes, item.width, item.height)
        rows = zip(kept.class_ids.tolist(), kept.scores.tolist(), boxes.tolist(), strict=True)
        return {
            "kind": "detections",
            "detections": [self._detection(class_id, score, box) for class_id, score, box in rows],
        }

    @override
    def sample(self) -> bytes:
        """A grey JPEG, larger than the network's input."""
        buffer = io.BytesIO()
        Image.new("RGB", (3 * self.card.input.width, 2 * self.card.input.height), "gray").save(
            buffer, "JPEG"
        )
        return buffer.getvalue()

    def _detection(self, class_id: int, score: float, box: list[float]) -> dict[str, Any]:
        x_min, y_min, x_max, y_max = (round(edge, 1) for edge in box)
        return {
            "label": self.card.labels[class_id],
            "class_id": class_id,
            "score": round(score, 4),
            "box": {"x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max},
        }
