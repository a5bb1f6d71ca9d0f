"""Deliveries in the state store: lent out fairly, reported on once, given up after a day."""

from datetime import UTC, datetime, timedelta

import pytest

from inferq.predictions.deliveries import (
    ATTEMPTS_KEPT,
    ROOM_OF_OWNER,
    ROOM_OF_OWNER_DOUBTED,
    ROOM_OF_RECEIVER,
    Deliveries,
    DeliveryAttempt,
    DeliveryState,
    Due,
    Report,
)
from predictions.drafts import HOUR, accept, succeed

URL = "https://receiver.example/told"
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def deliveries(state) -> Deliveries:
    return Deliveries(state)


@pytest.fixture
def ended(store):
    """Has predictions end that have a receiver; returns their ids."""

    def make(count: int = 1, url: str = URL, owner: str = "ann") -> list[str]:
        ids = [accept(store, callback_url=url, owner=owner) for _ in range(count)]
        for task_id in ids:
            succeed(store, task_id)
        return ids

    return make


@pytest.fixture
def later(state):
    """Lets time pass for deliveries and receivers."""

    def shift(passed: timedelta) -> None:
        micros = passed // timedelta(microseconds=1)
        for key in state.scan_iter("inferq:webhooks*"):
            for member in state.zrange(key, 0, -1):
                state.zincrby(key, -micros, member)
        for pattern, names in (("webhook", ("created", "gives_up")), ("receiver", ("not_before",))):
            for key in state.scan_iter(f"inferq:{pattern}:*"):
                for name in names:
                    if state.hexists(key, name):
                        state.hincrby(key, name, -micros)

    return shift


def report(deliveries: Deliveries, due: Due, outcome="delivered", **changes):
    status = {"delivered": 200, "gone": 410}.get(outcome, 500)
    attempt = DeliveryAttempt(
        number=due.attempt, started_at=datetime.now(UTC), duration_ms=1.5, status=status
    )
    return deliveries.report(due, Report(outcome, attempt, **changes))


def ids(taken: list[Due]) -> list[str]:
    return [due.task_id for due in taken]


def test_each_end_is_lent_to_one_and_again_if_nothing_is_heard(deliveries, ended, later):
    (task_id,) = ended()
    assert [(due.task_id, due.url, due.owner, due.attempt) for due in deliveries.take()] == [
        (task_id, URL, "ann", 1)
    ]
    assert deliveries.take() == []
    later(timedelta(seconds=61))
    (again,) = deliveries.take()
    assert (again.task_id, again.attempt) == (task_id, 2)
    assert report(deliveries, again) is DeliveryState.DELIVERED
    later(DAY)
    assert deliveries.take() == []


def test_a_report_counts_once_and_an_old_one_cannot_undo_a_newer(deliveries, ended, later):
    (task_id,) = ended()
    (first,) = deliveries.take()
    later(timedelta(seconds=61))
    (second,) = deliveries.take()
    assert report(deliveries, first, "failed", pause=HOUR) is DeliveryState.PENDING
    assert deliveries.get("ann", task_id).next_attempt_at - datetime.now(UTC) < 2 * timedelta(
        minutes=1
    )
    assert report(deliveries, second) is DeliveryState.DELIVERED
    assert report(deliveries, second) is DeliveryState.DELIVERED
    assert report(deliveries, first, "gone") is DeliveryState.DELIVERED
    seen = deliveries.get("ann", task_id)
    assert [(attempt.number, attempt.status) for attempt in seen.attempts] == [(1, 500), (2, 200)]
    assert deliveries.disabled("ann") == {}


def test_what_failed_is_due_after_its_pause(deliveries, ended, later):
    ended()
    (due,) = deliveries.take()
    report(deliveries, due, "failed", pause=10 * SECOND)
    later(9 * SECOND)
    assert deliveries.take() == []
    later(2 * SECOND)
    (due,) = deliveries.take()
    assert due.attempt == 2


