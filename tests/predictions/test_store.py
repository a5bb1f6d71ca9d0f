"""Each script of the life cycle on a real Valkey: what it writes, and that a lost reply costs nothing."""

import threading
import time
from datetime import timedelta

import pytest
import redis
from celery.exceptions import TaskRevokedError

from inferq.errors import (
    AttemptsExhausted,
    QueueFull,
    RecordTooNew,
    StateUnavailable,
    TooManyInFlight,
)
from inferq.predictions.encoding import SCHEMA
from inferq.predictions.record import (
    Attempt,
    DetectionsResult,
    Problem,
    State,
)
from inferq.predictions.store import LEASE, Limits, Outcome, Policy, PredictionStore
from inferq.state import connect
from predictions.drafts import HOUR, MODEL, accept, draft, start, succeed
from system.served import eventually

POLICY = Policy(max_attempts=3, retention=HOUR)
PROBLEM = Problem(type="t", title="T", status=500, detail="d", code="attempts_exhausted")
SUCCESS = Outcome(
    State.SUCCEEDED, result=DetectionsResult(detections=()), timings_ms={"inference": 20.5}
)


@pytest.fixture
def queued(store: PredictionStore) -> str:
    """The task id of an accepted prediction."""
    return store.accept(draft()).record.task_id


def claimed(store: PredictionStore, task_id: str, **options: object) -> str:
    """What a claim under a new token is told."""
    return store.claim(Attempt.new(task_id, "w2"), max_attempts=3, **options).outcome


def lose_lease(state: redis.Redis, task_id: str) -> None:
    """As if its worker had not renewed it for a while."""
    state.zadd("inferq:leases", {task_id: 1})


def pass_deadline(state: redis.Redis, task_id: str) -> None:
    """As if it had waited for a long time."""
    state.zadd("inferq:deadlines", {task_id: 1})


def indexes(state: redis.Redis, task_id: str) -> set[str]:
    """Names of all sorted sets that hold a prediction."""
    keys = state.scan_iter("inferq:*", _type="zset")
    return {key.removeprefix("inferq:") for key in keys if state.zscore(key, task_id) is not None}


def ended(state: str) -> set[str]:
    """The indexes of what has ended in a state."""
    return {"owned:ann", "model:ann:net@1", f"ended:ann:{state}", "expiry"}


def events(state: redis.Redis) -> list[tuple[str, str]]:
    return [(fields["id"], fields["state"]) for _, fields in state.xrange("inferq:events")]


def test_what_was_accepted_is_read_back_whole(store: PredictionStore):
    given = draft(batch="holiday")
    record = store.accept(given).record
    assert store.get(given.task_id) == record
    prediction = record.prediction
    assert prediction.state is State.QUEUED
    assert prediction.attempts == 0
    assert (prediction.model, prediction.input, prediction.batch) == (MODEL, given.input, "holiday")
    assert prediction.parameters == given.parameters
    assert prediction.metadata == given.metadata
    assert (record.owner, record.input_key) == ("ann", given.input_key)


def test_accepting_twice_after_a_lost_reply_makes_one_record(store: PredictionStore, state):
    given = draft()
    first, again = store.accept(given), store.accept(given)
    assert first == again
    assert len(events(state)) == 1
    assert state.zcard("inferq:queued:net@1") == 1


def test_an_idempotency_key_belongs_to_its_owner_and_its_content(store: PredictionStore):
    first = store.accept(draft(idempotency_key="k", fingerprint="f"))
    replay = store.accept(draft(idempotency_key="k", fingerprint="f"))
    assert (replay.outcome, replay.record.task_id) == ("replayed", first.record.task_id)
    assert store.accept(draft(idempotency_key="k", fingerprint="g")).outcome == "key_reused"
    assert (
        store.accept(draft(idempotency_key="k", fingerprint="g", owner="bob")).outcome == "accepted"
    )


def test_a_claim_starts_the_first_attempt_under_a_lease(store: PredictionStore, state, queued: str):
    claim = store.claim(Attempt.new(queued, "w1"), max_attempts=3)
    prediction = claim.record.prediction
    assert prediction.state is State.RUNNING
    assert prediction.attempts == 1
    assert prediction.started_at >= prediction.created_at
    seconds, micros = state.time()
    left = state.zscore("inferq:leases", queued) / 1e6 - (seconds + micros / 1e6)
    assert 0 < left <= LEASE.total_seconds()


