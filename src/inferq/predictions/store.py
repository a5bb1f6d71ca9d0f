"""The record of every prediction, in Redis or Valkey; each change of more than one key is one Lua script.

Synchronous on purpose: workers, upkeep and the API's thread pool share this one class.
Every method raises `StateUnavailable` when the store does not answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

import orjson
import redis
from pydantic import TypeAdapter

from inferq.predictions.record import (
    Draft,
    Input,
    ModelReference,
    Prediction,
    Problem,
    Record,
    Result,
    State,
)
from inferq.state import load_script, state_errors

LEASE = timedelta(seconds=6)
SCRIPTS = ("accept", "claim", "renew", "finish")

_RESULT: TypeAdapter[Result] = TypeAdapter(Result)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of a draft: a new record, the one its idempotency key made before, or a misused key."""

    outcome: Literal["accepted", "replayed", "key_reused"]
    record: Record


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether an attempt may start; only `claimed` carries the record."""

    outcome: Literal["claimed", "gone", "leased", "finished", "exhausted", "needs_alone"]
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, as `finish` writes it."""

    state: State
    result: Result | None = None
    error: Problem | None = None
    timings_ms: Mapping[str, float] | None = None

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

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._scripts = {name: load_script(client, __package__, name) for name in SCRIPTS}

    def accept(self, draft: Draft) -> Acceptance:
        """Makes a draft's record `queued`; from here on it will reach a terminal state."""
        key = f"{draft.owner}:{draft.idempotency_key}" if draft.idempotency_key else ""
        outcome, fields = self._call(
            "accept", draft.task_id, key, draft.fingerprint, *_draft_fields(draft)
        )
        return Acceptance(outcome, _decode(_pairs(fields)))

    def get(self, task_id: str) -> Record | None:
        """The record of an id, or None where there is none."""
        with state_errors():
            fields = cast("dict[str, str]", self._client.hgetall(_key(task_id)))
        return _decode(fields) if fields else None

    def claim(self, task_id: str, token: str, *, max_attempts: int, alone: bool = False) -> Claim:
        """Starts an attempt under `token`, unless the record says that there is nothing to do."""
        outcome, *rest = self._call(
            "claim", task_id, token, _microseconds(LEASE), int(alone), max_attempts
        )
        return Claim(outcome, _decode(_pairs(rest[0])) if rest else None)

    def renew(self, tokens: Mapping[str, str]) -> frozenset[str]:
        """Renews the leases of attempts (task id to token); returns the ids that are no longer ours."""
        if not tokens:
            return frozenset()
        pairs = [part for pair in tokens.items() for part in pair]
        return frozenset(self._call("renew", _microseconds(LEASE), *pairs))

    def finish(self, task_id: str, token: str, outcome: Outcome, *, retention: timedelta) -> bool:
        """Writes the terminal state, once; False where this attempt was fenced off."""
        answer = self._call(
            "finish", task_id, token, outcome.state, _microseconds(retention), *outcome.fields()
        )
        return bool(answer == "finished")

    def ahead(self, record: Record) -> int:
        """How many predictions of the same model start before this queued one."""
        with state_errors():
            rank = self._client.zrank(f"inferq:queued:{record.prediction.model}", record.task_id)
        return cast("int | None", rank) or 0

    def mean_service_seconds(self, model: ModelReference) -> float | None:
        """How long an attempt on this model takes, as a moving average; None before the first."""
        with state_errors():
            mean = cast("str | None", self._client.hget("inferq:served", str(model)))
        return int(mean) / 1e6 if mean else None

    def mark_published(self, task_ids: Sequence[str]) -> None:
        """Takes ids whose message the broker has out of the outbox."""
        with state_errors():
            self._client.zrem("inferq:outbox", *task_ids)

    def ping(self) -> None:
        """Returns if the store answers."""
        with state_errors():
            self._client.ping()

    def _call(self, script: str, *args: Any) -> Any:
        with state_errors():
            return self._scripts[script](args=args)


def _key(task_id: str) -> str:
    return f"inferq:prediction:{task_id}"


def _microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _draft_fields(draft: Draft) -> list[str | bytes]:
    fields: list[str | bytes] = [
        "owner", draft.owner,
        "model", str(draft.model),
        "input", draft.input.model_dump_json(),
        "input_key", draft.input_key,
        "parameters", orjson.dumps(draft.parameters),
        "metadata", orjson.dumps(draft.metadata),
    ]  # fmt: skip
    if draft.batch is not None:
        fields += ["batch", draft.batch]
    return fields


def _moment(fields: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromtimestamp(int(fields[name]) / 1e6, UTC) if name in fields else None


def _timings(fields: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds of each stage: what the store saw (queued, total) around what the worker measured."""
    timings: dict[str, float] = {}
    if "started" in fields:
        timings["queued"] = (int(fields["started"]) - int(fields["created"])) / 1e3
    timings |= orjson.loads(fields.get("timings", "{}"))
    if "finished" in fields:
        timings["total"] = (int(fields["finished"]) - int(fields["created"])) / 1e3
    return timings


def _decode(fields: Mapping[str, str]) -> Record:
    created = _moment(fields, "created")
    assert created is not None, "accept writes it first"  # noqa: S101 - narrows the type
    prediction = Prediction(
        task_id=fields["id"],
        state=State(fields["state"]),
        model=ModelReference.parse(fields["model"]),
        created_at=created,
        started_at=_moment(fields, "started"),
        finished_at=_moment(fields, "finished"),
        expires_at=_moment(fields, "expires"),
        attempts=int(fields["attempts"]),
        batch=fields.get("batch"),
        input=Input.model_validate_json(fields["input"]),
        parameters=orjson.loads(fields["parameters"]),
        result=_RESULT.validate_json(fields["result"]) if "result" in fields else None,
        timings_ms=_timings(fields),
        error=Problem.model_validate_json(fields["error"]) if "error" in fields else None,
        metadata=orjson.loads(fields["metadata"]),
    )
    return Record(prediction, fields["owner"], fields["input_key"], int(fields["revision"]))
