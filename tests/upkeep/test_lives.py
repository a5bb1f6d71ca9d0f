"""Predictions whose worker is gone, and those that waited too long."""

import threading

from inferq.predictions.encoding import SCHEMA
from inferq.predictions.record import State
from inferq.storage import Storage
from inferq.upkeep.lives import requeue_of_dead
from inferq.upkeep.loop import Upkeep
from system.served import eventually
from upkeep.conftest import HOUR


def lose_lease(state, task_id: str) -> None:
    state.zadd("inferq:leases", {task_id: 1})


def test_what_a_dead_worker_ran_waits_again(parts, tick, accept, start, state):
    task_id = accept()
    start(task_id)
    tick()
    assert parts.store.get(task_id).prediction.state is State.RUNNING, "its lease runs"
    lose_lease(state, task_id)
    tick()
    prediction = parts.store.get(task_id).prediction
    assert (prediction.state, prediction.attempts) == (State.QUEUED, 1)


def test_what_kills_its_workers_fails_with_words_for_people(
    parts, tick, accept, start, state, celery_result
):
    task_id = accept()
    for _ in range(3):
        start(task_id, alone=True)
        lose_lease(state, task_id)
        tick()
    prediction = parts.store.get(task_id).prediction
    assert prediction.state is State.FAILED
    assert prediction.error.code == "attempts_exhausted"
    assert "started 3 times" in prediction.error.detail
    assert "Celery" not in prediction.error.detail
    assert celery_result(task_id).state == "FAILURE"


def test_what_a_newer_version_made_holds_up_no_repair(parts, tick, accept, start, state):
    newer, task_id = accept(), accept()
    start(newer)
    start(task_id)
    lose_lease(state, newer)
    lose_lease(state, task_id)
    state.hset(f"inferq:prediction:{newer}", "schema", SCHEMA + 1)
    tick()
    assert parts.store.get(task_id).prediction.state is State.QUEUED
    assert state.hget(f"inferq:prediction:{newer}", "state") == "running", "left to that version"


def test_a_storage_that_hangs_does_not_hold_up_repair(parts, accept, start, state, monkeypatch):
    forgotten, running = accept(), accept()
    parts.store.delete(forgotten)
    hangs, back = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        hangs.set()
        back.wait()

    monkeypatch.setattr(Storage, "delete_all", hang)
    upkeep = Upkeep(parts)
    upkeep.start()
    try:
        assert hangs.wait(30)
        start(running)
        lose_lease(state, running)
        eventually(lambda: parts.store.get(running).prediction.state is State.QUEUED)
    finally:
        back.set()
        upkeep.stop()


def test_after_an_outage_every_attempt_gets_time_to_renew(parts, tick, accept, start, state):
    task_id = accept()
    start(task_id)
    lose_lease(state, task_id)
    state.hincrby("inferq:upkeep", "repair", -5_000_000)
    tick()
    assert parts.store.get(task_id).prediction.state is State.RUNNING
    lose_lease(state, task_id)
    tick()
    assert parts.store.get(task_id).prediction.state is State.QUEUED


def test_a_clock_that_was_turned_back_costs_no_attempt(parts, tick, accept, start, state):
    task_id = accept()
    start(task_id)
    lose_lease(state, task_id)
    state.hincrby("inferq:upkeep", "repair", 3_600_000_000)
    tick()
    assert parts.store.get(task_id).prediction.state is State.RUNNING


def test_a_supervisor_that_saw_a_worker_die_need_not_wait_for_leases(parts, accept, start):
    mine, other = accept(), accept()
    start(mine)
    requeue_of_dead(parts, "host-8-")
    assert parts.store.get(mine).prediction.state is State.RUNNING
    requeue_of_dead(parts, "host-7-")
    assert parts.store.get(mine).prediction.state is State.QUEUED
    assert parts.store.get(other).prediction.attempts == 0


def test_what_waited_too_long_fails_and_says_what_to_do(parts, tick, accept, state):
    task_id = accept()
    state.zadd("inferq:deadlines", {task_id: 1})
    tick()
    prediction = parts.store.get(task_id).prediction
    assert (prediction.state, prediction.error.code) == (State.FAILED, "queue_timeout")
    assert "longer than 86400 s" in prediction.error.detail
    assert "Send it again" in prediction.error.detail


def test_of_two_processes_one_is_elected(parts):
    assert parts.repairs.elect("sweep", HOUR) == "elected_after_gap"
    assert parts.repairs.elect("sweep", HOUR) == "wait"