def test_one_of_many_claims_wins_and_a_repeated_one_is_told_so_again(
    store: PredictionStore, queued: str
):
    winner = start(store, queued)
    assert claimed(store, queued) == "leased"
    again = store.claim(winner, max_attempts=3)
    assert (again.outcome, again.record.prediction.attempts) == ("claimed", 1)


def test_there_is_nothing_to_claim_of_an_unknown_or_finished_prediction(
    store: PredictionStore, queued: str
):
    assert claimed(store, "nonesuch") == "gone"
    store.finish(start(store, queued), SUCCESS, retention=HOUR)
    assert claimed(store, queued) == "finished"


def test_finishing_writes_result_times_and_expiry(store: PredictionStore, queued: str):
    assert store.finish(start(store, queued), SUCCESS, retention=HOUR)
    prediction = store.get(queued).prediction
    assert prediction.state is State.SUCCEEDED
    assert prediction.result == SUCCESS.result
    assert prediction.expires_at - prediction.finished_at == HOUR
    assert prediction.timings_ms["inference"] == 20.5
    assert prediction.timings_ms["total"] >= prediction.timings_ms["queued"] >= 0


def test_a_failure_keeps_its_problem(store: PredictionStore, queued: str):
    problem = Problem(type="t", title="T", status=500, detail="d", code="model_failed")
    store.finish(start(store, queued), Outcome(State.FAILED, error=problem), retention=HOUR)
    prediction = store.get(queued).prediction
    assert (prediction.state, prediction.error, prediction.result) == (State.FAILED, problem, None)


def test_celery_clients_see_each_outcome_as_celery_tells_it_until_it_is_deleted(
    store: PredictionStore, state, celery_result
):
    succeeded, failed, canceled = (accept(store) for _ in range(3))
    succeed(store, succeeded, ["dog"])
    outcome = Outcome(State.FAILED, error=PROBLEM)
    assert store.finish(start(store, failed), outcome, retention=HOUR)
    store.cancel(canceled, retention=HOUR)
    (dog,) = celery_result(succeeded).get(timeout=5)["detections"]
    assert dog["label"] == "dog"
    with pytest.raises(AttemptsExhausted, match=PROBLEM.detail):
        celery_result(failed).get(timeout=5)
    with pytest.raises(TaskRevokedError):
        celery_result(canceled).get(timeout=5)
    assert 0 < state.pttl(f"celery-task-meta-{succeeded}") <= HOUR.total_seconds() * 1e3
    store.delete(succeeded)
    assert celery_result(succeeded).state == "PENDING"


def test_a_celery_client_that_waits_is_woken_by_the_end(
    store: PredictionStore, state, queued: str, celery_result
):
    got = []
    waiting = threading.Thread(target=lambda: got.append(celery_result(queued).get(timeout=20)))
    waiting.start()
    channel = f"celery-task-meta-{queued}"
    eventually(lambda: state.pubsub_numsub(channel)[0][1])
    succeed(store, queued, ["dog"])
    waiting.join(20)
    assert got[0]["kind"] == "detections"


def test_the_first_terminal_state_is_final(store: PredictionStore, state, queued: str):
    attempt = start(store, queued)
    assert store.finish(attempt, SUCCESS, retention=HOUR)
    assert store.finish(attempt, SUCCESS, retention=HOUR), "a repeated call is told the same"
    problem = Problem(type="t", title="T", status=500, detail="d", code="model_failed")
    assert not store.finish(attempt, Outcome(State.FAILED, error=problem), retention=HOUR)
    assert not store.finish(Attempt.new(queued, "w2"), SUCCESS, retention=HOUR)
    assert store.get(queued).prediction.state is State.SUCCEEDED
    assert [state for _, state in events(state)] == ["queued", "running", "succeeded"]


def test_an_attempt_with_another_token_is_fenced_off(store: PredictionStore, queued: str):
    start(store, queued)
    assert not store.finish(Attempt.new(queued, "w2"), SUCCESS, retention=HOUR)
    assert store.get(queued).prediction.state is State.RUNNING


def test_renewing_tells_which_attempts_are_lost(store: PredictionStore, state, queued: str):
    attempt = start(store, queued)
    lose_lease(state, queued)
    assert store.renew([attempt, Attempt.new("nonesuch", "w1")]) == {"nonesuch"}
    assert state.zscore("inferq:leases", queued) > 1, "lapsed, but nobody requeued it"
    assert store.renew([Attempt.new(queued, "w2")]) == {queued}


