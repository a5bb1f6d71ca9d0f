"""The language of the labels on annotated pictures: who is asked in which order, and what caches are told."""

import io

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from inferq.api.languages import reader_language
from inferq.worker.pipeline import Pipeline

URL = "/api/v1/predictions"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("vi", "vi"),
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("VI-vn", "vi"),
        ("en-GB,vi;q=0.9", "en"),
        ("en;q=0.5, vi;q=0.7", "vi"),
        ("fr,de;q=0.9,vi;q=0.1", "vi"),
        ("fr", "en"),
        ("*,vi;q=0.5", "vi"),
        ("vi;q=0", "en"),
        ("zh-Hant-TW,vi;q=0.5", "zh-Hant"),
        ("zh-TW", "en"),
        ("vie", "en"),
        ("vi;q=x, ;;, -", "en"),
        (f"{'-'.join('a' * 40_000)}, vi ; q=1.0", "vi"),
    ],
)
def test_a_reader_gets_the_dearest_language_that_there_is(accepted: str, language: str):
    assert reader_language(["vi", "zh-Hant"], asked=None, accepted=accepted) == language


@pytest.mark.parametrize(
    ("asked", "language"), [("vi", "vi"), ("vi-VN", "vi"), ("en", "en"), ("tlh", "en"), ("", "en")]
)
def test_what_the_request_names_counts_more_than_the_header(asked: str, language: str):
    for accepted in ("vi", "en"):
        assert reader_language(["vi"], asked=asked, accepted=accepted) == language


@pytest.fixture
def path(api: TestClient, upload, pipeline: Pipeline) -> str:
    """Where the annotated picture of a cat is."""
    task_id = api.post(URL, files=upload).json()["task_id"]
    pipeline.run(task_id)
    return f"{URL}/{task_id}/annotated"


def test_the_renderer_writes_labels_in_the_readers_language(api: TestClient, path: str):
    english = api.get(path)
    vietnamese = api.get(path, headers={"Accept-Language": "vi-VN,vi;q=0.9"})
    asked = api.get(path, params={"lang": "vi"}, headers={"Accept-Language": "en"})
    unknown = api.get(path, params={"lang": "tlh"})
    assert asked.content == vietnamese.content != english.content == unknown.content
    # Nothing but the label is another: no box lies elsewhere.
    drawings = [
        np.asarray(Image.open(io.BytesIO(one.content))).astype(int) for one in (english, asked)
    ]
    rows, columns = np.nonzero(np.abs(drawings[0] - drawings[1]).max(axis=-1) > 60)
    assert np.ptp(rows) < 40
    assert np.ptp(columns) < 120
    told = [(one.headers["Content-Language"], one.headers.get("Vary")) for one in (english, asked)]
    assert told == [("en", "Accept-Language"), ("vi", None)]
    assert vietnamese.headers["Vary"] == "Accept-Language"


def test_a_tag_stands_for_one_language_and_an_unchanged_picture_says_what_it_depends_on(
    api: TestClient, path: str
):
    english, vietnamese = (api.get(path, headers={"Accept-Language": tag}) for tag in ("en", "vi"))
    assert english.headers["ETag"] != vietnamese.headers["ETag"]
    known = {"If-None-Match": english.headers["ETag"]}
    assert api.get(path, headers=known | {"Accept-Language": "vi"}).status_code == 200
    unchanged = api.get(path, headers=known | {"Accept-Language": "fr"})
    assert (unchanged.status_code, unchanged.headers["Vary"]) == (304, "Accept-Language")


def test_results_and_filters_keep_the_english_names(api: TestClient, path: str):
    translated = {"Accept-Language": "vi"}
    body = api.get(path.removesuffix("/annotated"), headers=translated).json()
    assert [found["label"] for found in body["result"]["detections"]] == ["cat"]
    shown = [
        api.get(path, params={"classes": name}, headers=translated).content
        for name in ("cat", "mèo")
    ]
    assert shown[0] == api.get(path, headers=translated).content != shown[1]


def test_a_model_whose_card_is_gone_is_drawn_in_english(
    api: TestClient, path: str, state, monkeypatch
):
    before = api.get(path)
    monkeypatch.setattr("inferq.models.register.FRESH_SECONDS", 0)
    state.delete("inferq:cards")
    after = api.get(path, params={"lang": "vi"})
    assert after.content == before.content
    assert after.headers["Content-Language"] == "en"
