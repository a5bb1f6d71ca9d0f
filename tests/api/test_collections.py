"""Lists, batches, reruns, deletions and the queue over HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from inferq.predictions.record import ModelReference
from inferq.predictions.store import PredictionStore
from inferq.storage import Storage
from people import Person
from predictions.drafts import HOUR, accept, start, succeed

URL = "/api/v1/predictions"
MODEL = ModelReference(name="ssdlite-mobilenet-v2-coco", version="1")


@pytest.fixture
def make(store: PredictionStore, ann: Person) -> Callable[..., str]:
    """Accepts a prediction of the caller's own; returns its id."""
    return lambda **changes: accept(store, **{"owner": ann.owner, "model": MODEL} | changes)


def ids(body: dict) -> list[str]:
    return [item["task_id"] for item in body["items"]]


def test_the_list_has_the_callers_own_newest_first(api: TestClient, store: PredictionStore, make):
    mine = [make() for _ in range(3)]
    accept(store, owner="bob")
    body = api.get(URL).json()
    assert ids(body) == mine[::-1]
    assert body["next_cursor"] is None
    assert body["items"][0] == api.get(f"{URL}/{mine[2]}").json()


def test_pages_follow_each_other_by_link_and_by_cursor(api: TestClient, make):
    mine = [make(batch="b") for _ in range(5)]
    first = api.get(URL, params={"limit": 2, "batch": "b"})
    assert ids(first.json()) == mine[:2:-1]
    link = first.headers["Link"]
    assert link.startswith("</api/v1/predictions?")
    assert link.endswith('; rel="next"')
    second = api.get(link[1 : link.index(">")])
    by_cursor = api.get(URL, params={"limit": 2, "cursor": first.json()["next_cursor"]})
    assert ids(second.json()) == ids(by_cursor.json()) == mine[2:0:-1]
    last = api.get(URL, params={"limit": 2, "cursor": second.json()["next_cursor"]})
    assert ids(last.json()) == mine[:1]
    assert "Link" not in last.headers


def test_filters_combine(api: TestClient, store: PredictionStore, make):
    cat, dog, waiting = make(batch="b"), make(), make(batch="b")
    succeed(store, cat, ["cat"])
    succeed(store, dog, ["dog", "cat"])
    for query, expected in (
        ({"state": "succeeded"}, [dog, cat]),
        ({"state": ["queued", "running"]}, [waiting]),
        ({"label": "dog"}, [dog]),
        ({"label": "cat", "batch": "b"}, [cat]),
        ({"model": MODEL.name}, [waiting, dog, cat]),
        ({"model": str(MODEL), "state": "queued"}, [waiting]),
        ({"model": "other"}, []),
        ({"model": f"{MODEL.name}@2"}, []),
        ({"created_before": "2020-01-01T00:00:00Z"}, []),
        ({"created_after": "2020-01-01T00:00:00+07:00", "label": "cat"}, [dog, cat]),
    ):
        assert ids(api.get(URL, params=query).json()) == expected, query


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"state": "done"}, "/state/0"),
        ({"limit": 0}, "/limit"),
        ({"limit": 201}, "/limit"),
        ({"cursor": "nonsense"}, "/cursor"),
        ({"created_after": "yesterday"}, "/created_after"),
        ({"created_after": "2026-01-01T00:00:00"}, "/created_after"),
    ],
)
def test_a_wrong_filter_is_pointed_at(api: TestClient, query: dict, pointer: str):
    answer = api.get(URL, params=query)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_parameter"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_batch_counts_expects_and_is_canceled_as_a_whole(
    api: TestClient, store: PredictionStore, state, make
):
    done, running, waiting = (make(batch="b") for _ in range(3))
    make()
    succeed(store, done)
    start(store, running)
    state.hset(f"inferq:drain:{MODEL}", "service", 2_000_000)
    body = api.get("/api/v1/batches/b").json()
    assert body["total"] == 3
    assert body["counts"] == {
        "queued": 1, "running": 1, "succeeded": 1, "failed": 0, "canceled": 0,
    }  # fmt: skip
    assert body["finished_in_seconds"] == pytest.approx(3, abs=1.01)
    for _ in range(2):
        canceled = api.post("/api/v1/batches/b/cancel").json()
        assert canceled["counts"]["canceled"] == 2
        assert canceled["finished_in_seconds"] == 0
    assert api.get(f"{URL}/{waiting}").json()["state"] == "canceled"
    assert api.get("/api/v1/batches/nonesuch").status_code == 404
    assert api.post("/api/v1/batches/nonesuch/cancel").status_code == 404


def test_a_batch_may_have_any_name(api: TestClient, make):
    make(batch="2026/Tết & summer?")
    path = "/api/v1/batches/2026%2FT%E1%BA%BFt%20%26%20summer%3F"
    assert api.get(path).json()["batch"] == "2026/Tết & summer?"
    assert api.post(f"{path}/cancel").json()["counts"]["canceled"] == 1


def test_another_owners_batch_is_not_there(api: TestClient, store: PredictionStore):
    task_id = accept(store, owner="bob", batch="b")
    assert api.get("/api/v1/batches/b").status_code == 404
    assert api.post("/api/v1/batches/b/cancel").status_code == 404
    assert api.post(f"{URL}/delete", json={"ids": [task_id]}).json() == {"deleted": 0}
    assert api.post(f"{URL}/{task_id}/rerun").status_code == 404
    assert store.get(task_id) is not None


