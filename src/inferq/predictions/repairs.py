"""What upkeep asks of the state store: who is due, and for what. Each change is one script that may be repeated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, cast

import redis

from inferq.predictions.queues import AGAIN
from inferq.predictions.record import ModelReference
from inferq.predictions.store import LEASE
from inferq.state import due, load_script, state_errors

SCRIPTS = ("elect", "extend", "find_missing", "published", "take_outbox")
LOAN = timedelta(seconds=5)
GAP = timedelta(seconds=2)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be published: the prediction, its model, and which of its messages it is, from 1 on."""

    task_id: str
    model: ModelReference
    publish: int = 1
    again: bool = False
    """Whether it was started before, so that it need not wait behind what never was."""
    traceparent: str = ""
    """Trace context of the request that it follows from."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """The blobs of a deleted prediction."""

    task_id: str
    input_key: str

    def __str__(self) -> str:
        return f"{self.task_id} {self.input_key}"


class Repairs:
    """Finds what was lost or is due. Every method raises `StateUnavailable` when the store does not answer."""

    def __init__(self, client: redis.Redis) -> None:
        """Connects to nothing yet."""
        self._client = client
        self._scripts = {name: load_script(client, __package__, name) for name in SCRIPTS}

    def elect(
        self, task: str, interval: timedelta, *, gap: timedelta = GAP
    ) -> Literal["elected", "elected_after_gap", "wait"]:
        """Lets one of all processes that ask do a task, once an interval.

        `elected_after_gap` says that nobody did it for longer than `gap`, or that the store's clock was turned back.
        """
        answer: Literal["elected", "elected_after_gap", "wait"] = self._call(
            "elect", task, interval // MICROSECOND, gap // MICROSECOND
        )
        return answer

    def extend_leases(self) -> None:
        """Gives every running attempt one more term: for a while nobody could have renewed it."""
        self._call("extend", LEASE // MICROSECOND)

    def take_outbox(self, limit: int) -> list[Message]:
        """Lends out what is due for publishing; what is not published within `LOAN` is due again."""
        parts: Sequence[str] = self._call("take_outbox", limit, LOAN // MICROSECOND)
        return [
            _message(task_id, lane, int(publish), traceparent)
            for task_id, lane, publish, traceparent in zip(
                parts[::4], parts[1::4], parts[2::4], parts[3::4], strict=True
            )
        ]

    def published(self, *messages: Message) -> None:
        """Notes that the broker has taken messages, in this order."""
        parts = [part for message in messages for part in (message.task_id, message.publish)]
        self._call("published", *parts)

    def find_missing(self, model: str, limit: int) -> int:
        """Puts predictions of a model whose message must be lost into the outbox; returns how many."""
        lanes = (model, model + AGAIN)
        return sum(int(self._call("find_missing", model, lane, limit)) for lane in lanes)

    def lapsed_leases(self, limit: int) -> list[str]:
        """Ids of running predictions whose lease has run out."""
        return due(self._client, "inferq:leases", limit=limit)

    def leases(self) -> list[str]:
        """Ids of all running predictions."""
        with state_errors():
            return cast("list[str]", self._client.zrange("inferq:leases", 0, -1))

    def overdue(self, limit: int) -> list[str]:
        """Ids of queued predictions whose deadline has passed."""
        return due(self._client, "inferq:deadlines", limit=limit)

    def expired(self, limit: int) -> list[str]:
        """Ids of terminal predictions whose retention is over."""
        return due(self._client, "inferq:expiry", limit=limit)

    def oldest_finished(self, limit: int) -> list[str]:
        """Ids of terminal predictions, those that expire first."""
        with state_errors():
            return cast("list[str]", self._client.zrange("inferq:expiry", 0, limit - 1))

    def garbage(self, limit: int) -> list[Garbage]:
        """Deleted predictions whose blobs can go."""
        members = due(self._client, "inferq:garbage", limit=limit)
        return [Garbage(*member.split(" ", 1)) for member in members]

    def garbage_waiting(self) -> int:
        """How many deleted predictions still have blobs."""
        with state_errors():
            return int(self._client.zcard("inferq:garbage"))

    def forget_garbage(self, garbage: Sequence[Garbage]) -> None:
        """Notes that the blobs of deleted predictions are gone."""
        if garbage:
            with state_errors():
                self._client.zrem("inferq:garbage", *map(str, garbage))

    def _call(self, script: str, *args: Any) -> Any:
        with state_errors():
            return self._scripts[script](args=args)


def _message(task_id: str, lane: str, publish: int, traceparent: str) -> Message:
    model = ModelReference.parse(lane.removesuffix(AGAIN))
    again = lane.endswith(AGAIN)
    return Message(task_id, model, publish, again=again, traceparent=traceparent)
