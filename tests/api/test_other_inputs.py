"""Inputs that are no pictures, and results that are no boxes, through the whole life cycle."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from inferq.models.register import ModelRegister
from inferq.predictions.store import PredictionStore
from inferq.storage import Storage
from inferq.worker.pipeline import Pipeline, Workplace
from models.code import loaded

URL = "/api/v1/predictions"
SUMS = """
class Terms(BaseModel):
    terms: list[float] = Field(min_length=1)
    unit: str = "m"


class Scale(BaseModel):
    factor: float = Field(1, gt=0)


class Sums(Model):
    def infer(self, given: list[Terms], scales: list[Scale]) -> list[dict[str, float]]:
        return [{g.unit: sum(g.terms) * s.factor} for g, s in zip(given, scales)]
"""
WORDS = """
class Words(Model):
    media_types = ["text/plain"]

    def infer(self, files: list[File]) -> list[list[Guess]]:
        return [[Guess(label=w, score=1 / len(w)) for w in f.decode().split()] for f in files]
"""
COLOURS = """
class Colours(Model):
    def infer(self, images: list[Image.Image]) -> list[list[Guess]]:
        return [[Guess(label="red", score=i.getpixel((0, 0))[0] / 255)] for i in images]
"""
THREE = {"terms": [1, 2]}


@dataclass
class Site:
    """The API with three models of code, and their worker."""

    api: TestClient
    pipeline: Pipeline

    def submitted(self, **request: Any) -> dict[str, Any]:
        """The body of an accepted prediction."""
        answer = self.api.post(URL, **request)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def done(self, **request: Any) -> dict[str, Any]:
        """A prediction at its end."""
        return self.end(self.submitted(**request)["task_id"])

    def end(self, task_id: str) -> dict[str, Any]:
        self.pipeline.run(task_id)
        return self.api.get(f"{URL}/{task_id}").json()

    def refused(self, **request: Any) -> tuple[int, str, dict[str, str]]:
        answer = self.api.post(URL, **request)
        problem = answer.json()
        told = {each["pointer"]: each["detail"] for each in problem["errors"]}
        return answer.status_code, problem["code"], told


@pytest.fixture
def site(
    api: TestClient, store: PredictionStore, storage: Storage, register: ModelRegister,
    workplace: Workplace, tmp_path: Path,
) -> Site:  # fmt: skip
    codes = {"sums": SUMS, "words": WORDS, "colours": COLOURS}
    models = [loaded(tmp_path / name, code) for name, code in codes.items()]
    register.register("worker-2", slots=2, free=0, cards=[model.about for model in models])
    by_name = {model.about.reference: model for model in models}
    return Site(api, Pipeline(store, storage, models=by_name, workplace=workplace))


def test_json_in_a_body_of_its_own_becomes_a_json_result(site: Site):
    prediction = site.done(params={"model": "sums", "factor": "2"}, json=THREE)
    assert prediction["result"] == {"kind": "json", "data": {"m": 6.0}}
    given = prediction["input"]
    assert (given["kind"], given["media_type"], given["width"], given["height"]) == (
        "json", "application/json", None, None,
    )  # fmt: skip
    links = prediction["links"]
    assert (links["image"], links["preview"], links["annotated"]) == (None, None, None)
    answer = site.api.get(links["input"])
    assert (answer.json(), answer.headers["content-type"]) == (THREE, "application/json")


def test_a_file_in_a_form_becomes_a_classification(site: Site):
    files = {"file": ("words.txt", b"a longer word", "text/plain")}
    prediction = site.done(files=files, data={"model": "words"})
    assert [each["label"] for each in prediction["result"]["classes"]] == ["a", "word", "longer"]
    assert prediction["input"]["kind"] == "file"
    answer = site.api.get(prediction["links"]["input"])
    assert answer.content == b"a longer word"
    assert answer.headers["content-disposition"].startswith("attachment")
    for part in ("image", "preview", "annotated"):
        assert site.api.get(f"{URL}/{prediction['task_id']}/{part}").status_code == 404


def test_a_name_tells_the_media_type_where_the_sender_does_not(site: Site):
    files = {"file": ("words.txt", b"a b", "application/octet-stream")}
    assert site.done(files=files, data={"model": "words"})["input"]["media_type"] == "text/plain"


def test_a_picture_that_is_classified_has_a_preview_but_nothing_drawn(site: Site, upload):
    prediction = site.done(files=upload, data={"model": "colours"})
    assert prediction["result"]["classes"][0]["label"] == "red"
    links = prediction["links"]
    assert links["annotated"] is None
    assert site.api.get(links["preview"]).headers["content-type"] == "image/webp"


@pytest.mark.parametrize(
    ("body", "status", "code", "told"),
    [
        (b'{"terms": [1, "two"]}', 422, "invalid_input", {"/terms/1": "'two' is not of type 'number'"}),
        (b'{"terms": []}', 422, "invalid_input", {"/terms": "[] should be non-empty"}),
        (b"{}", 422, "invalid_input", {"": "'terms' is a required property"}),
        (b"{", 400, "malformed_request", {}),
        (b'{"terms": [NaN]}', 400, "malformed_request", {}),
        (b"[" * 5000 + b"]" * 5000, 400, "malformed_request", {}),
        (b"", 422, "empty_upload", {}),
    ],
)  # fmt: skip
def test_json_that_does_not_fit_is_refused_before_anything_is_stored(
    site: Site, body: bytes, status: int, code: str, told: dict[str, str], storage: Storage
):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = site.refused(params={"model": "sums"}, content=body, headers=headers)
    assert answer == (status, code, told)
    assert site.api.get(URL).json()["items"] == []


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("words", "audio/wav"), ("sums", "text/plain"), ("colours", "application/json")],
)
def test_what_a_model_does_not_take_is_refused(site: Site, name: str, media_type: str):
    headers = {"Content-Type": media_type}
    answer = site.refused(params={"model": name}, content=b"[1]", headers=headers)
    assert answer[:2] == (415, "unsupported_format")


def test_json_has_the_limits_of_pictures(site: Site):
    body = json.dumps({"terms": [1] * 1_000_000})
    headers = {"Content-Type": "application/json"}
    answer = site.refused(params={"model": "sums"}, content=body, headers=headers)
    assert answer[:2] == (413, "upload_too_large")


def test_a_parameter_that_is_wrong_is_pointed_at(site: Site):
    answer = site.refused(params={"model": "sums", "factor": "0"}, json=THREE)
    assert answer[:2] == (422, "invalid_parameter")
    assert set(answer[2]) == {"/factor"}


def test_a_key_stands_for_input_and_parameters_of_any_kind(site: Site):
    headers = {"Idempotency-Key": '"one"'}
    first = site.submitted(params={"model": "sums"}, json=THREE, headers=headers)
    again = site.submitted(params={"model": "sums"}, json=THREE, headers=headers)
    assert again["task_id"] == first["task_id"]
    other = site.refused(params={"model": "sums"}, json={"terms": [3]}, headers=headers)
    assert other[:2] == (422, "idempotency_key_reused")


def test_an_input_runs_again_on_its_own_model_and_only_on_those_that_take_it(site: Site, upload):
    path = f"{URL}/{site.done(params={'model': 'sums'}, json=THREE)['task_id']}/rerun"
    again = site.api.post(path, json={"parameters": {"factor": 3}}).json()
    assert site.end(again["task_id"])["result"]["data"] == {"m": 9.0}
    for other in ("words", "colours", "ssdlite-mobilenet-v2-coco"):
        answer = site.api.post(path, json={"model": other})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_format"), other
    picture = site.done(files=upload, data={"model": "colours"})
    detected = site.api.post(
        f"{URL}/{picture['task_id']}/rerun", json={"model": "ssdlite-mobilenet-v2-coco"}
    )
    assert detected.json()["input"] == picture["input"]


def test_exports_tell_of_all_kinds(site: Site, upload):
    site.done(params={"model": "sums"}, json=THREE)
    site.done(files={"file": ("w.txt", b"a bb", "text/plain")}, data={"model": "words"})
    site.done(files=upload, data={"model": "colours"})
    lines = site.api.get(f"{URL}/export", params={"format": "jsonl"}).text.splitlines()
    assert [json.loads(line)["input"]["kind"] for line in lines] == ["image", "file", "json"]
    table = site.api.get(f"{URL}/export", params={"format": "csv"}).text
    assert '"{""m"": 3.0}"' in table
    assert [line for line in table.splitlines() if ",a," in line]
    zipped = site.api.get(f"{URL}/export", params={"format": "jsonl", "images": True}).content
    names = zipfile.ZipFile(io.BytesIO(zipped)).namelist()
    assert len([name for name in names if name.startswith("images/")]) == 1


def test_deleting_takes_the_input_along(site: Site, storage: Storage):
    made = site.done(params={"model": "sums"}, json=THREE)
    assert site.api.delete(f"{URL}/{made['task_id']}").status_code == 204
    assert site.api.get(made["links"]["input"]).status_code == 404


def test_the_models_tell_what_they_take_and_give(site: Site):
    cards = {card["name"]: card for card in site.api.get("/api/v1/models").json()["items"]}
    assert cards["sums"]["input_schema"]["required"] == ["terms"]
    assert cards["sums"]["result_schema"]["type"] == "object"
    assert cards["words"]["media_types"] == ["text/plain"]
    assert cards["colours"]["result_kind"] == "classification"
    assert cards["ssdlite-mobilenet-v2-coco"]["result_kind"] == "detections"
