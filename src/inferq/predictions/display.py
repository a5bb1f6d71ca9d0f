"""How a notebook shows a prediction: a small table, made of what is known already."""

import json
from collections.abc import Iterator
from html import escape

from inferq.predictions.record import ClassificationResult, DetectionsResult, JsonResult, Prediction

SHOWN_ROWS = 20
SHOWN_CHARACTERS = 1000


def as_html(prediction: Prediction) -> str:
    """A prediction as an HTML fragment, without pictures or scripts."""
    name = prediction.input.filename or prediction.task_id
    title = f"<b>{escape(name)}</b> on {escape(str(prediction.model))}: {prediction.state}"
    if prediction.error is not None:
        return f"<div>{title}<br>{escape(prediction.error.detail)}</div>"
    rows = list(_rows(prediction))
    if not rows:
        return f"<div>{title}</div>"
    shown = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows[:SHOWN_ROWS]
    )
    rest = len(rows) - SHOWN_ROWS
    more = f"<br>and {rest} more" if rest > 0 else ""
    return f"<div>{title}<table>{shown}</table>{more}</div>"


def _rows(prediction: Prediction) -> Iterator[tuple[str, ...]]:
    result = prediction.result
    if isinstance(result, DetectionsResult):
        for detection in result.detections:
            box = detection.box
            corners = f"{box.x_min:.0f}, {box.y_min:.0f} to {box.x_max:.0f}, {box.y_max:.0f}"
            yield detection.label, f"{detection.score:.2f}", corners
    elif isinstance(result, ClassificationResult):
        for label in result.classes:
            yield label.label, f"{label.score:.2f}"
    elif isinstance(result, JsonResult):
        text = json.dumps(result.data, ensure_ascii=False)
        yield (text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …",)
