"""The record of every prediction, in Redis or Valkey; each change of more than one key is one Lua script.

Synchronous on purpose: workers, upkeep and the API's thread pool share this one class.
Every method raises `StateUnavailable` when the store does not answer; its kind `RecordTooNew` stands for a record whose
form a newer version of inferq has changed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, cast

import orjson
import redis

from inferq.errors import QueueFull, TooManyInFlight
from inferq.predictions.celery_copy import celery_copy
from inferq.predictions.encoding import SCHEMA, decode, draft_fields, record_key
from inferq.predictions.queues import Queues, Standing
from inferq.predictions.record import (
    Attempt,
    ClassificationResult,
    DetectionsResult,
    Draft,
    ModelReference,
    Problem,
    Record,
    Result,
    State,
)
from inferq.state import load_script, microseconds, pairs, state_errors
from inferq.telemetry.metrics import count_finished

LEASE = timedelta(seconds=6)
PUBLISH_GRACE = timedelta(seconds=2)
"""How long the process that accepted a prediction has to publish it before upkeep does."""
SCRIPTS = ("accept", "claim", "renew", "release", "requeue", "finish", "fail", "cancel", "delete")
BACK_OFF = timedelta(seconds=60)
AT_ONCE = 50
"""Deletions of one round trip: other clients of the store wait for all of them."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of a draft: a new record, the one its idempotency key made before, or a misused key."""

    outcome: Literal["accepted", "replayed", "key_reused"]
    record: Record
    standing: Standing | None = None
    """Where a new record stands in its queue."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a deployment takes on; what is beyond is refused before it is stored."""

    queue_timeout: timedelta = timedelta(hours=24)
    max_queued: int = 100_000
    max_in_flight: int = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """What ends a prediction that fails again and again, and how long it is kept then."""

    max_attempts: int
    retention: timedelta


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether an attempt may start; only `claimed` carries the record.

    `gone`, `finished`, `leased` and `too_early` leave nothing to do, nor does `newer`: a newer version of inferq made
    the record, and upkeep has it told again until a worker comes that knows its form; `overdue` and `exhausted` predictions are
    to be failed; `needs_alone` asks for another claim with nothing else running in this process.
    """

    outcome: Literal[
        "claimed",
        "gone",
        "finished",
        "leased",
        "too_early",
        "newer",
        "overdue",
        "exhausted",
        "needs_alone",
    ]
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, as `finish` writes it."""

    state: State
    result: Result | None = None
    error: Problem | None = None
    timings_ms: Mapping[str, float] | None = None

    @property
    def labels(self) -> list[str]:
        """What was found, each once: predictions can be listed by it."""
        if isinstance(self.result, DetectionsResult):
            return sorted({detection.label for detection in self.result.detections})
        if isinstance(self.result, ClassificationResult):
            return [best.label for best in self.result.classes[:1]]
        return []

    def fields(self) -> list[str | bytes]:
        """Names and values in turn, as the script takes them."""
        fields: list[str | bytes] = ["timings", orjson.dumps(dict(self.timings_ms or {}))]
        if self.result is not None:
            fields += ["result", self.result.model_dump_json()]
        if self.error is not None:
            fields += ["error", self.error.model_dump_json()]
        return fields