def test_released_it_waits_again_as_if_it_had_never_been_started(
    store: PredictionStore, state, queued: str
):
    attempt = start(store, queued)
    assert store.release(attempt)
    assert store.release(attempt), "a repeated call is told the same"
    prediction = store.get(queued).prediction
    assert (prediction.state, prediction.attempts) == (State.QUEUED, 0)
    assert indexes(state, queued) == {
        "queued:net@1+again", "outbox", "deadlines", "owned:ann", "model:ann:net@1",
        "unfinished:ann",
    }  # fmt: skip
    assert not store.finish(attempt, SUCCESS, retention=HOUR), "it gave its lease up"
    assert claimed(store, queued) == "claimed"


def test_released_with_a_delay_it_is_not_started_before(store: PredictionStore, state, queued: str):
    store.release(start(store, queued), delay=HOUR)
    assert claimed(store, queued) == "too_early"
    state.hset(f"inferq:prediction:{queued}", "not_before", 1)
    assert claimed(store, queued) == "claimed"


def test_what_a_newer_version_made_is_left_to_workers_that_know_its_form(
    store: PredictionStore, state, queued: str
):
    state.hset(f"inferq:prediction:{queued}", "schema", SCHEMA + 1)
    assert claimed(store, queued) == "newer"
    with pytest.raises(RecordTooNew) as told:
        store.get(queued)
    assert told.value.retry_after
    state.hdel(f"inferq:prediction:{queued}", "schema")
    assert claimed(store, queued) == "claimed", "from before records said which form they have"


def test_a_late_copy_of_a_claim_starts_nothing(store: PredictionStore, queued: str):
    attempt = start(store, queued)
    store.release(attempt)
    assert store.claim(attempt, max_attempts=3).outcome == "leased"
    assert store.get(queued).prediction.state is State.QUEUED


def test_a_lapsed_attempt_is_requeued_and_the_next_one_runs_alone(
    store: PredictionStore, state, queued: str
):
    attempt = start(store, queued)
    record = store.get(queued)
    assert store.requeue(record, PROBLEM, policy=POLICY) == "held", "its lease runs"
    lose_lease(state, queued)
    assert store.requeue(record, PROBLEM, policy=POLICY) == "requeued"
    assert store.requeue(record, PROBLEM, policy=POLICY) == "requeued", "repeated"
    assert store.get(queued).prediction.attempts == 1
    assert not store.finish(attempt, SUCCESS, retention=HOUR), "the late result is fenced off"
    assert claimed(store, queued) == "needs_alone"
    assert store.finish(start(store, queued, alone=True), SUCCESS, retention=HOUR)


def test_whose_worker_is_known_to_be_dead_needs_no_lapse(store: PredictionStore, queued: str):
    start(store, queued)
    assert store.requeue(store.get(queued), PROBLEM, policy=POLICY, dead=True) == "requeued"


def test_after_its_last_attempt_it_fails(store: PredictionStore, state, queued: str):
    for _ in range(POLICY.max_attempts):
        assert store.get(queued).prediction.state is State.QUEUED
        start(store, queued, alone=True)
        outcome = store.requeue(store.get(queued), PROBLEM, policy=POLICY, dead=True)
    assert outcome == "failed"
    prediction = store.get(queued).prediction
    assert (prediction.state, prediction.attempts, prediction.error) == (State.FAILED, 3, PROBLEM)
    assert indexes(state, queued) == ended("failed")


def test_what_has_waited_too_long_is_not_started_but_failed(
    store: PredictionStore, state, queued: str
):
    assert not store.fail(queued, PROBLEM, policy=POLICY), "it may still be started"
    pass_deadline(state, queued)
    assert claimed(store, queued) == "overdue"
    assert store.fail(queued, PROBLEM, policy=POLICY)
    assert store.get(queued).prediction.error == PROBLEM
    assert claimed(store, queued) == "finished"


def test_a_running_prediction_is_never_overdue(store: PredictionStore, queued: str):
    start(store, queued)
    assert not store.fail(queued, PROBLEM, policy=POLICY)


def test_the_queue_timeout_counts_all_time_that_it_did_not_run(state):
    store = PredictionStore(state, Limits(queue_timeout=timedelta(seconds=100)))
    task_id = store.accept(draft()).record.task_id
    key = f"inferq:prediction:{task_id}"
    state.hincrby(key, "queued", -40_000_000)
    store.release(start(store, task_id))
    left = state.zscore("inferq:deadlines", task_id) - int(state.hget(key, "queued"))
    assert left / 1e6 == pytest.approx(60, abs=1)


