"""Queues, workers and the last failures of a deployment, read from its state store, and as tables for people."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import redis
from rich.console import Group
from rich.table import Table
from rich.text import Text

from inferq.accounts.store import AccountStore
from inferq.api.schemas import QueueLoad
from inferq.api.viewer import Viewer
from inferq.models.register import Worker
from inferq.predictions.lists import Filter, PredictionLists
from inferq.predictions.record import Record, State, WaitReason
from inferq.predictions.repairs import Repairs
from inferq.predictions.store import PredictionStore
from inferq.upkeep.parts import Parts

FAILURES = 5
REASONS: dict[WaitReason, str] = {
    "no_worker": "no worker serves it",
    "drained": "its workers are drained",
    "broker_unavailable": "the broker is away",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A prediction that has failed."""

    task_id: str
    user: str
    model: str
    at: str
    attempts: int
    code: str
    detail: str
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """What a deployment does at one moment."""

    at: str
    queues: tuple[QueueLoad, ...]
    workers: tuple[Worker, ...]
    running: dict[str, int]
    """Attempts by worker."""
    drained: dict[str, str]
    """What `inferq drain` was told, and since when."""
    failures: tuple[Failure, ...]

    def as_json(self) -> str:
        """The same for programs."""
        return json.dumps(asdict(self), default=lambda load: load.model_dump(), ensure_ascii=False)


def look(parts: Parts) -> Status:
    """What a deployment does now.

    Raises:
        StateUnavailable: Its state store does not answer.
    """
    return Status(
        at=_moment(datetime.now(UTC)),
        queues=Viewer(parts).loads().items,
        workers=tuple(parts.register.workers()),
        running=dict(Counter(record.worker for record in running(parts.client))),
        drained={str(mark): _moment(since) for mark, since in parts.draining.marks().items()},
        failures=tuple(failures(parts.client, Filter(), limit=FAILURES)),
    )


def running(client: redis.Redis) -> list[Record]:
    """What runs at this moment."""
    return PredictionStore(client).get_many(Repairs(client).leases())


def failures(client: redis.Redis, wanted: Filter, *, limit: int) -> list[Failure]:
    """The newest predictions that have failed, of all users."""
    only = replace(wanted, states=frozenset({State.FAILED}))
    users = {user.user_id: user.name for user in AccountStore(client).users()}
    return [
        Failure(
            task_id=record.task_id,
            user=users[record.owner],
            model=str(record.prediction.model),
            at=_moment(record.prediction.finished_at),
            attempts=record.prediction.attempts,
            code=record.prediction.error.code if record.prediction.error else "",
            detail=record.prediction.error.detail if record.prediction.error else "",
            trace_id=record.trace_id,
        )
        for record in PredictionLists(client).newest_of_all(users, only, limit)
    ]


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


def shown(now: Status) -> Group:
    """All of it as tables."""
    return Group(
        Text(f"inferq, {now.at}", style="bold"),
        _queues(now),
        _workers(now),
        *(
            Text(f"drained since {since}: {mark} (inferq resume --{mark})", style="yellow")
            for mark, since in now.drained.items()
        ),
        failure_table(now.failures, title="Last failures"),
    )


def _queues(now: Status) -> Table:
    table = Table(title="Queues", title_justify="left", box=None)
    for name in ("model", "queued", "running", "oldest", "wait", "rate", "workers", "slots", ""):
        table.add_column(name, justify="left" if name in {"model", ""} else "right")
    for load in now.queues:
        table.add_row(
            load.model,
            str(load.queued),
            str(load.running),
            _number(load.oldest_seconds, " s"),
            _number(load.expected_wait_seconds, " s"),
            _number(load.per_second, "/s"),
            str(load.workers),
            str(load.slots),
            Text(REASONS[load.reason], style="red") if load.reason else "",
        )
    return table


def _workers(now: Status) -> Table:
    table = Table(title="Workers", title_justify="left", box=None)
    numbers = {"slots", "free", "runs", "seen"}
    for name in ("worker", "slots", "free", "runs", "seen", "models", ""):
        table.add_column(name, justify="right" if name in numbers else "left")
    for worker in now.workers:
        seen = f"{worker.reported_seconds_ago:.0f} s ago"
        counts = str(worker.slots), str(worker.free), str(now.running.get(worker.worker, 0))
        state = _drained(worker)
        table.add_row(worker.worker, *counts, seen, ", ".join(worker.models), state)
    return table


def _drained(worker: Worker) -> Text:
    """What a worker was told to take nothing new of."""
    if not worker.drained:
        return Text()
    of = "" if worker.drained == worker.models else f" of {', '.join(worker.drained)}"
    return Text(f"takes nothing new{of}", style="yellow")


def failure_table(found: "tuple[Failure, ...] | list[Failure]", *, title: str | None) -> Table:
    """Failures as a table, the newest first."""
    table = Table(title=title, title_justify="left", box=None)
    for name in ("task id", "at", "user", "model", "attempts", "why"):
        table.add_column(name, no_wrap=name == "task id")
    for each in found:
        why = f"{each.code}: {each.detail}"
        table.add_row(each.task_id, each.at, each.user, each.model, str(each.attempts), why)
    return table


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.3g}{unit}"
