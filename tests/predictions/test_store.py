"""Each script of the life cycle on a real Valkey: what it writes, and that a lost reply costs nothing."""

import dataclasses
from datetime import timedelta

import pytest
import redis

from inferq.errors import StateUnavailable
from inferq.predictions.record import (
    DetectionsResult,
    Draft,
    Input,
    ModelReference,
    Problem,
    State,
    new_task_id,
    new_token,
)
from inferq.predictions.store import LEASE, Outcome, PredictionStore
from inferq.state import connect

MODEL = ModelReference(name="net", version="1")
HOUR = timedelta(hours=1)
SUCCESS = Outcome(
    State.SUCCEEDED, result=DetectionsResult(detections=()), timings_ms={"inference": 20.5}
)


def draft(**changes: object) -> Draft:
    """A draft of one prediction."""
    whole = Draft(
        task_id=new_task_id(),
        owner="ann",
        model=MODEL,
        input=Input(media_type="image/png", width=4, height=3, bytes=70, sha256="0" * 64),
        input_key="2026/11/24/x/input",
        parameters={"score_threshold": 0.25, "classes": None},
        metadata={"nested": {"empty": [], "float": 0.1}},
    )
    return dataclasses.replace(whole, **changes)


@pytest.fixture
def queued(store: PredictionStore) -> str:
    """The task id of an accepted prediction."""
    return store.accept(draft()).record.task_id


def started(store: PredictionStore, task_id: str) -> str:
    """Claims a prediction; returns the token."""
    token = new_token()
    assert store.claim(task_id, token, max_attempts=3).outcome == "claimed"
    return token


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
    assert store.ahead(first.record) == 0


def test_an_idempotency_key_belongs_to_its_owner_and_its_content(store: PredictionStore):
    first = store.accept(draft(idempotency_key="k", fingerprint="f"))
    replay = store.accept(draft(idempotency_key="k", fingerprint="f"))
    assert (replay.outcome, replay.record.task_id) == ("replayed", first.record.task_id)
    assert store.accept(draft(idempotency_key="k", fingerprint="g")).outcome == "key_reused"
    assert (
        store.accept(draft(idempotency_key="k", fingerprint="g", owner="bob")).outcome == "accepted"
    )


def test_a_claim_starts_the_first_attempt_under_a_lease(store: PredictionStore, state, queued: str):
    claim = store.claim(queued, new_token(), max_attempts=3)
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
    winner, loser = new_token(), new_token()
    assert store.claim(queued, winner, max_attempts=3).outcome == "claimed"
    assert store.claim(queued, loser, max_attempts=3).outcome == "leased"
    again = store.claim(queued, winner, max_attempts=3)
    assert (again.outcome, again.record.prediction.attempts) == ("claimed", 1)


def test_there_is_nothing_to_claim_of_an_unknown_or_finished_prediction(
    store: PredictionStore, queued: str
):
    assert store.claim("nonesuch", new_token(), max_attempts=3).outcome == "gone"
    store.finish(queued, started(store, queued), SUCCESS, retention=HOUR)
    assert store.claim(queued, new_token(), max_attempts=3).outcome == "finished"


def test_finishing_writes_result_times_and_expiry(store: PredictionStore, queued: str):
    assert store.finish(queued, started(store, queued), SUCCESS, retention=HOUR)
    prediction = store.get(queued).prediction
    assert prediction.state is State.SUCCEEDED
    assert prediction.result == SUCCESS.result
    assert prediction.expires_at - prediction.finished_at == HOUR
    assert prediction.timings_ms["inference"] == 20.5
    assert prediction.timings_ms["total"] >= prediction.timings_ms["queued"] >= 0


def test_a_failure_keeps_its_problem(store: PredictionStore, queued: str):
    problem = Problem(type="t", title="T", status=500, detail="d", code="model_failed")
    store.finish(
        queued, started(store, queued), Outcome(State.FAILED, error=problem), retention=HOUR
    )
    prediction = store.get(queued).prediction
    assert (prediction.state, prediction.error, prediction.result) == (State.FAILED, problem, None)


def test_the_first_terminal_state_is_final(store: PredictionStore, state, queued: str):
    token = started(store, queued)
    assert store.finish(queued, token, SUCCESS, retention=HOUR)
    assert store.finish(queued, token, SUCCESS, retention=HOUR), "a repeated call is told the same"
    problem = Problem(type="t", title="T", status=500, detail="d", code="model_failed")
    assert not store.finish(queued, token, Outcome(State.FAILED, error=problem), retention=HOUR)
    assert not store.finish(queued, new_token(), SUCCESS, retention=HOUR)
    assert store.get(queued).prediction.state is State.SUCCEEDED
    assert [state for _, state in events(state)] == ["queued", "running", "succeeded"]


def test_an_attempt_with_another_token_is_fenced_off(store: PredictionStore, queued: str):
    started(store, queued)
    assert not store.finish(queued, new_token(), SUCCESS, retention=HOUR)
    assert store.get(queued).prediction.state is State.RUNNING


def test_renewing_tells_which_attempts_are_lost(store: PredictionStore, state, queued: str):
    token = started(store, queued)
    before = state.zscore("inferq:leases", queued)
    assert store.renew({queued: token, "nonesuch": "t"}) == {"nonesuch"}
    assert state.zscore("inferq:leases", queued) > before
    assert store.renew({queued: new_token()}) == {queued}


def test_places_in_the_queue_follow_the_order_of_acceptance(store: PredictionStore):
    records = [store.accept(draft()).record for _ in range(4)]
    other = store.accept(draft(model=ModelReference(name="other", version="1"))).record
    assert [store.ahead(record) for record in records] == [0, 1, 2, 3]
    assert store.ahead(other) == 0
    started(store, records[0].task_id)
    assert store.ahead(records[3]) == 2


def test_what_is_published_or_running_is_out_of_the_outbox(store: PredictionStore, state):
    first, second, third = (store.accept(draft()).record.task_id for _ in range(3))
    store.mark_published([first])
    started(store, second)
    assert state.zrange("inferq:outbox", 0, -1) == [third]


def test_the_mean_time_of_an_attempt_is_learned(store: PredictionStore, queued: str):
    assert store.mean_service_seconds(MODEL) is None
    store.finish(queued, started(store, queued), SUCCESS, retention=HOUR)
    assert 0 < store.mean_service_seconds(MODEL) < 1


def test_nothing_is_left_in_the_indexes_of_what_waits_or_runs(
    store: PredictionStore, state, queued: str
):
    store.finish(queued, started(store, queued), SUCCESS, retention=HOUR)
    for key in ("inferq:queued:net@1", "inferq:leases", "inferq:outbox"):
        assert state.zrange(key, 0, -1) == []
    assert state.zrange("inferq:expiry", 0, -1) == [queued]


def test_a_store_that_is_away_is_said_so():
    away = PredictionStore(connect("redis://127.0.0.1:1/0"))
    with pytest.raises(StateUnavailable) as caught:
        away.get("x")
    assert caught.value.retry_after