def test_start_within_ends_the_wait_earlier_but_only_before_the_first_start(
    store: PredictionStore, state
):
    task_id = store.accept(draft(start_within=timedelta(seconds=5))).record.task_id
    created = int(state.hget(f"inferq:prediction:{task_id}", "created"))
    assert state.zscore("inferq:deadlines", task_id) - created == 5_000_000
    start(store, task_id)
    store.requeue(store.get(task_id), PROBLEM, policy=POLICY, dead=True)
    assert state.zscore("inferq:deadlines", task_id) - created > 1e9


def test_cancelling_works_at_once_and_fences_the_late_result_off(
    store: PredictionStore, state, queued: str
):
    attempt = start(store, queued)
    assert store.cancel(queued, retention=HOUR) is State.CANCELED
    assert store.cancel(queued, retention=HOUR) is State.CANCELED, "repeated"
    assert not store.finish(attempt, SUCCESS, retention=HOUR)
    assert store.renew([attempt]) == {queued}
    assert indexes(state, queued) == ended("canceled")
    assert store.cancel("nonesuch", retention=HOUR) is None


def test_what_has_ended_is_not_cancelled(store: PredictionStore, queued: str):
    store.finish(start(store, queued), SUCCESS, retention=HOUR)
    assert store.cancel(queued, retention=HOUR) is State.SUCCEEDED


@pytest.mark.parametrize("stage", ["queued", "running", "finished"])
def test_deleted_in_any_state_nothing_is_left_but_its_blobs_to_remove(
    store: PredictionStore, state, stage: str
):
    record = store.accept(draft(batch="holiday", idempotency_key="k")).record
    if stage != "queued":
        attempt = start(store, record.task_id)
    if stage == "finished":
        store.finish(attempt, SUCCESS, retention=HOUR)
    assert store.delete(record.task_id)
    assert not store.delete(record.task_id)
    assert store.get(record.task_id) is None
    assert events(state)[-1] == (record.task_id, "deleted")
    (garbage,) = state.zrange("inferq:garbage", 0, -1)
    assert garbage == f"{record.task_id} {record.input_key}"
    leftovers = set(state.scan_iter("inferq:*"))
    assert leftovers - {"inferq:drain:net@1"} == {
        "inferq:events", "inferq:sequence", "inferq:garbage",
    }  # fmt: skip
    if stage == "running":
        assert not store.finish(attempt, SUCCESS, retention=HOUR)
        assert state.zscore("inferq:garbage", garbage) > time.time() * 1e6 + 4e6


def test_no_more_is_accepted_than_a_deployment_or_an_owner_may_have(state):
    store = PredictionStore(state, Limits(max_queued=3, max_in_flight=2))
    running = store.accept(draft()).record.task_id
    store.accept(draft())
    with pytest.raises(TooManyInFlight) as caught:
        store.accept(draft())
    assert caught.value.retry_after >= 1
    store.accept(draft(owner="bob"))
    with pytest.raises(QueueFull, match="3 predictions wait"):
        store.accept(draft(owner="eve"))
    attempt = start(store, running)
    store.accept(draft(owner="eve"))
    store.finish(attempt, SUCCESS, retention=HOUR)
    assert state.zcard("inferq:unfinished:ann") == 1


def test_nothing_is_left_in_the_indexes_of_what_waits_or_runs(
    store: PredictionStore, state, queued: str
):
    store.finish(start(store, queued), SUCCESS, retention=HOUR)
    assert indexes(state, queued) == ended("succeeded")


def test_a_full_store_takes_nothing_new_but_finishes_what_it_holds(
    store: PredictionStore, state, queued: str
):
    limit = state.config_get("maxmemory")["maxmemory"]
    state.config_set("maxmemory", 1)
    try:
        with pytest.raises(StateUnavailable, match="full"):
            store.accept(draft())
        assert store.memory_used() > 1
        assert store.finish(start(store, queued), SUCCESS, retention=HOUR)
        assert store.delete(queued)
    finally:
        state.config_set("maxmemory", limit)


def test_a_store_that_is_away_is_said_so():
    away = PredictionStore(connect("redis://127.0.0.1:1/0"))
    with pytest.raises(StateUnavailable) as caught:
        away.get("x")
    assert caught.value.retry_after