def test_after_a_day_it_is_given_up_with_a_last_attempt_at_its_end(deliveries, ended, later):
    (task_id,) = ended()
    (due,) = deliveries.take()
    report(deliveries, due, "failed", pause=30 * HOUR)
    later(DAY - SECOND)
    assert deliveries.take() == []
    later(2 * SECOND)
    (due,) = deliveries.take()
    assert report(deliveries, due, "failed", pause=SECOND) is DeliveryState.GIVEN_UP
    seen = deliveries.get("ann", task_id)
    assert (seen.state, seen.next_attempt_at, seen.attempts_made) == (
        DeliveryState.GIVEN_UP,
        None,
        2,
    )
    assert seen.ended_at is not None
    later(DAY)
    assert deliveries.take() == []


def test_what_waits_behind_a_dead_receiver_is_given_up_without_an_attempt_each(
    deliveries, ended, later
):
    waiting = ended(50)
    (due,) = deliveries.take()
    report(deliveries, due, "failed", pause=HOUR, lull=HOUR)
    later(DAY + SECOND)
    assert deliveries.take() == []
    states = {deliveries.get("ann", task_id).state for task_id in waiting}
    assert states == {DeliveryState.GIVEN_UP}


def test_a_store_that_was_away_for_a_day_still_tries_once(deliveries, ended, later):
    ended()
    later(2 * DAY)
    assert len(deliveries.take()) == 1


def test_410_ends_all_to_this_url_of_this_owner_until_it_is_enabled(deliveries, ended, later):
    first, second = ended(2)
    other_path, other_owner = ended(1, f"{URL}/other")[0], ended(1, owner="bob")[0]
    outcomes = {
        due.task_id: report(deliveries, due, "gone" if due.task_id == first else "delivered")
        for due in deliveries.take()
    }
    assert outcomes[first] is DeliveryState.DISABLED
    later(2 * SECOND)
    while taken := deliveries.take():
        for due in taken:
            assert due.task_id != second
            report(deliveries, due)
        later(2 * SECOND)
    states = {
        task_id: (deliveries.get("ann", task_id) or deliveries.get("bob", task_id)).state
        for task_id in (second, other_path, other_owner)
    }
    assert states == {
        second: DeliveryState.DISABLED,
        other_path: DeliveryState.DELIVERED,
        other_owner: DeliveryState.DELIVERED,
    }
    assert list(deliveries.disabled("ann")) == [URL]
    assert deliveries.redeliver(second) == "disabled"
    assert deliveries.enable("ann", URL)
    assert not deliveries.enable("ann", URL)
    assert deliveries.redeliver(second) == "pending"
    assert ids(deliveries.take()) == [second]


def test_anything_can_be_delivered_again_for_another_day(deliveries, ended, later):
    (task_id,) = ended()
    report(deliveries, *deliveries.take())
    later(3 * DAY)
    assert deliveries.redeliver(task_id) == "pending"
    (due,) = deliveries.take()
    assert due.attempt == 2
    assert report(deliveries, due, "failed", pause=SECOND) is DeliveryState.PENDING
    assert deliveries.redeliver("nonesuch") == "gone"


def test_a_receiver_shows_with_one_what_it_can_take(deliveries, ended, later):
    ended(30)
    (first,) = deliveries.take()
    report(deliveries, first)
    many = deliveries.take()
    assert len(many) == ROOM_OF_RECEIVER
    later(2 * SECOND)
    assert deliveries.take(many) == [], "it has as many as one receiver gets"
    for due in many:
        report(deliveries, due)
    failing, *_ = deliveries.take()
    report(deliveries, failing, "failed", pause=SECOND, lull=10 * SECOND)
    later(5 * SECOND)
    assert deliveries.take() == [], "it is given a rest"
    later(6 * SECOND)
    (probe,) = deliveries.take()
    assert probe.failures == 1


