"""When it is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from inferq.predictions.deliveries import DeliveryAttempt, Due
from inferq.webhooks.answer import Answer
from inferq.webhooks.schedule import judge, retry_after

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
ATTEMPT = DeliveryAttempt(number=1, started_at=NOW, duration_ms=1)


def verdict(answer: Answer | None, *, attempt: int = 1, failures: int = 0):
    due = Due("id", "ann", "ann https://a", "https://a/", attempt, proven=True, failures=failures)
    return judge(due, ATTEMPT, answer, now=NOW)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_success_is_one(status: int):
    assert verdict(Answer(status, None)).outcome == "delivered"


def test_410_ends_it_for_this_url():
    assert verdict(Answer(410, "60")).outcome == "gone"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 500, 501])
def test_another_failure_concerns_this_delivery_alone(status: int):
    report = verdict(Answer(status, None))
    assert (report.outcome, report.lull) == ("failed", None)
    assert timedelta(seconds=2.5) <= report.pause <= timedelta(seconds=5)


@pytest.mark.parametrize(
    "answer", [None, *(Answer(status, None) for status in (429, 502, 503, 504))]
)
def test_a_receiver_that_is_overloaded_or_silent_is_given_a_rest(answer):
    lulls = [verdict(answer, failures=failures).lull for failures in (0, 1, 4, 50)]
    for lull, whole in zip(lulls, (2, 4, 32, 300), strict=True):
        assert timedelta(seconds=whole / 2) <= lull <= timedelta(seconds=whole)


def test_pauses_double_up_to_an_hour_and_no_two_are_alike():
    pauses = [
        verdict(Answer(500, None), attempt=attempt).pause for attempt in (1, 2, 5, 11, 40, 41)
    ]
    for pause, whole in zip(pauses, (5, 10, 80, 3600, 3600, 3600), strict=True):
        assert timedelta(seconds=whole / 2) <= pause <= timedelta(seconds=whole)
    assert pauses[-1] != pauses[-2]


def test_whoever_asks_for_time_gets_it():
    report = verdict(Answer(429, "1800"))
    assert (report.pause, report.lull) == (timedelta(seconds=1800),) * 2
    report = verdict(Answer(503, "86400"))
    assert (report.pause, report.lull) == (timedelta(days=1), timedelta(hours=1))
    assert verdict(Answer(500, "1800")).pause == timedelta(seconds=1800)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0), ("0", 0), ("120", 120), ("999999", 86400), ("9" * 5000, 86400), ("-5", 0), ("soon", 0), ("1.5", 0),
        ("Wed, 25 Nov 2026 12:10:00 GMT", 600), ("Wed, 25 Nov 2026 11:00:00 GMT", 0), ("Wed, 25 Nov 2099 11:00:00 GMT", 86400),
        ("Wed, 99 Nov 2026 12:10:00 GMT", 0), ("\u0663", 0), ("", 0),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms_and_nonsense_is_none(value, seconds):
    assert retry_after(value, now=NOW) == timedelta(seconds=seconds)
