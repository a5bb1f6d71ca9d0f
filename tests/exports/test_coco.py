"""COCO: exact boxes, category ids that mean one thing, and a file that evaluators take."""

import json
from pathlib import Path

import pytest
from faster_coco_eval import COCO, COCOeval_faster
from hypothesis import given
from hypothesis import strategies as st

from exports.made import boxes, exported, found, prediction, predictions
from inferq.predictions.record import Prediction


def categories(*made: Prediction) -> dict[int, str]:
    listed = json.loads(exported(made, "coco"))["categories"]
    return {category["id"]: category["name"] for category in listed}


@given(st.lists(predictions(), max_size=4))
def test_every_box_is_the_apis_own(made: list[Prediction]):
    document = json.loads(exported(made, "coco"))
    names = {category["id"]: category["name"] for category in document["categories"]}
    assert len(names) == len(document["categories"]) == len(set(names.values()))
    assert [a["id"] for a in document["annotations"]] == [
        *range(1, len(document["annotations"]) + 1)
    ]
    for image, each in zip(document["images"], made, strict=True):
        assert image["task_id"] == each.task_id
        assert image["original_file_name"] == each.input.filename
        assert (image["width"], image["height"]) == (each.input.width, each.input.height)
        own = [a for a in document["annotations"] if a["image_id"] == image["id"]]
        assert [a["score"] for a in own] == [d.score for d in each.result.detections]
        read_back = []
        for annotation in own:
            x, y, width, height = annotation["bbox"]
            corner = (round(x + width, 6), round(y + height, 6))
            read_back.append((names[annotation["category_id"]], x, y, *corner))
            assert annotation["area"] == pytest.approx(width * height, abs=1e-6)
        assert sorted(read_back) == boxes(each)


def test_evaluators_load_it_and_find_it_perfect_against_itself(tmp_path: Path, capsys):
    made = [
        prediction(found("cat", 10.1, 20.2, 300.3, 400.4), found("dog", 5, 6, 70, 80, class_id=18)),
        prediction(found("cat", 0, 0, 640, 427)),
        prediction(),
    ]
    path = tmp_path / "export.json"
    path.write_bytes(exported(made, "coco"))
    truth = COCO(str(path))
    assert len(truth.getImgIds()) == 3
    assert sorted(truth.getCatIds()) == [17, 18]
    answers = truth.loadRes(json.loads(path.read_text())["annotations"])
    evaluation = COCOeval_faster(truth, answers, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_a_models_class_ids_are_the_category_ids():
    made = prediction(
        found("person", 1, 1, 2, 2, class_id=1), found("dog", 1, 1, 2, 2, class_id=18)
    )
    assert categories(made) == {1: "person", 18: "dog"}


def test_an_id_that_two_models_use_goes_to_the_label_seen_first():
    made = [
        prediction(found("cat", 1, 1, 2, 2, class_id=0)),
        prediction(
            found("crack", 1, 1, 2, 2, class_id=0),
            found("rust", 1, 1, 2, 2, class_id=1000),
            found("cat", 1, 1, 2, 2, class_id=5),
        ),
    ]
    assert categories(*made) == {0: "cat", 1000: "crack", 1001: "rust"}


def test_an_export_of_nothing_is_a_data_set_without_pictures():
    document = json.loads(exported([], "coco"))
    assert document["images"] == document["annotations"] == document["categories"] == []
