"""What is counted and measured, for Prometheus; the only importer of its client beside `exposing`.

Every metric has labels, whose values are few and ours: models that workers registered, states, codes, routes as they are
written. None is a user's, a file's or a prediction's name. (Without labels a metric would exist before `share_metrics` says
where its numbers are kept.)
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from prometheus_client import Counter, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""From a small network's run to the longest that anybody waits: objectives of 100 ms, 1 s, 10 s lie on a border."""
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})
OTHER = "other"
MOST_KNOWN = 2048

M = TypeVar("M", Counter, Histogram)

_accepted = Counter("inferq_predictions_accepted", "Predictions accepted.", ["model"])
_refused = Counter(
    "inferq_predictions_refused", "Predictions refused for want of room, by code.", ["code"]
)
_finished = Counter(
    "inferq_predictions_finished",
    "Predictions that have ended, by state; the code says why one failed.",
    ["model", "state", "code"],
)
_attempts = Counter("inferq_attempts", "Attempts that are over, by outcome.", ["model", "outcome"])
_prediction_seconds = Histogram(
    "inferq_prediction_seconds",
    "From acceptance to the end that an attempt wrote.",
    ["model"],
    buckets=SECONDS,
)
_stage_seconds = Histogram(
    "inferq_stage_seconds", "Stages of predictions.", ["model", "stage"], buckets=SECONDS
)
_batch_size = Histogram(
    "inferq_batch_size", "Predictions of one run of a model.", ["model"], buckets=BATCHES
)
_publishes = Counter(
    "inferq_publishes",
    "Messages to the broker: first ones, those published again, those it did not take.",
    ["kind"],
)
_missing = Counter("inferq_messages_missing", "Messages found to be lost.", ["model"])
_webhooks = Counter(
    "inferq_webhook_attempts", "Attempts to deliver a webhook, by outcome.", ["outcome"]
)
_storage_errors = Counter(
    "inferq_storage_errors", "Calls that the storage did not answer, or had no room for.", ["code"]
)
_state_errors = Counter(
    "inferq_state_errors",
    "Calls that the state store did not answer, or had no room for.",
    ["reason"],
)
_upkeep_errors = Counter("inferq_upkeep_errors", "Rounds of upkeep that failed, by code.", ["code"])
_requests = Counter("inferq_http_requests", "Requests answered.", ["method", "route", "status"])
_request_seconds = Histogram(
    "inferq_http_request_seconds",
    "Until the head of the answer; without requests that asked to wait.",
    ["method", "route"],
    buckets=SECONDS,
)


@lru_cache(maxsize=MOST_KNOWN)
def _of(metric: M, *labels: str) -> M:
    """What counts for these labels: looking it up takes longer than counting."""
    return metric.labels(*labels)


def count_accepted(model: str) -> None:
    """A prediction was accepted."""
    _of(_accepted, model).inc()


def count_refused(code: str) -> None:
    """There was no room for a prediction."""
    _of(_refused, code).inc()


def count_finished(model: str, state: str, code: str | None = None) -> None:
    """A prediction has ended; `code` says why it failed."""
    _of(_finished, model, state, code or "").inc()


def count_attempt(model: str, outcome: str) -> None:
    """An attempt is over: `succeeded`, `failed`, `released`, `fenced_off`, `out_of_memory`, `lost`, `hung`."""
    _of(_attempts, model, outcome).inc()


def measure_stages(
    model: str, timings_ms: Mapping[str, float], *, queued_seconds: float, trace_id: str | None
) -> None:
    """Notes how long the stages of a prediction took.

    Args:
        model: Its model.
        timings_ms: Milliseconds of each stage of the attempt that ended it.
        queued_seconds: How long it waited before.
        trace_id: Of its trace, an example of what took so long.
    """
    example = {"trace_id": trace_id} if trace_id else None
    total = queued_seconds
    _of(_stage_seconds, model, "queued").observe(queued_seconds)
    for stage, milliseconds in timings_ms.items():
        total += milliseconds / 1e3
        _of(_stage_seconds, model, stage).observe(milliseconds / 1e3)
    _of(_prediction_seconds, model).observe(total, example)


def measure_batch(model: str, size: int) -> None:
    """A run of a model took so many predictions."""
    _of(_batch_size, model).observe(size)


def count_publish(kind: str) -> None:
    """A message went to the broker (`first`, `again`), or could not (`failed`)."""
    _of(_publishes, kind).inc()


def count_missing(model: str, count: int) -> None:
    """So many messages were lost."""
    _of(_missing, model).inc(count)


def count_webhook(outcome: str) -> None:
    """A delivery was attempted: `delivered`, `failed`, `gone`."""
    _of(_webhooks, outcome).inc()


def count_storage_error(code: str) -> None:
    """The storage did not do what it was asked to."""
    _of(_storage_errors, code).inc()


def count_state_error(reason: str) -> None:
    """The state store did not do what it was asked to: it is `full`, or `unreachable`."""
    _of(_state_errors, reason).inc()


def count_upkeep_error(code: str) -> None:
    """A round of upkeep failed."""
    _of(_upkeep_errors, code).inc()


def count_request(method: str, route: str, status: int | None, seconds: float | None) -> None:
    """A request was answered.

    Args:
        method: Of HTTP.
        route: As it is written; empty where there is none.
        status: Of the answer; None where the client was gone before there was one.
        seconds: Until its head; None where the request asked to wait.
    """
    labels = method if method in METHODS else OTHER, route or OTHER
    _of(_requests, *labels, str(status or 0)).inc()
    if seconds is not None:
        _of(_request_seconds, *labels).observe(seconds)
