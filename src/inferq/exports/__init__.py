"""Exports of predictions: JSON Lines, CSV, COCO, YOLO, Pascal VOC, with or without their pictures; one file a format.

Pure: predictions come in by an iterator, pictures by a callable, and bytes go out, never more than a few pieces at a
time. Which predictions, and which of their detections, the caller decides. How the zip comes about: `bundle`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inferq.errors import FieldError, InvalidParameter
from inferq.exports.archive import in_blocks
from inferq.exports.base import Entry, ExportFormat
from inferq.exports.bundle import Bundle, ReadImage
from inferq.exports.coco import COCO
from inferq.exports.csv import CSV
from inferq.exports.jsonl import JSONL
from inferq.exports.voc import VOC
from inferq.exports.yolo import YOLO
from inferq.predictions.record import Prediction

__all__ = ["EXPORT_FORMATS", "Export", "ExportFormat", "ReadImage", "export"]

EXPORT_FORMATS: dict[str, ExportFormat] = {
    each.name: each for each in (JSONL, CSV, COCO, YOLO, VOC)
}


@dataclass(frozen=True, slots=True)
class Export:
    """A download: `chunks` are its bytes in order, `filename_suffix` ends its file's name (`.coco.json`).

    An error of the caller's iterator or callable comes out of `chunks`; what was sent by then is a file that breaks
    off, which no reader takes for a whole one but for JSON Lines and CSV: their transfer has to be broken off too.
    """

    media_type: str
    filename_suffix: str
    chunks: Iterator[bytes]


def export(
    predictions: Iterable[Prediction], *, format_name: str, read_image: ReadImage | None = None
) -> Export:
    """Predictions as a file, made while it is read.

    JSON Lines, CSV and COCO are one file; with pictures, and in the formats of many files, it is a zip. JSON Lines and
    CSV take every prediction; the other formats take those that can have boxes (`base.has_boxes`), with or without
    any found, and a zip's `README.txt` counts what was left out.

    Args:
        predictions: In the order wanted; gone through once, as the bytes are asked for.
        format_name: A key of `EXPORT_FORMATS`.
        read_image: Where pictures come from; without it the export has none.

    Raises:
        InvalidParameter: There is no such format.
    """
    chosen = EXPORT_FORMATS.get(format_name)
    if chosen is None:
        known = ", ".join(EXPORT_FORMATS)
        raise InvalidParameter(
            f"There is no export format {format_name!r}; there are {known}.",
            errors=[FieldError("/format", f"one of {known}")],
        )
    if read_image is None and chosen.document is not None:
        return Export(chosen.media_type, chosen.extension, _document(chosen, predictions))
    bundle = Bundle(chosen, read_image)
    return Export("application/zip", f".{chosen.name}.zip", bundle.stream(predictions))


def _document(chosen: ExportFormat, predictions: Iterable[Prediction]) -> Iterator[bytes]:
    """The format's one file."""
    entries = (Entry.of(prediction) for prediction in predictions if chosen.takes(prediction))
    return in_blocks(data for _, data in chosen.write(entries))
