"""JSON Lines: each prediction as the API gives it, one a line."""

from collections.abc import Iterable, Iterator

from inferq.exports.base import Entry, ExportFormat, Part

DOCUMENT = "predictions.jsonl"

# JSON may hold them as they are, but some readers of lines take each for a line's end.
LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\u0085\u2028\u2029"}


def write_jsonl(entries: Iterable[Entry]) -> Iterator[Part]:
    """A line a prediction, whatever its state."""
    for entry in entries:
        line = entry.prediction.model_dump_json().translate(LINE_ENDS)
        yield Part(DOCUMENT, line.encode() + b"\n")


JSONL = ExportFormat(
    name="jsonl",
    about="One prediction a line in predictions.jsonl, in JSON as the API gives it.",
    write=write_jsonl,
    boxes_only=False,
    document=DOCUMENT,
    media_type="application/x-ndjson",
    extension=".jsonl",
)
