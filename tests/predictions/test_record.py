from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from inferq.errors import NotAnImage
from inferq.predictions.record import (
    TRANSITIONS,
    Box,
    ClassificationResult,
    Detection,
    DetectionsResult,
    Input,
    JsonResult,
    ModelReference,
    Prediction,
    Problem,
    State,
)


def test_terminal_states_lead_nowhere_and_all_others_reach_one():
    terminal = {state for state in State if state.is_terminal}
    assert terminal == {State.SUCCEEDED, State.FAILED, State.CANCELED}
    assert State.QUEUED in TRANSITIONS[State.RUNNING], "a lost lease puts a prediction back"
    for state in set(State) - terminal:
        assert {State.FAILED, State.CANCELED} <= TRANSITIONS[state]


@pytest.mark.parametrize(
    ("other", "iou"),
    [
        (Box(x_min=0, y_min=0, x_max=10, y_max=10), 1.0),
        (Box(x_min=5, y_min=0, x_max=15, y_max=10), 1 / 3),
        (Box(x_min=10, y_min=0, x_max=20, y_max=10), 0.0),
        (Box(x_min=30, y_min=30, x_max=30, y_max=30), 0.0),
    ],
)
def test_overlap_of_boxes(other: Box, iou: float):
    assert Box(x_min=0, y_min=0, x_max=10, y_max=10).iou(other) == pytest.approx(iou)


def test_two_boxes_without_area_do_not_overlap():
    point = Box(x_min=1, y_min=1, x_max=1, y_max=1)
    assert point.iou(point) == 0.0


def test_a_model_reference_reads_what_it_writes():
    reference = ModelReference(name="ssd-lite", version="2")
    assert ModelReference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("result", "cls"),
    [
        ({"kind": "detections", "detections": []}, DetectionsResult),
        ({"kind": "classification", "classes": [{"label": "a", "score": 1}]}, ClassificationResult),
        ({"kind": "json", "data": {"a": [1, None]}}, JsonResult),
    ],
)
def test_the_kind_of_a_result_tells_its_type(result: dict, cls: type):
    fields = {
        "task_id": "1",
        "state": "succeeded",
        "model": {"name": "a", "version": "1"},
        "created_at": "2026-11-24T00:00:00Z",
        "input": {"media_type": "image/png", "bytes": 1, "sha256": "0"},
        "parameters": {},
    }
    assert isinstance(Prediction.model_validate(fields | {"result": result}).result, cls)
    with pytest.raises(ValidationError):
        Prediction.model_validate(fields | {"result": {"kind": "nonesuch"}})


def test_a_problem_says_what_its_error_says():
    problem = Problem.of(NotAnImage("No picture."), trace_id="abc")
    assert problem.model_dump() == {
        "type": "/api/problems/not_an_image",
        "title": "Not an image",
        "status": 415,
        "detail": "No picture.",
        "code": "not_an_image",
        "trace_id": "abc",
        "retryable": False,
        "errors": (),
    }


def test_a_notebook_shows_what_was_found_and_runs_nothing():
    detection = Detection(
        label="<b>cat</b>", class_id=17, score=0.9, box=Box(x_min=1, y_min=2, x_max=30, y_max=40)
    )
    prediction = Prediction(
        task_id="t", state=State.SUCCEEDED, model=ModelReference(name="net", version="1"),
        created_at=datetime.now(UTC), parameters={}, result=DetectionsResult(detections=(detection,)),
        input=Input(filename="<script>.png", media_type="image/png", bytes=1, sha256="0"),
    )  # fmt: skip
    shown = prediction._repr_html_()
    assert "&lt;b&gt;cat&lt;/b&gt;" in shown
    assert "0.90" in shown
    assert "1, 2 to 30, 40" in shown
    assert "<script" not in shown
