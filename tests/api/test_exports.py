"""Exports over HTTP: what is chosen, what the files are, and that the pictures in them are upright."""

import csv
import io
import json
import zipfile

import pytest
from PIL import Image
from starlette.testclient import TestClient

from inferq.predictions.record import Prediction
from inferq.predictions.store import PredictionStore
from inferq.storage import Storage
from photos import pixels
from predictions.drafts import accept

URL = "/api/v1/predictions"
EXPORT = f"{URL}/export"


@pytest.fixture
def found(api: TestClient, photo, pipeline) -> list[dict]:
    """Finished predictions on two photographs, the first of them turned by EXIF, in one batch; oldest first."""
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels("chelsea")).rotate(90, expand=True).save(turned, "JPEG", exif=exif)
    made = []
    for name, data in (("turned.jpg", turned.getvalue()), ("cup.jpg", photo["coffee"])):
        answer = api.post(
            URL,
            files={"image": (name, data)},
            data={"batch": "b", "score_threshold": "0.05"},
        ).json()
        pipeline.run(answer["task_id"])
        made.append(api.get(answer["links"]["self"]).json())
    return made


def archive(answer) -> zipfile.ZipFile:
    assert answer.headers["content-type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_json_lines_are_the_predictions_as_the_api_gives_them(
    api: TestClient, store: PredictionStore, found: list[dict]
):
    accept(store, owner="bob")
    answer = api.get(EXPORT, params={"format": "jsonl"})
    disposition = answer.headers["content-disposition"]
    assert disposition == 'attachment; filename="inferq-predictions.jsonl"'
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == found[::-1]
    assert Prediction.model_validate(lines[0]).result.detections


def test_an_export_takes_the_lists_filters_and_a_least_score(
    api: TestClient, found: list[dict], upload
):
    api.post(URL, files=upload)
    query = {"format": "csv", "batch": "b", "label": "cat", "score_threshold": 0.6}
    rows = list(csv.DictReader(io.StringIO(api.get(EXPORT, params=query).text)))
    assert {row["task_id"] for row in rows} == {found[0]["task_id"]}
    assert all(float(row["score"]) >= 0.6 for row in rows)
    weak = csv.DictReader(io.StringIO(api.get(EXPORT, params=query | {"score_threshold": 0}).text))
    assert len(list(weak)) == len(found[0]["result"]["detections"]) > len(rows)


def test_an_export_can_hold_what_a_page_shows_of_one_prediction(
    api: TestClient, store: PredictionStore, found: list[dict]
):
    foreign = accept(store, owner="bob")
    ids = [found[1]["task_id"], foreign]
    query = {"format": "coco", "task_id": ids, "score_threshold": 0.2, "classes": ["cup", "spoon"]}
    document = api.get(EXPORT, params=query).json()
    labels = {category["id"]: category["name"] for category in document["categories"]}
    shown = [
        one["label"]
        for one in found[1]["result"]["detections"]
        if one["score"] >= 0.2 and one["label"] in {"cup", "spoon"}
    ]
    assert shown
    assert [labels[one["category_id"]] for one in document["annotations"]] == shown
    assert len(document["images"]) == 1


def test_pictures_in_an_export_are_upright_as_their_boxes_are(api: TestClient, found: list[dict]):
    answer = api.get(EXPORT, params={"format": "coco", "images": True})
    with archive(answer) as files:
        names = [name for name in files.namelist() if name.startswith("images/")]
        document = json.loads(files.read("annotations/instances.json"))
        sizes = {
            image["file_name"]: (image["width"], image["height"]) for image in document["images"]
        }
        assert len(names) == 2
        for name in names:
            with Image.open(io.BytesIO(files.read(name))) as picture:
                assert picture.size == sizes[name.partition("/")[2]]
                assert picture.getexif().get(274, 1) == 1


@pytest.mark.parametrize("name", ["yolo", "voc"])
def test_formats_of_many_files_come_as_a_zip(api: TestClient, found: list[dict], name: str):
    with archive(api.get(EXPORT, params={"format": name})) as files:
        assert files.testzip() is None
        assert any("turned" in path for path in files.namelist())


def test_a_picture_that_is_gone_is_named_and_the_others_go_on(
    api: TestClient, found: list[dict], storage: Storage, store: PredictionStore
):
    storage.delete_all(store.get(found[0]["task_id"]).input_key)
    with archive(api.get(EXPORT, params={"format": "yolo", "images": True})) as files:
        assert "no longer stored: 1" in files.read("README.txt").decode()
        assert sum("cup" in path and path.endswith(".jpg") for path in files.namelist()) == 1


def test_nothing_to_export_is_an_empty_file(api: TestClient):
    assert api.get(EXPORT, params={"format": "jsonl", "batch": "none"}).text == ""
    document = api.get(EXPORT, params={"format": "coco"}).json()
    assert (document["images"], document["annotations"]) == ([], [])


@pytest.mark.parametrize("query", [{}, {"format": "xls"}, {"format": "csv", "limit": 5}])
def test_a_wrong_export_is_refused(api: TestClient, query: dict):
    answer = api.get(EXPORT, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
