"""Predictions to export, pictures for them, and an export's files on disk."""

import io
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st

from inferq.exports import export
from inferq.predictions.record import (
    Box,
    Detection,
    DetectionsResult,
    Input,
    ModelReference,
    Prediction,
    State,
    new_task_id,
)

WIDTH, HEIGHT = 640, 427
NASTY_LABELS = [
    'traffic "light", red',
    "con mèo",
    "猫",
    "🐈‍⬛",
    "<cat> & 'dog'",
    "yes: no # {a} [b]",
    "line\nbreak",
    "\u2028next\u0085line",
    "=1+1",
    "a\\b\tc",
]


def found(label: str, *edges: float, class_id: int = 17, score: float = 0.9) -> Detection:
    """A detection whose box has these edges: left, top, right, bottom."""
    box = dict(zip(("x_min", "y_min", "x_max", "y_max"), edges, strict=True))
    return Detection(label=label, class_id=class_id, score=score, box=Box(**box))


def prediction(
    *detections: Detection, filename: str | None = "street.jpg", **changes
) -> Prediction:
    """A prediction that succeeded; `size`, `media_type` and the prediction's own fields can be changed."""
    width, height = changes.pop("size", (WIDTH, HEIGHT))
    source = Input(
        kind=changes.pop("kind", "image"),
        filename=filename,
        media_type=changes.pop("media_type", "image/jpeg"),
        width=width,
        height=height,
        bytes=1,
        sha256="0" * 64,
    )
    return Prediction(
        **{
            "task_id": new_task_id(),
            "state": State.SUCCEEDED,
            "model": ModelReference(name="net", version="1"),
            "created_at": datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
            "input": source,
            "parameters": {"score_threshold": 0.05},
            "result": DetectionsResult(detections=detections),
        }
        | changes
    )


def exported(predictions: Iterable[Prediction], format_name: str, **options) -> bytes:
    """The bytes of an export."""
    return b"".join(export(predictions, format_name=format_name, **options).chunks)


def unpacked(
    folder: Path,
    predictions: Iterable[Prediction],
    format_name: str,
    read_image: Callable[[Prediction], bytes | None] | None = None,
) -> Path:
    """The folder of a zipped export."""
    data = exported(predictions, format_name, read_image=read_image)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def boxes(prediction: Prediction) -> list[tuple[str, float, float, float, float]]:
    """Labels and edges as the API has them."""
    return sorted(
        (d.label, d.box.x_min, d.box.y_min, d.box.x_max, d.box.y_max)
        for d in prediction.result.detections
    )


tenths_wide, tenths_high = st.integers(0, WIDTH * 10), st.integers(0, HEIGHT * 10)
labels = st.sampled_from(NASTY_LABELS) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20
)


@st.composite
def detections(draw: st.DrawFn, label: st.SearchStrategy[str] = labels) -> Detection:
    """A detection within the picture, its edges in tenths of a pixel as the server rounds them, none of area zero."""
    left, right = sorted(draw(st.lists(tenths_wide, min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(draw(st.lists(tenths_high, min_size=2, max_size=2, unique=True)))
    return found(
        draw(label),
        *(edge / 10 for edge in (left, top, right, bottom)),
        class_id=draw(st.integers(0, 5)),
        score=draw(st.floats(0, 1)),
    )


@st.composite
def predictions(draw: st.DrawFn, label: st.SearchStrategy[str] = labels) -> Prediction:
    """A prediction that succeeded with up to five detections, of a file with any name."""
    names = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
    return prediction(*draw(st.lists(detections(label), max_size=5)), filename=draw(names))
