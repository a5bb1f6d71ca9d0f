"""Webhooks over HTTP: who is to be told, what became of it, and the secret."""

import pytest
from starlette.testclient import TestClient

from inferq.api.app import create_app
from inferq.errors import SetupError
from inferq.settings import Settings
from people import Person, person

URL = "/api/v1/predictions"
HOOKS = "/api/v1/webhooks"
RECEIVER = "https://receiver.example/told?order=7"


@pytest.fixture
def finish(pipeline):
    """Has a submitted prediction end; returns its id."""

    def run(answer) -> str:
        task_id = answer.json()["task_id"]
        pipeline.run(task_id)
        return task_id

    return run


def submit(api: TestClient, photo: bytes, **fields: str):
    return api.post(URL, files={"image": photo}, data=fields)


def test_a_receiver_is_named_in_the_form_or_in_the_query_and_told_of(api, photo, finish):
    byform = finish(submit(api, photo["chelsea"], callback_url=RECEIVER))
    answer = api.post(
        URL, content=photo["chelsea"], headers={"Content-Type": "image/jpeg"}, params={"callback_url": RECEIVER}
    )  # fmt: skip
    byquery = finish(answer)
    silent = finish(submit(api, photo["chelsea"]))
    found = api.get(f"{HOOKS}/deliveries").json()["items"]
    assert [(one["task_id"], one["url"], one["event"]) for one in found] == [
        (byquery, RECEIVER, "succeeded"),
        (byform, RECEIVER, "succeeded"),
    ]
    assert api.get(f"{HOOKS}/deliveries/{byform}").json()["webhook_id"] == f"{byform}_succeeded"
    assert api.get(f"{HOOKS}/deliveries/{silent}").status_code == 404
    assert "callback_url" not in api.get(f"{URL}/{byform}").json()


@pytest.mark.parametrize(
    "url",
    ["receiver.example", "http://receiver.example/", "https://127.0.0.1/", "https://169.254.169.254/latest", "https://u:p@a.example/"],
)  # fmt: skip
def test_a_url_that_is_not_sent_to_is_refused_with_its_upload(api, photo, url):
    answer = submit(api, photo["chelsea"], callback_url=url)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/callback_url"]
    assert api.get(URL).json()["items"] == []


def test_the_deployment_has_a_default_which_a_request_can_do_without(
    settings, register, photo, finish, ann: Person
):
    changed = settings.model_copy(update={"webhook_url": RECEIVER})
    with TestClient(create_app(changed), headers=ann.headers) as api:
        default = finish(submit(api, photo["chelsea"]))
        finish(submit(api, photo["chelsea"], callback_url=""))
        found = api.get(f"{HOOKS}/deliveries").json()["items"]
        assert [(one["task_id"], one["url"]) for one in found] == [(default, RECEIVER)]
        again = api.post(f"{URL}/{default}/rerun")
        assert finish(again) in {
            one["task_id"] for one in api.get(f"{HOOKS}/deliveries").json()["items"]
        }


def test_a_default_that_is_not_sent_to_keeps_the_server_from_starting(settings: Settings):
    wrong = settings.model_copy(update={"webhook_url": "https://10.0.0.1/"})
    with pytest.raises(SetupError, match="INFERQ_WEBHOOK_URL"), TestClient(create_app(wrong)):
        pass


def test_the_log_has_pages_and_states(api, photo, finish):
    made = [finish(submit(api, photo["chelsea"], callback_url=RECEIVER)) for _ in range(3)]
    first = api.get(f"{HOOKS}/deliveries", params={"limit": 2})
    assert [one["task_id"] for one in first.json()["items"]] == made[:0:-1]
    assert first.links["next"]["url"].endswith(f"cursor={first.json()['next_cursor']}")
    last = api.get(first.links["next"]["url"]).json()
    assert ([one["task_id"] for one in last["items"]], last["next_cursor"]) == (made[:1], None)
    assert api.get(f"{HOOKS}/deliveries", params={"state": "given_up"}).json()["items"] == []
    for query in ({"cursor": "x"}, {"state": "lost"}, {"limit": 0}, {"url": "x"}):
        assert api.get(f"{HOOKS}/deliveries", params=query).json()["code"] == "invalid_parameter"


def test_a_url_that_was_disabled_is_listed_and_enabled_again(
    api, photo, finish, state, ann: Person
):
    task_id = finish(submit(api, photo["chelsea"], callback_url=RECEIVER))
    state.zadd(f"inferq:webhook-disabled:{ann.owner}", {RECEIVER: 1_700_000_000_000_000})
    assert api.get(f"{HOOKS}/disabled").json()["items"] == [
        {"url": RECEIVER, "disabled_at": "2023-11-14T22:13:20Z"}
    ]
    assert api.post(f"{HOOKS}/deliveries/{task_id}/redeliver").json()["code"] == "receiver_gone"
    assert api.post(f"{HOOKS}/enable", json={"url": RECEIVER}).status_code == 204
    assert api.post(f"{HOOKS}/enable", json={"url": RECEIVER}).status_code == 404
    answer = api.post(f"{HOOKS}/deliveries/{task_id}/redeliver")
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")


def test_the_secret_stays_until_it_is_rotated_and_is_never_cached(api):
    first = api.get(f"{HOOKS}/secret")
    assert first.headers["Cache-Control"] == "no-store"
    assert first.json()["secret"].startswith("whsec_")
    assert api.get(f"{HOOKS}/secret").json() == first.json()
    rotated = api.post(f"{HOOKS}/secret/rotate", json={"overlap_seconds": 60})
    assert rotated.headers["Cache-Control"] == "no-store"
    assert rotated.json()["secret"] != first.json()["secret"] == rotated.json()["previous"]
    assert api.post(f"{HOOKS}/secret/rotate").json()["previous"] == rotated.json()["secret"]
    assert api.post(f"{HOOKS}/secret/rotate", json={"overlap_seconds": -1}).status_code == 422


def test_another_owner_sees_none_of_it(api, photo, finish, accounts):
    task_id = finish(submit(api, photo["chelsea"], callback_url=RECEIVER))
    mine = api.get(f"{HOOKS}/secret").json()
    api.headers.update(person(accounts, "bob").headers)
    assert api.get(f"{HOOKS}/deliveries").json()["items"] == []
    assert api.get(f"{HOOKS}/deliveries/{task_id}").status_code == 404
    assert api.post(f"{HOOKS}/deliveries/{task_id}/redeliver").status_code == 404
    assert api.get(f"{HOOKS}/secret").json()["secret"] != mine["secret"]
