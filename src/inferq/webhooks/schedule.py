"""When a delivery is tried again, and when its receiver is left alone for a while. Pure."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from inferq.predictions.deliveries import DeliveryAttempt, Due, Report
from inferq.webhooks.answer import Answer

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
FIRST_LULL = timedelta(seconds=2)
LONGEST_LULL = timedelta(minutes=5)
DAY = timedelta(days=1)
GONE = 410
OVERLOADED = (429, 502, 503, 504)
"""Answers that ask for less of everything, not only of this delivery."""


def judge(due: Due, attempt: DeliveryAttempt, answer: Answer | None, *, now: datetime) -> Report:
    """What follows from how an attempt went.

    Args:
        due: What was attempted.
        attempt: How that went, for the log.
        answer: None where none came.
        now: To which a date in `Retry-After` is compared.
    """
    if answer is not None and 200 <= answer.status < 300:  # noqa: PLR2004 - success in HTTP
        return Report("delivered", attempt)
    if answer is not None and answer.status == GONE:
        return Report("gone", attempt)
    asked = retry_after(answer.retry_after, now=now) if answer else timedelta(0)
    pause = max(_growing(due.attempt - 1, FIRST_PAUSE, LONGEST_PAUSE), asked)
    if answer is not None and answer.status not in OVERLOADED:
        return Report("failed", attempt, pause)
    lull = max(_growing(due.failures, FIRST_LULL, LONGEST_LULL), min(asked, LONGEST_PAUSE))
    return Report("failed", attempt, pause, lull)


def retry_after(value: str | None, *, now: datetime) -> timedelta:
    """How long a `Retry-After` asks to wait, at most a day; nothing where it is absent or cannot be read."""
    if value is None:
        return timedelta(0)
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:6])), DAY) if len(value) <= 6 else DAY  # noqa: PLR2004
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return timedelta(0)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), DAY)


def _growing(times: int, first: timedelta, longest: timedelta) -> timedelta:
    """Twice as long each time, less up to half of it: those that failed together do not come back together."""
    whole = min(first * (1 << min(times, 20)), longest)
    return whole * random.uniform(0.5, 1)  # noqa: S311 - jitter, no secret
