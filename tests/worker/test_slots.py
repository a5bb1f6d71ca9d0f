"""What a worker reports of itself."""

import threading
from datetime import timedelta

from inferq.predictions.record import Attempt
from inferq.worker.slots import Slots


def test_a_slot_counts_as_free_only_if_it_was_free_all_the_time():
    slots = Slots(2)
    assert slots.report() == (0, 0), "it has just begun"
    assert slots.report() == (2, 0)
    with slots.busy():
        pass
    assert slots.report() == (1, 1), "it was taken for a moment"
    with slots.busy(), slots.busy():
        assert slots.report() == (0, 2)
    assert slots.report() == (0, 0), "both were taken when the interval began"
    assert slots.report() == (2, 0)


def test_only_the_part_that_must_end_is_timed():
    slots, attempt = Slots(1), Attempt.new("x", "w")
    with slots.holding(attempt):
        assert slots.longer_than(timedelta(0)) == []
        with slots.at_work(attempt):
            assert slots.longer_than(timedelta(0)) == [attempt]
            assert slots.longer_than(timedelta(minutes=1)) == []
        assert slots.longer_than(timedelta(0)) == []
        assert slots.held() == [attempt]
    assert slots.held() == []


def test_two_attempts_at_one_prediction_are_told_apart():
    slots = Slots(2)
    first, second = Attempt.new("x", "w"), Attempt.new("x", "w")
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with slots.holding(second):
            entered.set()
            leave.wait(5)

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    entered.wait(5)
    with slots.holding(first):
        assert len(slots.held()) == 2
    assert slots.held() == [second]
    leave.set()
    thread.join(5)


def test_waiting_for_neighbours_is_not_timed():
    slots, attempt = Slots(1), Attempt.new("x", "w")
    with slots.holding(attempt), slots.at_work(attempt) as work:
        work.pause()
        worked = work.seconds
        assert [work.seconds for _ in range(100)] == [worked] * 100
        work.resume()
        assert slots.longer_than(timedelta(seconds=worked)) == [attempt]
