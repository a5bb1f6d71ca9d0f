import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from inferq.api.app import create_app
from inferq.predictions.record import State
from inferq.settings import Settings
from inferq.storage import Storage
from inferq.worker.pipeline import Pipeline
from photos import encoded, pixels

URL = "/api/v1/predictions"


def blobs(storage_folder: Path) -> list[Path]:
    return [path for path in storage_folder.glob("*/*/*/*/*") if path.is_file()]


def test_a_posted_picture_is_accepted_at_once_with_its_task_id(api: TestClient, upload):
    response = api.post(URL, files=upload)
    body = response.json()
    assert response.status_code == 202
    assert response.headers["Location"] == f"{URL}/{body['task_id']}"
    assert int(response.headers["Retry-After"]) >= 1
    assert body["state"] == State.QUEUED
    assert body["queue"] == {"ahead": 0, "workers": 1, "starts_in_seconds": None, "reason": None}
    assert body["input"]["filename"] == "chelsea.jpg"
    assert (body["input"]["width"], body["input"]["height"]) == (451, 300)


def test_the_task_id_has_128_random_bits(api: TestClient, photo):
    ids = {api.post(URL, files={"image": photo["chelsea"]}).json()["task_id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(bytes.fromhex(task_id)) == 16 for task_id in ids)


def test_a_raw_body_takes_its_parameters_from_the_query_and_its_name_from_the_disposition(
    api: TestClient, photo
):
    response = api.post(
        URL,
        params={"score_threshold": 0.3, "classes": ["cat", "dog"], "batch": "holiday"},
        content=photo["chelsea"],
        headers={
            "Content-Type": "image/jpeg",
            "Content-Disposition": "attachment; filename*=UTF-8''m%C3%A8o.jpg",
        },
    )
    body = response.json()
    assert response.status_code == 202
    assert body["parameters"] == {
        "score_threshold": 0.3,
        "iou_threshold": 0.5,
        "max_detections": 100,
        "classes": ["cat", "dog"],
    }
    assert body["batch"] == "holiday"
    assert body["input"]["filename"] == "mèo.jpg"


def test_metadata_comes_back_as_it_was_given(api: TestClient, upload):
    body = api.post(
        URL, files=upload, data={"metadata": '{"camera": {"id": 7}, "ok": true}'}
    ).json()
    assert api.get(body["links"]["self"]).json()["metadata"] == {"camera": {"id": 7}, "ok": True}


def test_a_finished_prediction_shows_its_detections_and_timings(
    api: TestClient, upload, pipeline: Pipeline
):
    accepted = api.post(URL, files=upload).json()
    pipeline.run(accepted["task_id"])
    body = api.get(accepted["links"]["self"]).json()
    assert body["state"] == "succeeded"
    assert body["attempts"] == 1
    assert body["result"]["kind"] == "detections"
    assert [d["label"] for d in body["result"]["detections"]] == ["cat"]
    assert set(body["timings_ms"]) == {
        "queued",
        "read",
        "preprocess",
        "batch_wait",
        "inference",
        "postprocess",
        "total",
    }
    assert body["created_at"] <= body["started_at"] <= body["finished_at"] < body["expires_at"]
    assert body["queue"] is None


def test_prefer_wait_answers_as_soon_as_the_prediction_ends(
    api: TestClient, upload, pipeline: Pipeline
):
    accepted = api.post(URL, files=upload).json()
    with ThreadPoolExecutor() as pool:
        started = time.monotonic()
        waiting = pool.submit(api.get, accepted["links"]["self"], headers={"Prefer": "wait=25"})
        pipeline.run(accepted["task_id"])
        response = waiting.result()
    assert response.json()["state"] == "succeeded"
    assert response.headers["Preference-Applied"] == "wait=25"
    assert "Prefer" in response.headers["Vary"]
    assert time.monotonic() - started < 10


def test_prefer_wait_on_post_answers_200_with_the_result_or_202_without(
    api: TestClient, upload, photo, pipeline: Pipeline, state
):
    late = api.post(URL, files=upload, headers={"Prefer": "respond-async, wait=1"})
    assert late.status_code == 202
    assert late.headers["Preference-Applied"] == "wait=1"
    with ThreadPoolExecutor() as pool:
        files = {"image": ("coffee.jpg", photo["coffee"])}
        waiting = pool.submit(api.post, URL, files=files, headers={"Prefer": "wait=25"})
        while len(ids := set(state.zrange("inferq:queued:ssdlite-mobilenet-v2-coco@1", 0, -1))) < 2:
            assert not waiting.done()
        for task_id in ids:
            pipeline.run(task_id)
        response = waiting.result()
    assert response.status_code == 200
    assert response.json()["input"]["filename"] == "coffee.jpg"
    assert response.json()["state"] == "succeeded"


def test_a_wait_is_never_longer_than_thirty_seconds(api: TestClient, upload, pipeline: Pipeline):
    accepted = api.post(URL, files=upload).json()
    pipeline.run(accepted["task_id"])
    response = api.get(accepted["links"]["self"], headers={"Prefer": "wait=99999999999"})
    assert response.headers["Preference-Applied"] == "wait=30"


def test_if_none_match_answers_304_until_something_changes(
    api: TestClient, upload, pipeline: Pipeline
):
    accepted = api.post(URL, files=upload)
    headers = {"If-None-Match": accepted.headers["ETag"], "Prefer": "wait=1"}
    path = accepted.headers["Location"]
    assert api.get(path, headers=headers).status_code == 304
    pipeline.run(accepted.json()["task_id"])
    assert api.get(path, headers=headers).json()["state"] == "succeeded"


def test_an_idempotency_key_makes_one_prediction_however_often_it_is_sent(
    api: TestClient, photo, tmp_path: Path
):
    headers = {"Idempotency-Key": '"order-1"'}
    first = api.post(URL, files={"image": photo["chelsea"]}, headers=headers)
    again = api.post(URL, files={"image": photo["chelsea"]}, headers=headers)
    assert again.json()["task_id"] == first.json()["task_id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(blobs(tmp_path / "storage")) == 1
    other = api.post(URL, files={"image": photo["coffee"]}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


PNG = encoded(Image.new("RGB", (40, 30), "red"), "PNG")
WIDE = encoded(Image.new("1", (4000, 2000)), "PNG")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "empty_upload"),
        (b"hello, I am no picture at all", 415, "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_format"),
        (b"%PDF-1.7 and so on", 415, "unsupported_format"),
        (PNG[:-20], 422, "image_truncated"),
        (WIDE, 422, "too_many_pixels"),
        (PNG + bytes(2_000_000), 413, "upload_too_large"),
    ],
)
@pytest.mark.parametrize("raw", [False, True])
def test_a_bad_upload_gets_a_problem_of_its_own_and_nothing_is_stored(
    api: TestClient, state, tmp_path: Path, data: bytes, status: int, code: str, raw: bool
):
    before = set(state.keys())
    if raw:
        response = api.post(URL, content=data, headers={"Content-Type": "image/png"})
    else:
        response = api.post(URL, files={"image": ("photo.png", data)})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert blobs(tmp_path / "storage") == []
    assert set(state.keys()) - before <= {"inferq:upkeep"}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"score_threshold": "high"}, "/score_threshold"),
        ({"score_threshold": "1.5"}, "/score_threshold"),
        ({"score_threshold": "nan"}, "/score_threshold"),
        ({"score_threshold": ["0.1", "0.2"]}, "/score_threshold"),
        ({"max_detections": "0"}, "/max_detections"),
        ({"max_detections": "2.5"}, "/max_detections"),
        ({"classes": ["cat", "unicorn"]}, "/classes/1"),
        ({"threshold": "0.5"}, "/threshold"),
        ({"metadata": "not json"}, "/metadata"),
        ({"metadata": "[1]"}, "/metadata"),
        ({"metadata": '{"a": "' + "x" * 5000 + '"}'}, "/metadata"),
        ({"batch": "x" * 65}, "/batch"),
        ({"batch": ["a", "b"]}, "/batch"),
    ],
)
def test_a_wrong_parameter_is_pointed_at(
    api: TestClient, upload, tmp_path: Path, fields, pointer: str
):
    response = api.post(URL, files=upload, data=fields)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert blobs(tmp_path / "storage") == []


