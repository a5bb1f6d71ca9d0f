"""JSON Lines and CSV: every prediction, whatever became of it, exactly as the API has it."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from exports.made import exported, found, prediction, predictions
from inferq.errors import ImageDamaged
from inferq.predictions.record import (
    ClassificationResult,
    JsonResult,
    LabelScore,
    ModelReference,
    Prediction,
    Problem,
)


def rows(*made: Prediction) -> list[dict[str, str]]:
    text = exported(made, "csv").decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@given(st.lists(predictions(), max_size=4))
def test_a_line_is_a_prediction(made: list[Prediction]):
    # splitlines() knows more ends of lines than "\n"; so do readers in other languages.
    lines = exported(made, "jsonl").decode().splitlines()
    assert [Prediction.model_validate_json(line) for line in lines] == made


@given(st.lists(predictions(), max_size=4))
def test_a_row_is_a_detection(made: list[Prediction]):
    read_back = rows(*made)
    expected = [
        (each.task_id, d.class_id, d.score, d.box.x_min, d.box.y_min, d.box.x_max, d.box.y_max)
        for each in made
        for d in each.result.detections
    ]
    numbers = ("score", "x_min", "y_min", "x_max", "y_max")
    assert [
        (row["task_id"], int(row["class_id"]), *(float(row[column]) for column in numbers))
        for row in read_back
        if row["class_id"]
    ] == expected
    assert [row["task_id"] for row in read_back if not row["class_id"]] == [
        each.task_id for each in made if not each.result.detections
    ]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_cell_is_run_as_a_formula_and_its_text_can_be_had_back(text: str):
    [row] = rows(
        prediction(
            found(text, 1, 1, 9, 9),
            filename=text,
            batch=text,
            model=ModelReference(name=text, version=text),
        )
    )
    for column in ("label", "filename", "batch", "model", "model_version"):
        assert row[column].removeprefix("'") == text.removeprefix("'")
        assert row[column].lstrip()[:1] not in set("=+-@\uff1d\uff0b\uff0d\uff20")
        assert row[column][0] not in "\t\r\n"


def test_formulas_are_shown_and_numbers_stay_numbers():
    [row] = rows(
        prediction(found('=HYPERLINK("http://x")', -0.5, 1, 9, 9), filename=" @SUM(1+1).jpg")
    )
    assert row["label"] == '\'=HYPERLINK("http://x")'
    assert row["filename"] == "' @SUM(1+1).jpg"
    assert row["x_min"] == "-0.5"


def test_what_failed_or_waits_has_a_row_that_says_so():
    problem = Problem.of(ImageDamaged("The pixels end at row 7."))
    failed = prediction(state="failed", result=None, error=problem)
    waiting = prediction(state="queued", result=None, filename=None, size=(None, None))
    first, second = rows(failed, waiting)
    assert first["state"] == "failed"
    assert first["error_code"] == "image_damaged"
    assert first["error_detail"] == "The pixels end at row 7."
    assert first["created_at"] == "2026-11-24T08:30:00Z"
    assert second["state"] == "queued"
    assert second["filename"] == second["width"] == second["label"] == second["error_code"] == ""


def test_a_classifiers_answer_has_a_row_a_class_and_any_other_answer_one_row():
    classes = (LabelScore(label="cat", score=0.75), LabelScore(label="dog", score=0.25))
    first, second, third = rows(
        prediction(result=ClassificationResult(classes=classes)),
        prediction(result=JsonResult(data={"text": "hello"})),
    )
    assert (first["label"], first["score"]) == ("cat", "0.75")
    assert (second["label"], second["score"], second["x_min"]) == ("dog", "0.25", "")
    assert third["label"] == ""


def test_an_export_of_nothing_is_a_header():
    assert rows() == []
    assert exported([], "csv").startswith(b"task_id,state,")
    assert exported([], "jsonl") == b""
