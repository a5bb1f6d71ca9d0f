"""How predictions end that no attempt ends: the problems, in words for people who never heard of a queue."""

from datetime import timedelta

from inferq.errors import AttemptsExhausted, AttemptTimeout, QueueTimeout
from inferq.predictions.record import Problem, Record


def attempts_exhausted(record: Record) -> Problem:
    """Why a prediction whose worker died in each of its attempts is not tried again."""
    times = _times(record.prediction.attempts)
    return Problem.of(
        AttemptsExhausted(
            f"This was started {times}, and each time the process that worked on it died before it was done."
            " The input probably makes the model crash or run out of memory, so it is not tried again;"
            " the log of the workers holds the reason."
        ),
        trace_id=record.trace_id,
    )


def attempt_timeout(record: Record, limit: timedelta) -> Problem:
    """Why a prediction whose attempts never came to an end is not tried again."""
    times = _times(record.prediction.attempts)
    return Problem.of(
        AttemptTimeout(
            f"This was started {times}, and each time it was not done within {_seconds(limit)},"
            " the longest that one attempt may take (INFERQ_ATTEMPT_TIMEOUT), so it is not tried again."
        ),
        trace_id=record.trace_id,
    )


def queue_timeout(record: Record) -> Problem:
    """Why a prediction that waited too long is not started any more."""
    prediction = record.prediction
    if prediction.attempts:
        limit, why = record.queue_timeout, "INFERQ_QUEUE_TIMEOUT"
        before = f" It was started {_times(prediction.attempts)} before, without success."
    elif record.start_within is not None and record.start_within < record.queue_timeout:
        limit, why, before = record.start_within, "start_within of the request", ""
    else:
        limit, why, before = record.queue_timeout, "INFERQ_QUEUE_TIMEOUT", ""
    return Problem.of(
        QueueTimeout(
            f"This waited longer than {_seconds(limit)} ({why}), because no worker was free for it,"
            f" so it is not started any more.{before} Send it again once enough workers are running."
        ),
        trace_id=record.trace_id,
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _seconds(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
