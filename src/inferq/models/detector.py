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
from inferq.models.base import Context
from inferq.models.card import Card, check_weights
from inferq.models.network_input import Input, network_input
from inferq.models.nms import class_mask, suppress, to_pixels
from inferq.models.outputs import OUTPUT_FORMATS, OutputFormat, OutputMeta, check_shapes
from inferq.models.pixels import Placement, decode_image
from inferq.models.register import RegisteredCard
from inferq.models.runtimes import find_runtime
from inferq.models.served import ServedModel


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the network takes it, where it lies in that input, and its own size."""

    pixels: Input
    placement: Placement
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Tensors:
    """One item's share of a batch: all outputs of the run, and the item's index in them."""

    outputs: Mapping[str, npt.NDArray[np.float32]]
    index: int


class Detector(ServedModel[Picture, Tensors]):
    """Finds objects in pictures."""

    def __init__(self, folder: Path, card: Card) -> None:
        """Takes a model folder with its card; `load` reads the weights.

        Raises:
            SetupError: The card names an output format that does not exist, or not what the format takes.
        """
        self.card = card
        self.about = RegisteredCard.of(card)
        self.max_batch = 1 if card.input.batch == 1 else card.max_batch
        self.max_wait_ms = card.max_wait_ms
        self._folder = folder
        self._format = _find_format(card)
        self._meta = OutputMeta(
            card.input.width, card.input.height, **card.output_options.model_dump()
        )
        self._class_ids = {label: class_id for class_id, label in card.labels.items()}
        self._labelled = class_mask(card.labels)

    @override
    def load(self, ctx: Context) -> None:
        """Checks the weights' SHA-256 and loads them with the card's runtime.

        Raises:
            WrongWeights: They are not those that the card names.
            SetupError: The runtime is not installed, or cannot load them.
        """
        weights = check_weights(self._folder, self.card.of_variant(ctx.variant))
        self._session = find_runtime(self.card.runtime).open_session(weights, ctx)

    @override
    def warm_up(self) -> None:
        """Predicts once, and holds the card against what the network takes and returns.

        Raises:
            SetupError: The network does not run on the card's input, or its tensors are not of the card's
                output format, or their classes are not those of the card's labels.
        """
        item = self.preprocess(self.sample(), {})
        items = [item] if self.card.input.batch == 1 else [item, item]
        try:
            outputs = self.infer(items)
        except SetupError:
            raise
        except Exception as error:
            raise SetupError(
                f"{self.card.reference}: the network does not run on {len(items)} pictures of"
                f" {item.pixels.dtype} {list(item.pixels.shape)} as {self.card.input.name!r}: {error}."
                " Correct [input] of the card; a graph that takes one picture at a time needs batch = 1."
            ) from error
        try:
            self._check_outputs(outputs[-1], 1 if self.card.input.batch == 1 else len(items))
        except SetupError as error:
            raise SetupError(f"{self.card.reference}: {error}") from error
        self.postprocess(outputs[-1], item, {})

    @override
    def preprocess(self, data: bytes, parameters: Mapping[str, Any]) -> Picture:
        """Decodes a picture and makes the network's input of it.

        Raises:
            ImageDamaged: Its pixels cannot be decoded.
        """
        width, height = self.card.input.width, self.card.input.height
        decoded = decode_image(data, draft=(width, height))
        pixels, placement = network_input(decoded, self.card.input)
        return Picture(pixels, placement, decoded.width, decoded.height)

    @override
    def infer(self, items: Sequence[Picture]) -> list[Tensors]:
        """Runs the network on pictures; one by one where its graph takes no more at a time.

        Raises:
            SetupError: The graph lacks an output that the card names.
        """
        if self.card.input.batch == 1:
            return [Tensors(self._run(item.pixels[None]), 0) for item in items]
        outputs = self._run(np.stack([item.pixels for item in items]))
        return [Tensors(outputs, index) for index in range(len(items))]

    @override
    def postprocess(
        self, output: Tensors, item: Picture, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Detections in pixels of the picture as a person sees it, best score first."""
        chosen = self.card.parameters.model_dump() | dict(parameters)
        classes = chosen.get("classes")
        raw = self._format.read(output.outputs, output.index, self._meta)
        kept = suppress(
            raw,
            score_threshold=chosen["score_threshold"],
            iou_threshold=chosen["iou_threshold"],
            max_detections=chosen["max_detections"],
            classes=self._labelled
            if classes is None
            else class_mask([self._class_ids[label] for label in classes]),
        )
        size = (item.width, item.height)
        boxes = to_pixels(kept.boxes, item.placement, size, extent=raw.extent)
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

    def _run(self, batch: npt.NDArray[Any]) -> Mapping[str, npt.NDArray[np.float32]]:
        """The outputs of one run by the format's names."""
        outputs = self._session.run({self.card.input.name: batch})
        try:
            return {ours: outputs[theirs] for ours, theirs in self.card.outputs.items()}
        except KeyError as error:
            raise SetupError(
                f"{self.card.reference}: the graph has no output {error.args[0]!r}; it has"
                f" {', '.join(outputs)}. Correct [outputs] of the card."
            ) from error

    def _check_outputs(self, output: Tensors, pictures: int) -> None:
        """Raises `SetupError` where tensors or classes are not those of the card."""
        check_shapes(self._format, output.outputs, pictures=pictures)
        raw = self._format.read(output.outputs, output.index, self._meta)
        if raw.class_ids.ndim > 1:
            return  # each candidate names its class; which there are, the tensors do not say
        ids, labels = raw.class_ids.tolist(), self.card.labels
        if not ids or max(labels) != ids[-1] or min(labels) < ids[0]:
            raise SetupError(
                f"its labels have the class ids {min(labels)} to {max(labels)}, but its outputs have"
                f" {len(ids)} classes{f' with the ids {ids[0]} to {ids[-1]}' if ids else ''}."
                " Correct [labels] of the card, or output_format."
            )

    def _detection(self, class_id: int, score: float, box: list[float]) -> dict[str, Any]:
        x_min, y_min, x_max, y_max = (round(edge, 1) for edge in box)
        return {
            "label": self.card.labels[class_id],
            "class_id": class_id,
            "score": round(score, 4),
            "box": {"x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max},
        }


def _find_format(card: Card) -> OutputFormat:
    """The card's output format, after its tensors and options were compared with the card's."""
    name = card.output_format
    if name not in OUTPUT_FORMATS:
        raise SetupError(
            f"{card.reference}: output format {name!r} is unknown;"
            f" known are {', '.join(OUTPUT_FORMATS)}."
        )
    found = OUTPUT_FORMATS[name]
    if card.outputs.keys() != found.shapes.keys():
        raise SetupError(
            f"{card.reference}: [outputs] names {', '.join(card.outputs) or 'nothing'}, but the output"
            f" format {name} takes {', '.join(found.shapes)}."
        )
    foreign = card.output_options.model_fields_set - found.options
    if foreign:
        raise SetupError(
            f"{card.reference}: [output_options] has {', '.join(sorted(foreign))}, but the output format"
            f" {name} takes {', '.join(sorted(found.options)) or 'none'}."
        )
    return found
