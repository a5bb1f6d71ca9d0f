"""`inferq status` and `inferq failed` on a real state store."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner, Result

from inferq.accounts.store import AccountStore
from inferq.cli import app
from inferq.errors import ModelFailed, OutOfMemory, SetupError
from inferq.local_server import LocalServer
from inferq.models.register import ModelRegister
from inferq.predictions.record import ModelReference, Problem, State
from inferq.predictions.store import Outcome, PredictionStore
from inferq.storage import Storage
from people import person
from predictions.drafts import accept, start

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _deployment(valkey_url: str, state, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INFERQ_REDIS_URL", valkey_url)
    monkeypatch.setenv("INFERQ_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def owner(accounts: AccountStore) -> str:
    return person(accounts, "ann").user.user_id


def inferq(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def told(*words: str) -> str:
    result = inferq(*words)
    assert result.exit_code == 0, result.output
    return result.output


def fail(store: PredictionStore, owner: str, error: Exception, **changes: object) -> str:
    task_id = accept(store, owner=owner, **changes)
    outcome = Outcome(State.FAILED, error=Problem.of(error))
    assert store.finish(start(store, task_id), outcome, retention=HOUR)
    return task_id


def serve(state: redis.Redis, model, *, worker: str = "host-1-abc", free: int = 1) -> None:
    card = model.about
    ModelRegister(state).register(worker, slots=4, free=free, cards=[card])


def test_status_tells_queues_workers_and_the_last_failures(
    state: redis.Redis, store: PredictionStore, owner: str, model
):
    serve(state, model)
    accept(store, owner=owner, model=ModelReference.parse(model.about.reference))
    task_id = fail(store, owner, ModelFailed("It did not work."))
    now = json.loads(told("status", "--json"))
    (queue,) = now["queues"]
    assert (queue["queued"], queue["workers"], queue["slots"]) == (1, 1, 4)
    (worker,) = now["workers"]
    assert (worker["worker"], worker["free"]) == ("host-1-abc", 1)
    assert worker["models"] == [model.about.reference]
    (failure,) = now["failures"]
    assert (failure["task_id"], failure["user"]) == (task_id, "ann")
    assert failure["code"] == "model_failed"
    for text in ("host-1-abc", model.about.reference, task_id, "It did not work."):
        assert text in told("status"), text


def test_status_says_which_queue_nobody_serves(state: redis.Redis, store, owner: str, model):
    serve(state, model)
    ModelRegister(state).unregister("host-1-abc", [model.about])
    assert "no worker serves it" in told("status")


def test_failures_are_listed_by_model_and_code_newest_first(store: PredictionStore, owner: str):
    first = fail(store, owner, ModelFailed("One."))
    second = fail(store, owner, OutOfMemory("Two."))
    other = fail(store, owner, OutOfMemory("Three."), model=ModelReference(name="b", version="2"))
    listed = [json.loads(line) for line in told("failed", "list", "--json").splitlines()]
    assert [each["task_id"] for each in listed] == [other, second, first]
    assert first not in told("failed", "list", "--code", "out_of_memory")
    assert second not in told("failed", "list", "--model", "b@2")


def test_what_failed_is_run_again_once_with_its_input(
    store: PredictionStore, owner: str, state: redis.Redis, model, storage: Storage
):
    serve(state, model)
    reference = ModelReference.parse(model.about.reference)
    key = storage.key("x")
    storage.write(key, b"an input")
    task_id = fail(store, owner, ModelFailed("No."), model=reference, input_key=key)
    gone = fail(
        store, owner, ModelFailed("No."), model=reference, input_key="2026/11/24/gone/input"
    )
    result = inferq("failed", "rerun", "--all")
    assert result.exit_code == 1
    assert f"{gone}  not run again: The input is not in storage any more" in result.output
    again = told("failed", "rerun", task_id).split()[-1]
    assert again in result.output, "asked for twice, it is run again once"
    record = store.get(again)
    assert (record.prediction.state, record.prediction.rerun_of) == (State.QUEUED, task_id)
    assert (record.owner, storage.read(record.input_key)) == (owner, b"an input")


def test_what_failed_is_dropped_and_nothing_else(store: PredictionStore, owner: str):
    waiting = accept(store, owner=owner)
    dropped = fail(store, owner, ModelFailed("No."))
    for words in (["drop"], ["drop", waiting], ["rerun", "nonesuch"]):
        assert isinstance(inferq("failed", *words).exception, SetupError)
    assert store.get(dropped) is not None
    assert dropped in told("failed", "drop", "--all")
    assert store.get(dropped) is None
    assert store.get(waiting) is not None
    assert "Nothing has failed" in told("failed", "list")


def test_a_named_data_directory_counts_more_than_the_server_that_was_started_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.delenv("INFERQ_REDIS_URL")
    LocalServer("http://127.0.0.1:8123", None, str(tmp_path / "last")).write()
    for words in (["status"], ["status", "--data-dir", str(tmp_path)]):
        assert str(tmp_path) in str(inferq(*words).exception)
        assert "last" not in str(inferq(*words).exception)
    monkeypatch.delenv("INFERQ_DATA_DIR")
    assert str(tmp_path / "last") in str(inferq("status").exception)