def test_an_unknown_model_is_named_together_with_the_known_ones(api: TestClient, upload):
    problem = api.post(URL, files=upload, data={"model": "resnet"}).json()
    assert problem["code"] == "unknown_model"
    assert "'resnet'" in problem["detail"]
    assert "ssdlite-mobilenet-v2-coco@1" in problem["detail"]


@pytest.mark.parametrize("name", ["ssdlite-mobilenet-v2-coco", "ssdlite-mobilenet-v2-coco@1"])
def test_a_model_is_named_with_or_without_its_version(api: TestClient, upload, name: str):
    body = api.post(URL, files=upload, data={"model": name}).json()
    assert body["model"] == {"name": "ssdlite-mobilenet-v2-coco", "version": "1"}


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{}", "application/json", 415, "unsupported_format"),
        (b"x", "", 415, "unsupported_format"),
        (b"nonsense", "multipart/form-data", 400, "malformed_request"),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            422,
            "invalid_parameter",
        ),
    ],
)
def test_a_body_of_another_kind_is_refused(api: TestClient, content, content_type, status, code):
    response = api.post(URL, content=content, headers={"Content-Type": content_type})
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_an_upload_without_a_declared_length_is_cut_off_at_the_limit(api: TestClient):
    sent = 0

    def endless():
        nonlocal sent
        while sent < 50_000_000:
            sent += 65536
            yield bytes(65536)

    response = api.post(URL, content=endless(), headers={"Content-Type": "image/png"})
    assert response.json()["code"] == "upload_too_large"


