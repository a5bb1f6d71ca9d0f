import io

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from inferq.worker.pipeline import Pipeline
from photos import encoded

URL = "/api/v1/predictions"


def opened(response) -> Image.Image:
    return Image.open(io.BytesIO(response.content))


@pytest.fixture
def finished(api: TestClient, upload, pipeline: Pipeline) -> dict:
    """A cat, found."""
    task_id = api.post(URL, files=upload).json()["task_id"]
    pipeline.run(task_id)
    return api.get(f"{URL}/{task_id}").json()


def test_the_image_comes_back_byte_for_byte_and_cannot_run_anything(
    api: TestClient, photo, finished
):
    response = api.get(finished["links"]["image"])
    assert response.content == photo["chelsea"]
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.jpg", "a\r\nSet-Cookie: x=1.jpg", 'q".jpg', "mèo.jpg"]
)
def test_a_file_name_cannot_leave_its_header_or_folder(api: TestClient, photo, name: str):
    files = {"image": (name, photo["chelsea"])}
    body = api.post(URL, files=files).json()
    assert "/" not in body["input"]["filename"]
    assert body["input"]["filename"].isprintable()
    disposition = api.get(body["links"]["image"]).headers["Content-Disposition"]
    assert disposition.startswith("inline; filename*=UTF-8''")
    assert disposition.isascii()


def test_a_preview_is_upright_small_and_without_metadata(api: TestClient):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "ACME camera 42"
    sideways = encoded(Image.new("RGB", (900, 600), "green"), "JPEG", exif=exif)
    body = api.post(URL, files={"image": ("s.jpg", sideways)}).json()
    assert (body["input"]["width"], body["input"]["height"]) == (600, 900)
    response = api.get(body["links"]["preview"], params={"max_side": 320})
    assert response.headers["Content-Type"] == "image/webp"
    assert opened(response).size == (213, 320)
    assert b"ACME" not in response.content


def test_a_preview_is_made_once(api: TestClient, finished, storage, store):
    first = api.get(finished["links"]["preview"])
    record = store.get(finished["task_id"])
    storage.delete(record.input_key)
    assert api.get(finished["links"]["preview"]).content == first.content


def test_a_preview_never_enlarges(api: TestClient, finished):
    assert opened(api.get(finished["links"]["preview"], params={"max_side": 2560})).size == (
        451,
        300,
    )


def test_another_preview_size_is_refused(api: TestClient, finished):
    response = api.get(finished["links"]["preview"], params={"max_side": 321})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/max_side")


def test_the_annotated_picture_has_a_box_in_the_colours_of_the_photograph(
    api: TestClient, finished, photo
):
    drawn = opened(api.get(finished["links"]["annotated"])).convert("RGB")
    plain = Image.open(io.BytesIO(photo["chelsea"])).convert("RGB").resize(drawn.size)
    difference = np.asarray(drawn).astype(int) - np.asarray(plain).astype(int)
    # Far from the box's edges nothing but noise differs: red is still red and blue is blue.
    inside = difference[60:-60, 60:-120]
    assert np.abs(inside.mean(axis=(0, 1))).max() < 2
    assert np.abs(difference).max() > 60


def test_annotations_can_be_filtered(api: TestClient, finished, photo):
    path = finished["links"]["annotated"]
    everything, nothing = api.get(path), api.get(path, params={"score_threshold": 1.0})
    dogs = api.get(path, params={"classes": "dog"})
    assert nothing.content == dogs.content != everything.content


def test_nothing_is_drawn_before_the_end(api: TestClient, upload):
    body = api.post(URL, files=upload).json()
    assert body["links"]["annotated"] is None
    response = api.get(f"{body['links']['self']}/annotated")
    assert (response.status_code, response.json()["code"]) == (409, "not_finished")


def test_pictures_of_an_unknown_prediction_are_not_found(api: TestClient):
    for name in ("image", "preview", "annotated"):
        assert api.get(f"{URL}/nonesuch/{name}").json()["code"] == "not_found"
