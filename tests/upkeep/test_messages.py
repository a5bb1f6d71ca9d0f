"""Messages: published again when they are lost, and only then."""

import pytest

from inferq.models.register import ModelRegister, RegisteredCard
from inferq.predictions.repairs import Message
from upkeep.conftest import HOUR, MODEL


@pytest.fixture
def publish(parts):
    """As the publisher does once the broker took a message."""

    def mark(task_id: str, number: int = 1) -> None:
        parts.repairs.published(Message(task_id, MODEL, number))

    return mark


@pytest.fixture
def later(state):
    """Lets time pass for what was published."""

    def pass_seconds(seconds: float) -> None:
        for key in state.scan_iter("inferq:prediction:*"):
            if state.hexists(key, "published"):
                state.hincrby(key, "published", -int(seconds * 1e6))

    return pass_seconds


@pytest.fixture
def worker(state, parts):
    """A worker that reports free slots of its two."""
    card = RegisteredCard(
        name="net", version="1", kind="object-detection", description="", license="MIT",
        input_kind="image", labels={}, parameters={}, source={}, measured={},
    )  # fmt: skip

    def report(free: int) -> None:
        ModelRegister(state).register("w1", slots=2, free=free, cards=[card])

    return report


def missing(parts) -> list[str]:
    """What is found missing, on the second of two looks."""
    parts.repairs.find_missing("net@1", 100)
    parts.repairs.find_missing("net@1", 100)
    return [message.task_id for message in parts.repairs.take_outbox(100)]


def test_what_was_not_published_within_two_seconds_is_due(parts, accept, state):
    task_id = accept()
    assert parts.repairs.take_outbox(10) == []
    state.zincrby("inferq:outbox", -2_100_000, task_id)
    assert parts.repairs.take_outbox(10) == [Message(task_id, MODEL, 1)]
    assert parts.repairs.take_outbox(10) == [], "it is lent out"
    state.zincrby("inferq:outbox", -5_100_000, task_id)
    assert parts.repairs.take_outbox(10) == [Message(task_id, MODEL, 1)], "and was not published"


def test_a_long_queue_behind_busy_workers_is_not_published_again(
    parts, accept, publish, later, start, worker
):
    ids = [accept() for _ in range(20)]
    for task_id in ids:
        publish(task_id)
    start(ids[0], publish=1)
    start(ids[1], publish=1)
    later(120)
    worker(free=0)
    assert missing(parts) == []


@pytest.mark.parametrize("free", [0, 2, None])
def test_a_look_costs_the_same_however_many_wait(parts, accept, publish, state, worker, free):
    """Nobody else is answered while it lasts: once a second, with a million that wait."""
    for _ in range(50):
        publish(accept())
    if free is not None:
        worker(free=free)
    before = state.info("commandstats")["cmdstat_hmget"]["calls"]
    parts.repairs.find_missing("net@1", 100)
    assert state.info("commandstats")["cmdstat_hmget"]["calls"] - before < 10


def test_what_was_overtaken_is_lost_and_published_once(
    parts, accept, publish, later, start, worker, state
):
    ids = [accept() for _ in range(5)]
    for task_id in ids:
        publish(task_id)
    worker(free=0)
    start(ids[3], publish=1)
    assert missing(parts) == [], "overtaken this very moment"
    later(1.1)
    parts.repairs.find_missing("net@1", 100)
    assert missing(parts) == ids[:3], "but not the one behind it"
    for task_id in ids[:3]:
        publish(task_id, 2)
    later(10)
    assert missing(parts) == [], "their new messages wait behind the others"
    assert state.hget("inferq:counters", "republished") == "3"


def test_the_second_message_arriving_says_nothing_about_those_between(
    parts, accept, publish, later, start, worker
):
    first, *between = (accept() for _ in range(4))
    publish(first)
    for task_id in between:
        publish(task_id)
    publish(first, 2)
    worker(free=0)
    later(60)
    start(first, publish=1)
    assert missing(parts) == []


def test_the_end_of_a_queue_is_lost_if_workers_have_slots_free(
    parts, accept, publish, later, worker
):
    ids = [accept() for _ in range(5)]
    for task_id in ids:
        publish(task_id)
    worker(free=2)
    assert missing(parts) == [], "just published"
    later(1.1)
    assert missing(parts) == ids[:2], "as many as there are slots"


def test_a_slot_that_was_free_before_the_message_came_proves_nothing(
    parts, accept, publish, later, worker, state
):
    task_id = accept()
    publish(task_id)
    later(5)
    worker(free=2)
    state.hincrby("inferq:worker:w1", "reported", -5_000_000)
    assert missing(parts) == []


def test_without_any_worker_one_message_a_minute_is_published_again(parts, accept, publish, later):
    ids = [accept() for _ in range(3)]
    for task_id in ids:
        publish(task_id)
    later(59)
    assert missing(parts) == []
    later(1.1)
    assert missing(parts) == ids[:1]
    publish(ids[0], 2)
    later(59)
    assert missing(parts) == []
    later(1.1)
    assert missing(parts) == ids[1:2]


def test_each_message_is_waited_for_twice_as_long_as_the_one_before(
    parts, accept, publish, later, worker
):
    task_id = accept()
    publish(task_id)
    for number, pause in ((2, 2), (3, 4), (4, 8)):
        publish(task_id, number)
        later(pause - 0.5)
        worker(free=1)
        assert missing(parts) == []
        later(0.6)
        assert missing(parts) == [task_id]


def test_a_requeued_prediction_gets_a_message_at_once(parts, accept, publish, start, state):
    task_id = accept()
    publish(task_id)
    start(task_id, publish=1)
    state.zadd("inferq:leases", {task_id: 1})
    parts.store.requeue(
        parts.store.get(task_id), parts.store.get(task_id).prediction.error or _problem(),
        policy=parts.policy,
    )  # fmt: skip
    assert parts.repairs.take_outbox(10) == [Message(task_id, MODEL, 2, again=True)]
    publish(task_id, 2)
    assert state.hget("inferq:counters", "republished") is None, "it is no repetition"


def test_released_with_a_delay_its_message_is_due_after_it(parts, accept, start):
    attempt = start(accept())
    parts.store.release(attempt, delay=HOUR)
    assert parts.repairs.take_outbox(10) == []


def _problem():
    from inferq.errors import AttemptsExhausted
    from inferq.predictions.record import Problem

    return Problem.of(AttemptsExhausted("died"))
