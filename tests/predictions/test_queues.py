"""Places, rates and loads of the queues."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from inferq.models.register import ModelRegister, RegisteredCard
from inferq.predictions.queues import Queues
from inferq.predictions.record import ModelReference, Record
from inferq.predictions.store import PredictionStore
from predictions.drafts import MODEL, accept, draft, start, succeed

NET = RegisteredCard(
    name="net", version="1", kind="object-detection", description="", license="MIT",
    input_kind="image", labels={}, parameters={}, source={}, measured={},
)  # fmt: skip


@pytest.fixture
def queues(state) -> Queues:
    return Queues(state)


def ahead(queues: Queues, records: Sequence[Record]) -> list[int]:
    return [standing.ahead for standing in queues.places(records)]


def test_places_in_the_queue_follow_the_order_of_acceptance(store: PredictionStore, queues: Queues):
    records = [store.accept(draft()).record for _ in range(4)]
    other = store.accept(draft(model=ModelReference(name="other", version="1"))).record
    assert ahead(queues, [*records, other]) == [0, 1, 2, 3, 0]
    start(store, records[0].task_id)
    assert ahead(queues, records[3:]) == [2]


def test_what_was_put_back_starts_before_what_never_was(store: PredictionStore, queues: Queues):
    first, second = accept(store), accept(store)
    assert store.release(start(store, first))
    assert ahead(queues, store.get_many([first, second])) == [0, 1]


def test_acceptance_tells_the_place_and_who_works_the_queue_off(
    store: PredictionStore, queues: Queues, state
):
    first = store.accept(draft()).standing
    assert (first.ahead, first.workers, first.slots, first.starts_in) == (0, 0, 0, None)
    for worker, slots in (("near", 2), ("far", 3)):
        ModelRegister(state).register(worker, slots=slots, free=0, cards=[NET])
    state.hset("inferq:drain:net@1", mapping={"service": 200_000, "interval": 50_000})
    made = draft()
    acceptance = store.accept(made)
    assert (acceptance.standing.ahead, acceptance.standing.workers) == (1, 2)
    assert (acceptance.standing.slots, acceptance.standing.starts_in) == (5, pytest.approx(0.05))
    assert acceptance.standing == queues.places([acceptance.record])[0]
    ModelRegister(state).register("near", slots=2, free=0, cards=[NET], drained=["net@1"])
    told = queues.places([acceptance.record])[0]
    assert (told.workers, told.slots, told.drained) == (1, 3, 1)
    state.zadd("inferq:serving:net@1", {"far": 1})  # its term is over
    assert queues.places([acceptance.record])[0].workers == 0
    start(store, made.task_id)
    assert store.accept(made).standing is None, "it runs, and stands nowhere"


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
