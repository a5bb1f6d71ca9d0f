"""Places, rates and loads of the queues."""

from datetime import timedelta

import pytest

from inferq.predictions.queues import Queues
from inferq.predictions.record import ModelReference
from inferq.predictions.store import PredictionStore
from predictions.drafts import MODEL, accept, draft, start, succeed


@pytest.fixture
def queues(state) -> Queues:
    return Queues(state)


def test_places_in_the_queue_follow_the_order_of_acceptance(store: PredictionStore, queues: Queues):
    records = [store.accept(draft()).record for _ in range(4)]
    other = store.accept(draft(model=ModelReference(name="other", version="1"))).record
    assert queues.ahead([*records, other]) == [0, 1, 2, 3, 0]
    start(store, records[0].task_id)
    assert queues.ahead(records[3:]) == [2]


def test_what_was_put_back_starts_before_what_never_was(store: PredictionStore, queues: Queues):
    first, second = accept(store), accept(store)
    assert store.release(start(store, first))
    assert queues.ahead(store.get_many([first, second])) == [0, 1]


def test_the_rate_at_which_the_queue_drains_is_learned(
    store: PredictionStore, queues: Queues, state
):
    assert queues.drain(MODEL).expected_wait(3, slots=2) is None
    ids = [accept(store) for _ in range(3)]
    succeed(store, ids[0])
    drain = queues.drain(MODEL)
    assert (drain.service is not None, drain.interval) == (True, None)
    assert drain.expected_wait(4, slots=2) == pytest.approx(2 * drain.service)
    state.hincrby("inferq:drain:net@1", "last", -200_000)
    succeed(store, ids[1])
    wait = queues.drain(MODEL).expected_wait(4, slots=2)
    assert wait == pytest.approx(0.8, rel=0.1)
    assert queues.drain(MODEL).expected_wait(4, slots=0) is None, "nobody works it off"


def test_the_load_of_a_model_counts_what_waits_and_runs(
    store: PredictionStore, queues: Queues, state
):
    assert queues.load(MODEL).oldest is None
    oldest, _, running = (accept(store) for _ in range(3))
    start(store, running)
    state.hincrby(f"inferq:prediction:{oldest}", "created", -60_000_000)
    load = queues.load(MODEL)
    assert (load.queued, load.running) == (2, 1)
    assert timedelta(seconds=60) <= load.oldest < timedelta(seconds=70)
    store.delete(running)
    assert queues.load(MODEL).running == 0