def test_a_picture_whose_pixels_are_damaged_fails_with_a_problem_that_says_so(
    api: TestClient, pipeline: Pipeline
):
    damaged = bytearray(encoded(Image.fromarray(pixels("chelsea")), "PNG"))
    pixels_start = damaged.index(b"IDAT") + 4
    damaged[pixels_start : pixels_start + 400] = b"\xff" * 400
    accepted = api.post(URL, files={"image": ("noise.png", io.BytesIO(bytes(damaged)))})
    assert accepted.status_code == 202
    pipeline.run(accepted.json()["task_id"])
    body = api.get(accepted.headers["Location"]).json()
    assert body["state"] == "failed"
    assert body["error"]["code"] == "image_damaged"
    assert body["error"]["type"] == "/api/problems/image_damaged"
    assert body["result"] is None


def test_an_unknown_task_id_is_not_found(api: TestClient):
    response = api.get(f"{URL}/nonesuch")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_prediction_whose_input_vanished_fails_and_says_so(
    api: TestClient, upload, pipeline: Pipeline, storage: Storage, store
):
    accepted = api.post(URL, files=upload).json()
    record = store.get(accepted["task_id"])
    storage.delete(record.input_key)
    pipeline.run(accepted["task_id"])
    assert api.get(accepted["links"]["self"]).json()["error"]["code"] == "input_missing"


def test_a_queued_prediction_says_that_no_worker_serves_its_model(api: TestClient, upload, state):
    state.delete("inferq:serving:ssdlite-mobilenet-v2-coco@1")
    assert api.post(URL, files=upload).json()["queue"]["reason"] == "no_worker"


def test_the_place_in_the_queue_and_the_expected_wait_are_told(
    api: TestClient, photo, pipeline: Pipeline
):
    first = api.post(URL, files={"image": photo["chelsea"]}).json()
    pipeline.run(first["task_id"])
    for _ in range(4):
        last = api.post(URL, files={"image": photo["chelsea"]}).json()
    assert last["queue"]["ahead"] == 3
    assert last["queue"]["starts_in_seconds"] > 0


