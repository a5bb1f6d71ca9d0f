"""What is forgotten, and when."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from inferq.errors import StorageUnavailable
from inferq.predictions.record import DetectionsResult, State
from inferq.predictions.store import Outcome
from inferq.upkeep import retention
from inferq.upkeep.retention import drop_days
from upkeep.conftest import HOUR

DONE = Outcome(State.SUCCEEDED, result=DetectionsResult(detections=()))


@pytest.fixture
def finished(parts, accept, start):
    """Makes a finished prediction; returns its record."""

    def make():
        task_id = accept()
        parts.store.finish(start(task_id), DONE, retention=HOUR)
        return parts.store.get(task_id)

    return make


def blobs(parts) -> list[str]:
    root = parts.settings.data_dir / "storage"
    return [path.as_posix() for path in root.glob("*/*/*/*/*")]


def test_what_expired_goes_with_its_blobs_and_its_celery_copy(
    parts, tick, finished, state, celery_result
):
    old, young = finished(), finished()
    state.zadd("inferq:expiry", {old.task_id: 1})
    tick()
    assert parts.store.get(old.task_id) is None
    assert parts.store.get(young.task_id) is not None
    assert [young.task_id in blob for blob in blobs(parts)] == [True]
    assert celery_result(old.task_id).state == "PENDING"
    assert celery_result(young.task_id).state == "SUCCESS"


def test_however_much_expires_is_forgotten_as_fast_as_it_came(
    parts, tick, finished, state, monkeypatch
):
    monkeypatch.setattr(retention, "BATCH", 3)
    old = [finished().task_id for _ in range(10)]
    state.zadd("inferq:expiry", dict.fromkeys(old, 1))
    tick()
    assert parts.store.get_many(old) == []
    assert (blobs(parts), state.zcard("inferq:garbage")) == ([], 0)


def test_blobs_of_what_was_deleted_while_it_ran_stay_until_its_attempt_is_over(
    parts, tick, accept, start, state
):
    task_id = accept()
    start(task_id)
    parts.store.delete(task_id)
    tick()
    assert len(blobs(parts)) == 1
    (garbage,) = state.zrange("inferq:garbage", 0, -1)
    state.zadd("inferq:garbage", {garbage: 1})
    tick()
    assert blobs(parts) == []
    assert state.zcard("inferq:garbage") == 0


def test_garbage_is_not_forgotten_while_the_storage_is_away(parts, tick, finished, state, tmp_path):
    parts.store.delete(finished().task_id)
    storage = tmp_path / "storage"
    storage.rename(tmp_path / "elsewhere")
    storage.write_text("a file where a folder should be")
    tick()
    assert state.zcard("inferq:garbage") == 1
    storage.unlink()
    (tmp_path / "elsewhere").rename(storage)
    tick()
    assert (state.zcard("inferq:garbage"), blobs(parts)) == (0, [])


def test_blobs_go_side_by_side(parts, tick, finished, state, monkeypatch):
    """A storage at a distance takes long for each: one after another, they would go more slowly than they come."""
    parts.store.delete(finished().task_id, finished().task_id)
    together, remove = threading.Barrier(2), parts.storage.delete_all

    def removed_together(key: str) -> None:
        together.wait(timeout=10)
        remove(key)

    monkeypatch.setattr(parts.storage, "delete_all", removed_together)
    tick()
    assert (state.zcard("inferq:garbage"), blobs(parts)) == (0, [])


def test_of_several_blobs_only_those_that_went_are_forgotten(
    parts, tick, finished, state, monkeypatch
):
    gone, left = finished(), finished()
    parts.store.delete(gone.task_id, left.task_id)
    remove = parts.storage.delete_all

    def fail_for_one(key: str) -> None:
        if key == left.input_key:
            raise StorageUnavailable("Away.", retry_after=2)
        remove(key)

    with monkeypatch.context() as patch:
        patch.setattr(parts.storage, "delete_all", fail_for_one)
        tick()
    (garbage,) = state.zrange("inferq:garbage", 0, -1)
    assert left.input_key in garbage
    tick()
    assert (state.zcard("inferq:garbage"), blobs(parts)) == (0, [])


def test_when_room_runs_out_the_oldest_results_go_but_nothing_unfinished(
    parts, tick, finished, accept, state
):
    waiting, done = accept(), finished()
    state.set("ballast", "x" * 20_000_000)
    limit = state.config_get("maxmemory")["maxmemory"]
    state.config_set("maxmemory", int(state.info("memory")["used_memory"] * 1.2))
    try:
        tick()
    finally:
        state.config_set("maxmemory", limit)
    assert parts.store.get(done.task_id) is None
    assert parts.store.get(waiting) is not None


def test_whole_days_go_once_no_prediction_can_need_them(parts):
    now = datetime.now(UTC)
    life = parts.settings.queue_timeout + parts.policy.retention
    for age in (timedelta(0), life, life + timedelta(days=3)):
        parts.storage.write(f"{now - age:%Y/%m/%d}/x/input", b"1")
    drop_days(parts)
    assert parts.storage.days() == [(now - life).date(), now.date()]