def test_receivers_that_hang_leave_room_for_those_that_answer(deliveries, ended, later):
    report(
        deliveries, *[due for _ in ended(1, "https://good.example/") for due in deliveries.take()]
    )
    for number in range(50):
        ended(3, f"https://hangs-{number}.example/")
    hanging = deliveries.take()
    assert len(hanging) == ROOM_OF_OWNER_DOUBTED
    assert len({due.lane for due in hanging}) == len(hanging), "one of each"
    (good,) = ended(1, "https://good.example/")
    (bobs,) = ended(1, "https://bobs.example/", "bob")
    assert set(ids(deliveries.take(hanging))) == {good, bobs}
    assert deliveries.take(hanging, limit=0) == []


def test_no_owner_takes_all_the_room(deliveries, ended):
    urls = [f"https://good-{number}.example/" for number in range(8)]
    for url in urls:
        ended(1, url)
    for due in deliveries.take():
        report(deliveries, due)
    for url in urls:
        ended(10, url)
    taken = deliveries.take()
    assert len(taken) == ROOM_OF_OWNER
    assert len(deliveries.take(limit=3)) == 3, "another process has room of its own"


def test_deleting_a_prediction_drops_its_delivery(deliveries, store, ended, state):
    (task_id,) = ended()
    (lent,) = ended()
    deliveries.take(limit=1)
    for one in (task_id, lent):
        store.delete(one)
    assert deliveries.take() == []
    due = Due(lent, "ann", "ann https://receiver.example", URL, 1, proven=False, failures=0)
    assert report(deliveries, due) is None
    left = list(state.scan_iter("inferq:*webhook*"))
    assert left == []
    assert deliveries.page("ann", None, limit=10) == ([], None)


def test_the_log_is_read_in_pages_newest_first_and_by_state(deliveries, ended):
    made = ended(5)
    ended(1, owner="bob")
    report(deliveries, deliveries.take(limit=1)[0])
    first, after = deliveries.page("ann", None, limit=3)
    rest, end = deliveries.page("ann", None, limit=3, after=after)
    assert [one.task_id for one in first + rest] == made[::-1]
    assert end is None
    found, _ = deliveries.page("ann", DeliveryState.DELIVERED, limit=10)
    assert [one.task_id for one in found] == [made[0]]
    assert found[0].webhook_id == f"{made[0]}_succeeded"
    assert deliveries.get("bob", made[0]) is None


def test_the_log_of_a_delivery_keeps_the_last_attempts(deliveries, ended, later):
    (task_id,) = ended()
    for _ in range(ATTEMPTS_KEPT + 3):
        report(deliveries, *deliveries.take(), "failed", pause=SECOND)
        later(2 * SECOND)
    seen = deliveries.get("ann", task_id)
    assert seen.attempts_made == ATTEMPTS_KEPT + 3
    assert [attempt.number for attempt in seen.attempts] == list(range(4, ATTEMPTS_KEPT + 4))


def test_a_secret_is_made_once_and_two_are_valid_after_a_rotation(deliveries, state):
    assert deliveries.secrets("ann", "first").valid() == ["first"]
    assert deliveries.secrets("ann", "other").valid() == ["first"]
    assert deliveries.secrets("bob", "bobs").valid() == ["bobs"]
    rotated = deliveries.rotate("ann", "second", overlap=HOUR)
    assert rotated.valid() == ["second", "first"]
    assert deliveries.rotate("ann", "second", overlap=HOUR) == rotated, (
        "a lost answer costs nothing"
    )
    assert rotated.previous_valid_until - datetime.now(UTC) <= HOUR
    state.hincrby("inferq:webhook-secret:ann", "valid_until", -3_600_000_000)
    assert deliveries.secrets("ann", "third").valid() == ["second"]
    assert deliveries.rotate("ann", "third", overlap=timedelta(0)).valid() == ["third"]
