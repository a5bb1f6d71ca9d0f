"""CSV: a row a detection, for spreadsheets and data frames."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from inferq.exports.base import Entry, ExportFormat, Part
from inferq.predictions.record import ClassificationResult, JsonResult

DOCUMENT = "predictions.csv"
COLUMNS = (
    "task_id",
    "state",
    "model",
    "model_version",
    "batch",
    "created_at",
    "finished_at",
    "filename",
    "width",
    "height",
    "image",
    "label",
    "class_id",
    "score",
    "x_min",
    "y_min",
    "x_max",
    "y_max",
    "error_code",
    "error_detail",
    "data",
)
Cell = str | float | None
FORMULA_STARTS = tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n")
"""Ours and the full-width ones, which East Asian versions of spreadsheets take for the same."""


def write_csv(entries: Iterable[Entry]) -> Iterator[Part]:
    """A header, then rows: one a detection (or one a class, of a classifier), one for a prediction without any.

    What is neither is in `data`, as JSON. UTF-8 without a byte order mark; lines end with CR LF (RFC 4180). `image` is the picture's path in the archive,
    where there is one. Text that a spreadsheet would run as a formula has a `'` before it.
    """
    yield Part(DOCUMENT, _lines([COLUMNS]))
    for entry in entries:
        start, end = _before(entry), _after(entry)
        yield Part(DOCUMENT, _lines([*start, *found, *end] for found in _found(entry)))


def _before(entry: Entry) -> list[Cell]:
    prediction, source = entry.prediction, entry.prediction.input
    return [
        prediction.task_id,
        prediction.state.value,
        prediction.model.name,
        prediction.model.version,
        prediction.batch,
        _moment(prediction.created_at),
        _moment(prediction.finished_at),
        source.filename,
        source.width,
        source.height,
        f"images/{entry.picture}" if entry.with_picture else None,
    ]


def _found(entry: Entry) -> list[list[Cell]]:
    """The cells from `label` to `y_max`, a list a row."""
    result = entry.prediction.result
    if isinstance(result, ClassificationResult) and result.classes:
        return [[each.label, None, each.score, *[None] * 4] for each in result.classes]
    if not entry.detections:
        return [[None] * 7]
    return [
        [d.label, d.class_id, d.score, d.box.x_min, d.box.y_min, d.box.x_max, d.box.y_max]
        for d in entry.detections
    ]


def _after(entry: Entry) -> list[Cell]:
    error, result = entry.prediction.error, entry.prediction.result
    data = json.dumps(result.data, ensure_ascii=False) if isinstance(result, JsonResult) else None
    return [*((error.code, error.detail) if error is not None else (None, None)), data]


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _lines(rows: Iterable[Iterable[Cell]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(map(_harmless, row) for row in rows)
    return text.getvalue().encode()


def _harmless(cell: Cell) -> Cell:
    """Text that no spreadsheet takes for a formula; numbers as they are."""
    if isinstance(cell, str) and (
        cell.startswith(FORMULA_STARTS) or cell.lstrip().startswith(FORMULA_STARTS)
    ):
        return "'" + cell
    return cell


CSV = ExportFormat(
    name="csv",
    about="One detection or class a row in predictions.csv (UTF-8); boxes in pixels of the upright picture.",
    write=write_csv,
    boxes_only=False,
    document=DOCUMENT,
    media_type="text/csv; charset=utf-8",
    extension=".csv",
)