class PredictionStore:
    """The life cycle of predictions on one state server."""

    def __init__(self, client: redis.Redis, limits: Limits | None = None) -> None:
        """Connects to nothing yet."""
        self._client = client
        self._limits = limits or Limits()
        self._scripts = {name: load_script(client, __package__, name) for name in SCRIPTS}

    def accept(self, draft: Draft) -> Acceptance:
        """Makes a draft's record `queued`; from here on it will reach a terminal state.

        Raises:
            QueueFull: As many predictions wait as this deployment takes.
            TooManyInFlight: Its owner has as many unfinished predictions as one owner may have.
        """
        key = f"{draft.owner}:{draft.idempotency_key}" if draft.idempotency_key else ""
        limits = self._limits
        outcome, *rest = self._call(
            "accept", draft.task_id, key, draft.fingerprint, microseconds(PUBLISH_GRACE),
            microseconds(limits.queue_timeout),
            "" if draft.start_within is None else microseconds(draft.start_within),
            limits.max_queued, limits.max_in_flight, *draft_fields(draft),
        )  # fmt: skip
        if outcome == "queue_full":
            raise QueueFull(
                f"{limits.max_queued} predictions wait already, as many as this deployment takes.",
                retry_after=self._room_in(draft.model),
            )
        if outcome == "too_many_in_flight":
            raise TooManyInFlight(
                f"{limits.max_in_flight} of your predictions are unfinished, as many as one may have.",
                retry_after=self._room_in(draft.model),
            )
        standing = Standing.parse(rest[1]) if len(rest) > 1 else None
        return Acceptance(outcome, decode(pairs(rest[0])), standing)

    def get(self, task_id: str) -> Record | None:
        """The record of an id, or None where there is none."""
        with state_errors():
            fields = cast("dict[str, str]", self._client.hgetall(record_key(task_id)))
        return decode(fields) if fields else None

    def get_many(self, task_ids: Sequence[str]) -> list[Record]:
        """The records of those ids that there are, in their order."""
        with state_errors():
            pipe = self._client.pipeline(transaction=False)
            for task_id in task_ids:
                pipe.hgetall(record_key(task_id))
            rows = cast("list[dict[str, str]]", pipe.execute())
        return [decode(fields) for fields in rows if fields]

    def claim(
        self,
        attempt: Attempt,
        *,
        max_attempts: int,
        alone: bool = False,
        publish: int | None = None,
    ) -> Claim:
        """Starts an attempt, unless the record says that there is nothing to start.

        Args:
            attempt: Which prediction, and the new token of this attempt.
            max_attempts: Starts that a prediction gets.
            alone: Nothing else runs in this process until the attempt ends.
            publish: Which of the prediction's messages arrived, counted from 1, if that is known.
        """
        outcome, *rest = self._call(
            "claim", attempt.task_id, attempt.token, microseconds(LEASE), int(alone), max_attempts,
            attempt.worker, "" if publish is None else publish, SCHEMA,
        )  # fmt: skip
        return Claim(outcome, decode(pairs(rest[0])) if rest else None)

    def renew(self, attempts: Collection[Attempt]) -> frozenset[str]:
        """Renews the leases of attempts; returns the ids of those that are fenced off."""
        if not attempts:
            return frozenset()
        pairs = [part for attempt in attempts for part in (attempt.task_id, attempt.token)]
        return frozenset(self._call("renew", microseconds(LEASE), *pairs))

    def release(self, attempt: Attempt, *, delay: timedelta = timedelta(0)) -> bool:
        """Puts a running prediction back and takes the attempt back; False where it was fenced off.

        Args:
            attempt: What is given up, through no fault of the prediction.
            delay: How long it is not started again.
        """
        answer = self._call("release", attempt.task_id, attempt.token, microseconds(delay))
        return bool(answer == "released")

    def requeue(
        self, record: Record, problem: Problem, *, policy: Policy, dead: bool = False
    ) -> Literal["requeued", "failed", "held", "fenced", "gone"]:
        """Ends an attempt that its worker will not end; the attempt stays counted.

        Args:
            record: Of the running prediction, read before.
            problem: What it fails with if this was its last attempt.
            policy: How many attempts there are, and how long a failed prediction is kept.
            dead: The worker is known to be gone, or to be stuck; else the lease must have run out.
        """
        answer: Literal["requeued", "failed", "held", "fenced", "gone"] = self._call(
            "requeue", record.task_id, record.token, int(dead), policy.max_attempts,
            microseconds(policy.retention), problem.model_dump_json(),
            celery_copy(record.task_id, State.FAILED, error=problem),
        )  # fmt: skip
        return answer

    def finish(self, attempt: Attempt, outcome: Outcome, *, retention: timedelta) -> bool:
        """Writes the terminal state, once; False where this attempt was fenced off."""
        answer = self._call(
            "finish", attempt.task_id, attempt.token, outcome.state, microseconds(retention),
            celery_copy(attempt.task_id, outcome.state, outcome.result, outcome.error),
            orjson.dumps(outcome.labels), *outcome.fields(),
        )  # fmt: skip
        return bool(answer == "finished")

    def fail(self, task_id: str, problem: Problem, *, policy: Policy) -> bool:
        """Fails a queued prediction that may not be started any more; False where it may, or was."""
        answer = self._call(
            "fail", task_id, policy.max_attempts, microseconds(policy.retention),
            problem.model_dump_json(), celery_copy(task_id, State.FAILED, error=problem),
        )  # fmt: skip
        return bool(answer == "failed")

    def cancel(self, task_id: str, *, retention: timedelta) -> State | None:
        """Cancels a prediction; returns its state from now on, None where there is no such prediction."""
        copy = celery_copy(task_id, State.CANCELED)
        answer, *canceled = self._call("cancel", task_id, microseconds(retention), copy)
        for model in canceled:
            count_finished(model, State.CANCELED)
        return None if answer == "gone" else State(answer)

    def delete(self, *task_ids: str) -> int:
        """Deletes predictions in whatever state; returns how many there were.

        Upkeep removes their blobs, as soon as no attempt can be reading them any more.
        """
        deleted = 0
        term = microseconds(LEASE)
        for first in range(0, len(task_ids), AT_ONCE):
            pipe = self._client.pipeline(transaction=False)
            for task_id in task_ids[first : first + AT_ONCE]:
                self._scripts["delete"](args=[task_id, term], client=pipe)
            with state_errors():
                deleted += pipe.execute().count("deleted")
        return deleted

    def memory_used(self) -> float:
        """How full the store is, 0 to 1; 0 where it has no limit."""
        with state_errors():
            memory = cast("dict[str, int]", self._client.info("memory"))
        return memory["used_memory"] / memory["maxmemory"] if memory["maxmemory"] else 0.0

    def ping(self) -> None:
        """Returns if the store answers."""
        with state_errors():
            self._client.ping()

    def _room_in(self, model: ModelReference) -> float:
        """Seconds until a tenth of the queue is worked off, at least one and at most sixty."""
        interval = Queues(self._client).drain(model).interval or 1.0
        wait = interval * self._limits.max_queued / 10
        return min(max(wait, 1.0), BACK_OFF.total_seconds())

    def _call(self, script: str, *args: Any) -> Any:
        with state_errors():
            return self._scripts[script](args=args)
