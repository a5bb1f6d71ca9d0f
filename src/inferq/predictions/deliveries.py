"""The deliveries of ends to their receivers, as the state store holds them: who is due, what came of it, who wants no more.

A delivery's row is written by the script that ends its prediction, and goes with the prediction.
Every method raises `StateUnavailable` when the store does not answer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, cast

import orjson
import redis

from inferq.predictions.lists import Position
from inferq.predictions.record import Frozen, State
from inferq.state import at, load_script, microseconds, moment, state_errors

SCRIPTS = ("take_webhooks", "report_webhook", "redeliver", "rotate_secret")
LOAN = timedelta(seconds=60)
REMEMBERED = timedelta(hours=1)
"""How long a receiver counts as one that answers well, or badly, once nothing is sent to it."""
ATTEMPTS_KEPT = 20
ROOM = 64
ROOM_OF_OWNER = 32
ROOM_OF_OWNER_DOUBTED = 16
ROOM_OF_RECEIVER = 8


class DeliveryState(StrEnum):
    """What became of a delivery so far."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    DISABLED = "disabled"


class DeliveryAttempt(Frozen):
    """One try to deliver."""

    number: int
    started_at: datetime
    duration_ms: float
    status: int | None = None
    error: str | None = None


class Delivery(Frozen):
    """What is known of one delivery; `attempts` are those that came to an end, the last twenty of them."""

    task_id: str
    webhook_id: str
    event: State
    url: str
    state: DeliveryState
    created_at: datetime
    ended_at: datetime | None
    next_attempt_at: datetime | None
    attempts_made: int
    attempts: tuple[DeliveryAttempt, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is lent to this process, to be attempted at once."""

    task_id: str
    owner: str
    lane: str
    url: str
    attempt: int
    proven: bool
    """Whether its receiver has answered well lately."""
    failures: int
    """How often its receiver has failed since it last answered well."""


@dataclass(frozen=True, slots=True)
class Report:
    """How an attempt went, and what follows from it."""

    outcome: Literal["delivered", "failed", "gone"]
    attempt: DeliveryAttempt
    pause: timedelta = timedelta(0)
    """Until the next attempt."""
    lull: timedelta | None = None
    """Until anything is sent to that receiver; None where only this delivery failed."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an owner's deliveries are signed with; for a while after a rotation also with the one before."""

    current: str
    previous: str | None
    previous_valid_until: datetime | None

    def valid(self) -> list[str]:
        """All that a receiver may hold, the newest first."""
        return [self.current] if self.previous is None else [self.current, self.previous]


class Deliveries:
    """Rows, receivers and secrets on one state server."""

    def __init__(self, client: redis.Redis) -> None:
        """Connects to nothing yet."""
        self._client = client
        self._scripts = {name: load_script(client, __package__, name) for name in SCRIPTS}

    def take(self, on_the_way: Iterable[Due] = (), *, limit: int = ROOM) -> list[Due]:
        """Lends out what is due; what is not reported on within `LOAN` is due again.

        Args:
            on_the_way: What this process is sending already: no receiver and no owner gets more than its share.
            limit: Most deliveries.
        """
        busy = list(on_the_way)
        rows: list[list[str]] = self._call(
            "take_webhooks", limit, microseconds(LOAN),
            ROOM_OF_RECEIVER, ROOM_OF_OWNER, ROOM_OF_OWNER_DOUBTED,
            orjson.dumps(Counter(due.lane for due in busy)),
            orjson.dumps(Counter(due.owner for due in busy)),
            orjson.dumps(Counter(due.owner for due in busy if not due.proven)),
        )  # fmt: skip
        return [
            Due(task_id, owner, lane, url, int(attempt), proven == "1", int(failures))
            for task_id, owner, lane, url, attempt, proven, failures in rows
        ]

    def report(self, due: Due, report: Report) -> DeliveryState | None:
        """Notes how an attempt went; returns the delivery's state, None where it was deleted meanwhile."""
        answer = self._call(
            "report_webhook", due.task_id, due.attempt, report.outcome,
            microseconds(report.pause), "" if report.lull is None else microseconds(report.lull),
            report.attempt.model_dump_json(), ATTEMPTS_KEPT, int(REMEMBERED.total_seconds()),
        )  # fmt: skip
        return None if answer == "deleted" else DeliveryState(answer)

    def receivers_waiting(self) -> int:
        """How many receivers something is to be sent to."""
        with state_errors():
            return int(self._client.zcard("inferq:webhooks"))

    def redeliver(self, task_id: str) -> Literal["pending", "disabled", "gone"]:
        """Has a delivery sent again, whatever came of it before; `disabled` where its receiver wants no more."""
        answer: Literal["pending", "disabled", "gone"] = self._call("redeliver", task_id)
        return answer

    def get(self, owner: str, task_id: str) -> Delivery | None:
        """An owner's delivery of a prediction's end, None where there is none."""
        found = self._read(owner, [task_id])
        return found[0] if found else None

    def page(
        self,
        owner: str,
        state: DeliveryState | None,
        *,
        limit: int,
        after: Position | None = None,
    ) -> tuple[list[Delivery], Position | None]:
        """At most `limit` of an owner's deliveries that come after a position, the newest first; where to go on.

        A page may be short though more follow, as only the deliveries of one look at the index are filtered.
        """
        most = "+inf" if after is None else str(after.created)
        with state_errors():
            members = cast(
                "list[tuple[str, float]]",
                self._client.zrange(
                    f"inferq:deliveries:{owner}", most, "-inf",
                    desc=True, byscore=True, offset=0, num=2 * limit + 1, withscores=True,
                ),
            )  # fmt: skip
        places = [Position(int(created), task_id) for task_id, created in members]
        places = [place for place in places if after is None or place < after][: limit + 1]
        found = self._read(owner, [place.task_id for place in places[:limit]])
        wanted = [one for one in found if state is None or one.state is state]
        return wanted, places[limit - 1] if len(places) > limit else None

    def disabled(self, owner: str) -> dict[str, datetime]:
        """The URLs that want no more of an owner's deliveries, and since when; the latest first."""
        with state_errors():
            members = cast(
                "list[tuple[str, float]]",
                self._client.zrange(_disabled_key(owner), 0, -1, desc=True, withscores=True),
            )
        return {url: at(since) for url, since in members}

    def enable(self, owner: str, url: str) -> bool:
        """Sends to a URL again; False where it was not disabled."""
        with state_errors():
            return bool(self._client.zrem(_disabled_key(owner), url))

    def secrets(self, owner: str, fresh: str) -> Secrets:
        """An owner's secrets; `fresh` becomes the first one where there is none."""
        return _secrets(self._call("rotate_secret", owner, fresh, "", 0))

    def rotate(self, owner: str, fresh: str, *, overlap: timedelta) -> Secrets:
        """Gives an owner another secret; the one before stays valid for a while."""
        return _secrets(self._call("rotate_secret", owner, fresh, "1", microseconds(overlap)))

    def _read(self, owner: str, task_ids: Sequence[str]) -> list[Delivery]:
        with state_errors():
            pipe = self._client.pipeline(transaction=False)
            for task_id in task_ids:
                pipe.hgetall(f"inferq:webhook:{task_id}")
            rows = cast("list[dict[str, str]]", pipe.execute())
        those = zip(task_ids, rows, strict=True)
        mine = [(task_id, row) for task_id, row in those if row and row["owner"] == owner]
        with state_errors():
            pipe = self._client.pipeline(transaction=False)
            for task_id, row in mine:
                pipe.zscore(f"inferq:webhooks:{row['lane']}", task_id)
            dues = cast("list[float | None]", pipe.execute())
        return [_decode(task_id, row, due) for (task_id, row), due in zip(mine, dues, strict=True)]

    def _call(self, script: str, *args: Any) -> Any:
        with state_errors():
            return self._scripts[script](args=args)


def webhook_id(task_id: str, event: State) -> str:
    """What names a delivery to its receiver, the same on every attempt."""
    return f"{task_id}_{event}"


def _decode(task_id: str, row: Mapping[str, str], due: float | None) -> Delivery:
    created = moment(row, "created")
    assert created is not None, "written with the row"  # noqa: S101 - narrows the type
    event = State(row["event"])
    attempts = [
        DeliveryAttempt.model_validate_json(value)
        for name, value in row.items()
        if name.startswith("attempt:")
    ]
    return Delivery(
        task_id=task_id,
        webhook_id=webhook_id(task_id, event),
        event=event,
        url=row["url"],
        state=DeliveryState(row["state"]),
        created_at=created,
        ended_at=moment(row, "ended"),
        next_attempt_at=None if due is None else at(due),
        attempts_made=int(row["attempts"]),
        attempts=tuple(sorted(attempts, key=lambda attempt: attempt.number)),
    )


def _secrets(found: Sequence[str]) -> Secrets:
    current, previous, until = found
    return Secrets(current, previous or None, at(int(until)) if until else None)


def _disabled_key(owner: str) -> str:
    return f"inferq:webhook-disabled:{owner}"
