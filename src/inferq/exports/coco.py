"""COCO's JSON of object detection, with the score of each annotation."""

from collections.abc import Iterable, Iterator
from itertools import count
from tempfile import SpooledTemporaryFile
from typing import Any

import orjson

from inferq.exports.archive import SPOOL_BYTES, blocks
from inferq.exports.base import Entry, ExportFormat, Part
from inferq.predictions.record import Detection

DOCUMENT = "annotations/instances.json"
FIRST_FREE_ID = 1000
DECIMALS = 6
"""Of a pixel: hides what subtraction does to binary fractions, and no more."""


def write_coco(entries: Iterable[Entry]) -> Iterator[Part]:
    """One JSON object: `images`, then `annotations` (kept in a temporary file meanwhile), then `categories`.

    Boxes are the prediction's own, `[x, y, width, height]` in pixels of the upright picture, not clipped. An image has
    also `task_id` and `original_file_name`, which readers of COCO ignore.
    """
    categories, annotation_ids = Categories(), count(1)
    with SpooledTemporaryFile(SPOOL_BYTES) as annotations:
        yield Part(DOCUMENT, b'{"info":{"description":"inferq export"},"licenses":[],"images":[')
        for image_id, entry in enumerate(entries, 1):
            yield Part(DOCUMENT, _item(image_id, _image(image_id, entry)))
            for detection in entry.detections:
                annotation_id = next(annotation_ids)
                ids = {
                    "id": annotation_id,
                    "image_id": image_id,
                    "category_id": categories.id_of(detection),
                }
                annotations.write(_item(annotation_id, ids | _annotation(detection)))
        yield Part(DOCUMENT, b'\n],"annotations":[')
        annotations.seek(0)
        for block in blocks(annotations):
            yield Part(DOCUMENT, block)
    yield Part(DOCUMENT, b'\n],"categories":' + orjson.dumps(categories.listed()) + b"}\n")


class Categories:
    """Category ids by label, as several models may meet in an export.

    A label has the class id with which it was first seen; one whose id another label has already gets a free one, from
    1000 on. So ids are the model's own as long as one model is exported, and never mean two things.
    """

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._taken: set[int] = set()

    def id_of(self, detection: Detection) -> int:
        """The id of a detection's label."""
        known = self._ids.get(detection.label)
        if known is not None:
            return known
        wanted = detection.class_id
        chosen = wanted if wanted not in self._taken else self._free()
        self._taken.add(chosen)
        self._ids[detection.label] = chosen
        return chosen

    def listed(self) -> list[dict[str, Any]]:
        """All labels seen so far, by id."""
        by_id = sorted((category_id, label) for label, category_id in self._ids.items())
        return [{"id": category_id, "name": label} for category_id, label in by_id]

    def _free(self) -> int:
        return next(number for number in count(FIRST_FREE_ID) if number not in self._taken)


def _item(number: int, value: dict[str, Any]) -> bytes:
    """An element of an array, a line of its own."""
    return (b"\n" if number == 1 else b",\n") + orjson.dumps(value)


def _image(image_id: int, entry: Entry) -> dict[str, Any]:
    width, height = entry.size
    return {
        "id": image_id,
        "file_name": entry.picture,
        "width": width,
        "height": height,
        "task_id": entry.prediction.task_id,
        "original_file_name": entry.prediction.input.filename,
    }


def _annotation(detection: Detection) -> dict[str, Any]:
    box = detection.box
    width, height = round(box.width, DECIMALS), round(box.height, DECIMALS)
    return {
        "bbox": [box.x_min, box.y_min, width, height],
        "area": round(width * height, DECIMALS),
        "iscrowd": 0,
        "segmentation": [],
        "score": detection.score,
    }


COCO = ExportFormat(
    name="coco",
    about="COCO object detection in annotations/instances.json; boxes in pixels of the upright picture.",
    write=write_coco,
    document=DOCUMENT,
    media_type="application/json",
    extension=".coco.json",
)
