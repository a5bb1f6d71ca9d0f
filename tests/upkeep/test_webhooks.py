"""Ends are told: to real receivers, from real rows, by upkeep's own threads."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from inferq.predictions.deliveries import Delivery, DeliveryState
from inferq.predictions.record import DetectionsResult, State
from inferq.predictions.store import Outcome
from inferq.settings import Settings
from inferq.upkeep.loop import Upkeep
from inferq.upkeep.parts import Parts
from inferq.webhooks.receivers import Rules
from system.served import START_SECONDS, eventually
from upkeep.conftest import HOUR
from webhooks.receiving import Receiver, receiver

DONE = Outcome(State.SUCCEEDED, result=DetectionsResult(detections=()))
HANGING = 50
SECONDS = 20


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Receivers on this machine may be told."""
    return settings.model_copy(update={"webhook_loopback": True})


@pytest.fixture
def upkeep(parts: Parts) -> Iterator[Upkeep]:
    """Upkeep whose thread is not started."""
    made = Upkeep(parts)
    yield made
    made._sender.stop()


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


@pytest.fixture
def ended(parts, accept, start) -> Callable[..., str]:
    """Has a prediction end that names a receiver."""

    def make(url: str, **changes: object) -> str:
        task_id = accept(callback_url=url, **changes)
        assert parts.store.finish(start(task_id), DONE, retention=HOUR)
        return task_id

    return make


@pytest.fixture
def delivery(parts) -> Callable[..., Delivery]:
    """A delivery as soon as it stands so."""

    def get(task_id: str, state: DeliveryState | None = None, attempts: int = 1) -> Delivery:
        def found() -> Delivery | None:
            one = parts.deliveries.get("ann", task_id)
            assert one is not None
            fits = state in (None, one.state) and len(one.attempts) >= attempts
            return one if fits else None

        return eventually(found, seconds=SECONDS)

    return get