def test_the_queue_shows_what_each_model_has_to_do(
    api: TestClient, store: PredictionStore, state, make
):
    first, second, _ = (make() for _ in range(3))
    succeed(store, first)
    start(store, second)
    state.hset(f"inferq:drain:{MODEL}", "service", 2_000_000)
    (load,) = api.get("/api/v1/queue").json()["items"]
    assert load["model"] == str(MODEL)
    assert (load["queued"], load["running"], load["workers"], load["slots"]) == (1, 1, 1, 2)
    assert load["oldest_seconds"] >= 0
    assert load["expected_wait_seconds"] == 1
    assert load["reason"] is None


def test_a_prediction_is_run_again_with_other_parameters_and_lives_its_own_life(
    api: TestClient, upload, pipeline
):
    first = api.post(URL, files=upload, data={"batch": "b", "score_threshold": "0.9"}).json()
    assert api.post(f"{URL}/{first['task_id']}/rerun").json()["code"] == "not_finished"
    pipeline.run(first["task_id"])
    answer = api.post(
        f"{URL}/{first['task_id']}/rerun", json={"parameters": {"score_threshold": 0.1}}
    )
    again = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == again["links"]["self"]
    assert again["rerun_of"] == first["task_id"]
    assert again["task_id"] != first["task_id"]
    assert again["input"] == first["input"]
    assert again["batch"] == "b"
    assert again["parameters"] == first["parameters"] | {"score_threshold": 0.1}
    assert api.delete(first["links"]["self"]).status_code == 204
    pipeline.run(again["task_id"])
    body = api.get(again["links"]["self"]).json()
    assert body["state"] == "succeeded"
    assert body["result"]["detections"]
    assert api.get(again["links"]["image"]).status_code == 200


def test_run_again_without_a_body_it_keeps_its_parameters(api: TestClient, upload, pipeline):
    first = api.post(URL, files=upload, data={"score_threshold": "0.9"}).json()
    pipeline.run(first["task_id"])
    again = api.post(f"{URL}/{first['task_id']}/rerun").json()
    assert again["parameters"] == first["parameters"]


def test_a_rerun_with_one_key_is_made_once(api: TestClient, upload, pipeline):
    headers = {"Idempotency-Key": '"again"'}
    first = api.post(URL, files=upload, headers=headers).json()
    pipeline.run(first["task_id"])
    made = [api.post(f"{URL}/{first['task_id']}/rerun", headers=headers) for _ in range(2)]
    assert made[0].json()["task_id"] == made[1].json()["task_id"] != first["task_id"]
    assert made[1].headers["Idempotency-Replayed"] == "true"
    other = api.post(f"{URL}/{first['task_id']}/rerun", headers=headers, json={"parameters": {}})
    assert other.status_code == 202, "no parameters at all are the defaults, and those were used"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"parameters": {"score_threshold": 7}}, 422, "invalid_parameter"),
        ({"parameters": {"nonesuch": 1}}, 422, "invalid_parameter"),
        ({"model": "nonesuch"}, 422, "unknown_model"),
        ({"nonesuch": 1}, 422, "invalid_parameter"),
    ],
)
def test_a_wrong_rerun_is_refused(
    api: TestClient, upload, pipeline, body: dict, status: int, code: str
):
    first = api.post(URL, files=upload).json()
    pipeline.run(first["task_id"])
    answer = api.post(f"{URL}/{first['task_id']}/rerun", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_what_has_lost_its_input_cannot_be_run_again(
    api: TestClient, upload, pipeline, storage: Storage, store: PredictionStore
):
    first = api.post(URL, files=upload).json()
    pipeline.run(first["task_id"])
    storage.delete_all(store.get(first["task_id"]).input_key)
    answer = api.post(f"{URL}/{first['task_id']}/rerun")
    assert (answer.status_code, answer.json()["code"]) == (409, "input_gone")
    assert len(api.get(URL).json()["items"]) == 1


def test_many_are_deleted_by_id_or_by_filter(api: TestClient, store: PredictionStore, make):
    done, canceled, *rest = (make(batch="b") for _ in range(5))
    succeed(store, done, ["cat"])
    store.cancel(canceled, retention=HOUR)
    answer = api.post(f"{URL}/delete", json={"ids": [done, "nonesuch"]})
    assert answer.json() == {"deleted": 1}
    answer = api.post(f"{URL}/delete", json={"filter": {"state": ["canceled"]}})
    assert answer.json() == {"deleted": 1}
    assert ids(api.get(URL).json()) == rest[::-1]
    assert api.post(f"{URL}/delete", json={"filter": {"batch": ["b"]}}).json() == {"deleted": 3}
    assert api.get("/api/v1/batches/b").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"ids": []}, {"filter": {}}, {"ids": ["x"], "filter": {"batch": ["b"]}}, {"all": True}],
)
def test_nothing_is_deleted_by_mistake(api: TestClient, make, body: dict):
    make()
    answer = api.post(f"{URL}/delete", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert answer.json()["errors"]
    assert len(api.get(URL).json()["items"]) == 1


def test_two_hundred_posts_with_one_key_at_once_make_one_prediction(
    live, photo, storage: Storage, settings
):
    def post(_: int) -> tuple[int, str]:
        answer = live.client.post(
            URL,
            content=photo["chelsea"],
            headers={"Idempotency-Key": '"one"', "Content-Type": "image/jpeg"},
        )
        return answer.status_code, answer.json()["task_id"]

    with ThreadPoolExecutor(32) as crowd:
        answers = set(crowd.map(post, range(200)))
    assert len(answers) == 1
    ((status, task_id),) = answers
    assert status == 202
    assert ids(live.client.get(URL).json()) == [task_id]
    blobs = [path for path in (settings.data_dir / "storage").glob("*/*/*/*/*") if path.is_file()]
    assert [path.name for path in blobs] == [task_id]
