"""What `inferq predict` hands over: a table for people, or one of the export formats, to a file or standard output."""

import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import IO, NamedTuple

from rich.console import Console
from rich.table import Table

from inferq.errors import SetupError
from inferq.exports import EXPORT_FORMATS, export
from inferq.predictions.record import ClassificationResult, DetectionsResult, JsonResult, Prediction

WIDTH_OF_A_FILE = 120


class Format(StrEnum):
    """What can be asked for: a table, and `EXPORT_FORMATS`."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"
    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"


def check_output(output_format: Format, output: Path | None) -> None:
    """Refuses what could only go wrong at the end.

    Raises:
        SetupError: There is nowhere to write to.
    """
    if output is None:
        zipped = output_format != Format.TABLE and _is_zip(output_format)
        if zipped and sys.stdout.isatty():
            raise SetupError(f"--format {output_format} makes a zip; name it with --output.")
    elif output.is_dir():
        raise SetupError(f"--output {output} is a folder; name a file in it.")
    elif not os.access(output.parent, os.W_OK):
        raise SetupError(f"--output {output} cannot be written there.")


def write_report(
    predictions: Iterable[Prediction], output_format: Format, output: Path | None
) -> None:
    """Writes predictions as they come; a file is there whole or not at all."""
    if output_format == Format.TABLE:
        _write_table(predictions, output)
        return
    chunks = export(predictions, format_name=output_format).chunks
    if output is None:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        return
    with whole_file(output) as file:
        file.writelines(chunks)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, that takes its place only when all is written."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with unfinished.open("xb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _is_zip(output_format: Format) -> bool:
    return EXPORT_FORMATS[output_format].document is None


def _write_table(predictions: Iterable[Prediction], output: Path | None) -> None:
    """Writes what was found as a table, and what is neither boxes nor labels as JSON below its file's name."""
    if output is None:
        _print_table(predictions, Console())
        return
    text = StringIO()
    _print_table(predictions, Console(width=WIDTH_OF_A_FILE, file=text))
    with whole_file(output) as file:
        file.write(text.getvalue().encode())


def _print_table(predictions: Iterable[Prediction], console: Console) -> None:
    rows: list[Row] = []
    for prediction in predictions:
        if isinstance(prediction.result, JsonResult):
            first, time = _name_and_time(prediction)
            console.print(f"{first} ({time})", markup=False, highlight=False)
            console.print_json(data=prediction.result.data, ensure_ascii=False)
        else:
            rows += _rows(prediction)
    if not rows:
        return
    columns = ("file", "label", "score", "box (pixels)", "time")
    boxes = any(row.box for row in rows)
    table = Table(*(name for name in columns if boxes or not name.startswith("box")))
    for row in rows:
        table.add_row(*(row if boxes else (row.file, row.label, row.score, row.time)))
    console.print(table)


class Row(NamedTuple):
    """A line of the table."""

    file: str
    label: str
    score: str
    box: str
    time: str


def _rows(prediction: Prediction) -> Iterator[Row]:
    first, time = _name_and_time(prediction)
    for label, score, box in _findings(prediction):
        yield Row(first, label, score, box, time)
        first = time = ""


def _name_and_time(prediction: Prediction) -> tuple[str, str]:
    name = prediction.input.filename or prediction.task_id
    return name, f"{prediction.timings_ms.get('total', 0):.0f} ms"


def _findings(prediction: Prediction) -> list[tuple[str, str, str]]:
    """Label, score and box of all that was found."""
    result = prediction.result
    if isinstance(result, DetectionsResult):
        found = [(d.label, f"{d.score:.2f}", d.box) for d in result.detections]
        return [
            (label, score, f"{box.x_min:.0f}, {box.y_min:.0f} to {box.x_max:.0f}, {box.y_max:.0f}")
            for label, score, box in found
        ] or [("nothing found", "", "")]
    if isinstance(result, ClassificationResult):
        found_classes = [(each.label, f"{each.score:.2f}", "") for each in result.classes]
        return found_classes or [("nothing found", "", "")]
    return [(str(prediction.state), "", "")]