@pytest.fixture
def hurry(state) -> Callable[..., None]:
    """Has every delivery due now, as if its pause were over."""

    def shift(task_id: str, *, aged: timedelta = timedelta(0)) -> None:
        lane = state.hget(f"inferq:webhook:{task_id}", "lane")
        state.zadd(f"inferq:webhooks:{lane}", {task_id: 1})
        state.zadd("inferq:webhooks", {lane: 1})
        state.hdel(f"inferq:receiver:{lane}", "not_before")
        state.hincrby(f"inferq:webhook:{task_id}", "gives_up", -(aged // timedelta(microseconds=1)))

    return shift


def verify(secret: str, request) -> dict:
    return Webhook(secret).verify(request.body, request.headers)


def test_every_kind_of_end_is_told_signed_and_once(
    parts, upkeep, told, accept, start, ended, delivery, state
):
    succeeded = ended(told.url)
    canceled = accept(callback_url=told.url)
    parts.store.cancel(canceled, retention=HOUR)
    overdue = accept(callback_url=told.url)
    state.zadd("inferq:deadlines", {overdue: 1})
    silent = accept()
    parts.store.cancel(silent, retention=HOUR)
    upkeep.tick()
    ends = {succeeded: "succeeded", canceled: "canceled", overdue: "failed"}
    for task_id in ends:
        assert delivery(task_id, DeliveryState.DELIVERED).attempts[0].status == 204
    secret = parts.deliveries.secrets("ann", "unused").current
    seen = {request.headers["webhook-id"]: verify(secret, request) for request in told.received}
    assert len(told.received) == len(ends)
    for task_id, end in ends.items():
        payload = seen[f"{task_id}_{end}"]
        assert payload["type"] == f"prediction.{end}"
        assert payload["data"]["task_id"] == task_id
        assert (payload["data"]["error"] is None) == (end != "failed")
    with pytest.raises(WebhookVerificationError):
        verify("whsec_" + "A" * 43 + "=", told.received[0])


def test_it_is_tried_again_with_the_same_id_and_a_new_time(upkeep, told, ended, delivery, hurry):
    told.answers = [500, (302, {"Location": told.url}), 429]
    task_id = ended(told.url)
    for attempt in range(1, 5):
        upkeep.tick()
        delivery(task_id, attempts=attempt)
        hurry(task_id)
    seen = delivery(task_id, DeliveryState.DELIVERED)
    assert [one.status for one in seen.attempts] == [500, 302, 429, 204]
    assert {request.headers["webhook-id"] for request in told.received} == {f"{task_id}_succeeded"}
    bodies = {request.body for request in told.received}
    assert len(bodies) == 1


def test_after_a_day_it_is_given_up_and_can_be_seen(upkeep, ended, delivery, hurry):
    with receiver() as closed:
        pass
    task_id = ended(closed.url)
    upkeep.tick()
    seen = delivery(task_id)
    assert (seen.state, seen.attempts[0].error) == (DeliveryState.PENDING, "no connection")
    hurry(task_id, aged=timedelta(days=1))
    upkeep.tick()
    assert delivery(task_id, DeliveryState.GIVEN_UP).ended_at is not None


def test_410_ends_it(parts, upkeep, told, ended, delivery):
    told.answers = [410]
    first = ended(told.url)
    upkeep.tick()
    delivery(first, DeliveryState.DISABLED)
    second = ended(told.url)
    upkeep.tick()
    assert delivery(second, DeliveryState.DISABLED, attempts=0).attempts_made == 0
    assert len(told.received) == 1
    assert list(parts.deliveries.disabled("ann")) == [told.url]


def test_both_secrets_of_a_rotation_verify(parts, upkeep, told, ended, delivery):
    old = parts.deliveries.secrets("ann", "whsec_" + "QUJD" * 10).current
    new = parts.deliveries.rotate("ann", "whsec_" + "REVG" * 10, overlap=HOUR).current
    delivery(ended(told.url), attempts=0)
    upkeep.tick()
    (request,) = told.wait_for(1)
    assert verify(old, request) == verify(new, request)
    assert len(request.headers["webhook-signature"].split(" ")) == 2


def test_a_url_that_the_rules_no_longer_let_pass_is_not_sent_to(parts, told, ended, delivery):
    strict = Upkeep(dataclasses.replace(parts, rules=Rules()))
    task_id = ended(told.url)
    strict.tick()
    assert (
        delivery(task_id).attempts[0].error.startswith("not sent: the URL must begin with https://")
    )
    assert told.received == []


def test_what_was_deleted_is_told_no_more(parts, upkeep, told, ended):
    task_id = ended(told.url)
    parts.store.delete(task_id)
    kept = ended(told.url)
    upkeep.tick()
    (request,) = told.wait_for(1)
    assert json.loads(request.body)["data"]["task_id"] == kept


def test_a_process_that_dies_while_it_sends_is_followed_by_one_that_sends_again(
    upkeep, told, ended, delivery, hurry, valkey_url, tmp_path
):
    told.answers = ["hang"]
    task_id = ended(told.url)
    environment = os.environ | {
        "INFERQ_REDIS_URL": valkey_url, "INFERQ_WEBHOOK_LOOPBACK": "true", "INFERQ_DATA_DIR": str(tmp_path),
    }  # fmt: skip
    script = Path(__file__).parent / "sending_process.py"
    process = subprocess.Popen([sys.executable, script], env=environment)
    try:
        told.wait_for(1, START_SECONDS)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    upkeep.tick()
    assert len(told.received) == 1, "it is lent out"
    hurry(task_id)
    upkeep.tick()
    seen = delivery(task_id, DeliveryState.DELIVERED)
    assert (seen.attempts_made, [one.number for one in seen.attempts]) == (2, [2])
    assert [request.headers["webhook-id"] for request in told.received] == [
        f"{task_id}_succeeded"
    ] * 2


def test_fifty_receivers_that_hang_keep_nobody_from_being_told(
    parts, upkeep, told, ended, delivery
):
    delivery(ended(told.url), attempts=0)
    upkeep.tick()
    told.wait_for(1)
    with ExitStack() as stack:
        # They take connections, which the kernel does for them, and never say a word.
        silent = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(HANGING)
        ]
        for server in silent:
            ended(f"http://127.0.0.1:{server.getsockname()[1]}/")
            ended(f"http://127.0.0.1:{server.getsockname()[1]}/")
        upkeep.tick()
        healthy = [ended(told.url) for _ in range(20)]
        stranger = ended(told.url, owner="bob")
        upkeep.tick()
        told.wait_for(1 + len(healthy) + 1)
        for task_id in healthy:
            delivery(task_id, DeliveryState.DELIVERED)
        hanging, _ = parts.deliveries.page("ann", DeliveryState.PENDING, limit=200)
        assert len(hanging) == 2 * HANGING
        assert not any(one.attempts for one in hanging), "all of this while they hang"
        assert parts.deliveries.get("bob", stranger) is not None
