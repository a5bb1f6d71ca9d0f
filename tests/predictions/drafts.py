"""Predictions to test with."""

import dataclasses
from collections.abc import Sequence
from datetime import timedelta

from inferq.predictions.record import (
    Attempt,
    Box,
    Detection,
    DetectionsResult,
    Draft,
    Input,
    ModelReference,
    State,
    new_task_id,
)
from inferq.predictions.store import Outcome, PredictionStore

MODEL = ModelReference(name="net", version="1")
HOUR = timedelta(hours=1)
BOX = Box(x_min=1, y_min=2, x_max=3, y_max=4)


def draft(**changes: object) -> Draft:
    """A draft of one prediction."""
    whole = Draft(
        task_id=new_task_id(),
        owner="ann",
        model=MODEL,
        input=Input(media_type="image/png", width=4, height=3, bytes=70, sha256="0" * 64),
        input_key="2026/11/24/x/input",
        parameters={"score_threshold": 0.25, "classes": None},
        metadata={"nested": {"empty": [], "float": 0.1}},
    )
    return dataclasses.replace(whole, **changes)


def accept(store: PredictionStore, **changes: object) -> str:
    """Has a draft accepted; returns its id."""
    return store.accept(draft(**changes)).record.task_id


def start(store: PredictionStore, task_id: str, *, alone: bool = False) -> Attempt:
    """Starts an attempt."""
    attempt = Attempt.new(task_id, "w1")
    assert store.claim(attempt, max_attempts=3, alone=alone).outcome == "claimed"
    return attempt


def succeed(store: PredictionStore, task_id: str, labels: Sequence[str] = ()) -> None:
    """Has a queued prediction succeed with one detection a label."""
    found = tuple(Detection(label=label, class_id=1, score=0.9, box=BOX) for label in labels)
    outcome = Outcome(State.SUCCEEDED, result=DetectionsResult(detections=found))
    assert store.finish(start(store, task_id), outcome, retention=HOUR)