def test_canceled_it_stays_canceled_and_says_so_again(api: TestClient, upload):
    path = api.post(URL, files=upload).headers["Location"]
    for _ in range(2):
        response = api.post(f"{path}/cancel")
        assert (response.status_code, response.json()["state"]) == (200, "canceled")
    assert api.get(path).json()["expires_at"] is not None


def test_what_has_finished_cannot_be_canceled(api: TestClient, upload, pipeline: Pipeline):
    path = api.post(URL, files=upload).headers["Location"]
    pipeline.run(path.rpartition("/")[2])
    response = api.post(f"{path}/cancel")
    assert (response.status_code, response.json()["code"]) == (409, "already_finished")
    assert "succeeded" in response.json()["detail"]


def test_whoever_waits_is_woken_when_it_is_canceled(api: TestClient, upload):
    path = api.post(URL, files=upload).headers["Location"]
    answers: list = []
    waiting = threading.Thread(
        target=lambda: answers.append(api.get(path, headers={"Prefer": "wait=20"}))
    )
    waiting.start()
    api.post(f"{path}/cancel")
    waiting.join(10)
    assert answers[0].json()["state"] == "canceled"


def test_deleted_it_is_gone_for_everyone(api: TestClient, upload, pipeline: Pipeline):
    path = api.post(URL, files=upload).headers["Location"]
    pipeline.run(path.rpartition("/")[2])
    assert api.delete(path).status_code == 204
    for method, suffix in (("GET", ""), ("GET", "/image"), ("POST", "/cancel"), ("DELETE", "")):
        assert api.request(method, path + suffix).status_code == 404


def test_a_deadline_for_the_start_is_kept_and_must_be_a_time(api: TestClient, upload, state):
    task_id = api.post(URL, files=upload, data={"start_within": "2.5"}).json()["task_id"]
    created, start_by = map(int, state.hmget(f"inferq:prediction:{task_id}", "created", "start_by"))
    assert start_by - created == 2_500_000
    for wrong in ("0", "-1", "soon", "nan", "1e400"):
        response = api.post(f"{URL}?start_within={wrong}", files=upload)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
        assert response.json()["errors"][0]["pointer"] == "/start_within"


@pytest.mark.parametrize(
    ("limit", "value", "status", "code"),
    [
        ("max_queued", 1, 503, "queue_full"),
        ("max_in_flight", 1, 429, "too_many_in_flight"),
        ("min_free_disk_bytes", 2**60, 507, "disk_full"),
    ],
)
def test_beyond_its_limits_a_deployment_says_when_to_come_back_and_stores_nothing(
    settings: Settings, register, ann, photo, tmp_path: Path, limit: str, value: int, status, code
):
    limited = settings.model_copy(update={limit: value})
    with TestClient(create_app(limited), headers=ann.headers) as client:
        picture = {"image": ("cat.jpg", photo["chelsea"])}
        if limit != "min_free_disk_bytes":
            assert client.post(URL, files=picture).status_code == 202
        stored = blobs(tmp_path / "storage")
        response = client.post(URL, files=picture)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert int(response.headers["Retry-After"]) >= 1
    assert response.json()["retryable"] is True
    assert blobs(tmp_path / "storage") == stored


def test_a_store_that_is_nearly_full_refuses_before_it_breaks(api: TestClient, upload, state):
    state.set("ballast", "x" * 20_000_000)
    limit = state.config_get("maxmemory")["maxmemory"]
    # Not by what is used at this moment: the buffer that the ballast came in goes, too.
    state.config_set("maxmemory", int(state.memory_usage("ballast") * 1.1))
    try:
        response = api.post(URL, files=upload)
    finally:
        state.config_set("maxmemory", limit)
    assert (response.status_code, response.json()["code"]) == (503, "queue_full")
    assert int(response.headers["Retry-After"]) >= 1
