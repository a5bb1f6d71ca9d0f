"""What a worker says of itself, and how it notices that it takes no messages."""

import pytest

from inferq.predictions.record import Attempt, Draft, Input, ModelReference, new_task_id
from inferq.predictions.repairs import Message
from inferq.upkeep.parts import Parts
from inferq.worker import liveness
from inferq.worker.heartbeat import STALLED_BEATS, Heartbeat
from inferq.worker.liveness import BeatFile
from inferq.worker.slots import Slots

MODEL = ModelReference(name="ssdlite-mobilenet-v2-coco", version="1")


@pytest.fixture
def parts(settings, register) -> Parts:
    return Parts.create(settings)


@pytest.fixture
def slots() -> Slots:
    return Slots(2)


@pytest.fixture
def heartbeat(parts: Parts, slots: Slots, model, monkeypatch, tmp_path) -> Heartbeat:
    monkeypatch.setattr(liveness, "beat_folder", lambda: tmp_path / "beats")
    cards = [model.about]
    return Heartbeat("w1", slots, cards, parts=parts, file=BeatFile())


@pytest.fixture
def waiting(parts: Parts, state) -> str:
    """A prediction whose message has been with the broker for a while."""
    draft = Draft(
        task_id=new_task_id(),
        owner="ann",
        model=MODEL,
        input=Input(media_type="image/png", bytes=1, sha256="0"),
        input_key="k",
        parameters={},
        metadata={},
    )
    parts.store.accept(draft)
    parts.repairs.published(Message(draft.task_id, MODEL))
    state.hincrby(f"inferq:prediction:{draft.task_id}", "published", -5_000_000)
    return draft.task_id


def test_each_beat_renews_leases_and_reports_free_slots(
    heartbeat: Heartbeat, parts: Parts, slots: Slots, state, waiting: str
):
    attempt = Attempt.new(waiting, "w1")
    parts.store.claim(attempt, max_attempts=3)
    state.zadd("inferq:leases", {waiting: 1})
    heartbeat.beat()
    state.zadd("inferq:leases", {waiting: 1})
    with slots.busy(), slots.holding(attempt):
        heartbeat.beat()
    assert state.zscore("inferq:leases", waiting) > 1
    assert state.hmget("inferq:worker:w1", "slots", "free") == ["2", "1"]


def test_a_slot_counts_as_free_only_while_one_connection_holds(heartbeat: Heartbeat, state):
    first, second = object(), object()
    reported = []
    for connection in (first, first, None, second, second):
        heartbeat.connection = lambda connection=connection: connection
        heartbeat.beat()
        reported.append(state.hget("inferq:worker:w1", "free"))
    assert reported == ["0", "2", "0", "0", "2"]


def test_a_worker_that_work_does_not_reach_is_found_out(heartbeat: Heartbeat, waiting: str):
    heartbeat.beat()
    for _ in range(STALLED_BEATS):
        assert BeatFile().trouble() is None
        heartbeat.beat()
    heartbeat.beat()
    assert "do not reach it" in BeatFile().trouble()


def test_one_message_proves_that_it_consumes(heartbeat: Heartbeat, slots: Slots, waiting: str):
    heartbeat.beat()
    for _ in range(STALLED_BEATS - 1):
        heartbeat.beat()
    with slots.busy():
        pass
    for _ in range(STALLED_BEATS):
        heartbeat.beat()
    assert BeatFile().trouble() is None


@pytest.mark.parametrize("why", ["nothing waits", "all slots are taken", "the broker is away"])
def test_there_are_good_reasons_to_receive_nothing(
    heartbeat: Heartbeat, parts: Parts, slots: Slots, waiting: str, why: str
):
    if why == "nothing waits":
        parts.store.delete(waiting)
    if why == "the broker is away":
        parts.publisher._reachable = False
    with slots.busy(), slots.busy():
        heartbeat.beat()
        if why != "all slots are taken":
            heartbeat._slots = Slots(2)
        for _ in range(STALLED_BEATS + 1):
            heartbeat.beat()
    assert BeatFile().trouble() is None


def test_a_worker_that_drains_is_not_counted_any_more(heartbeat: Heartbeat, parts: Parts):
    heartbeat.beat()
    assert parts.register.serving(str(MODEL)).workers == 2
    heartbeat.drain()
    heartbeat.beat()
    assert parts.register.serving(str(MODEL)).workers == 1
