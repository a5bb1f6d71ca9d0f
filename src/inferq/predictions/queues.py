"""The queues as the records tell of them: places, lengths, how fast they are worked off.

Every method raises `StateUnavailable` when the store does not answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import redis

from inferq.predictions.encoding import record_key
from inferq.predictions.record import ModelReference, Record
from inferq.state import load_script, state_errors

AGAIN = "+again"
"""What the lane of predictions that were put back has behind its model's name."""


@dataclass(frozen=True, slots=True)
class Drain:
    """How fast a queue is worked off: seconds that an attempt takes, and between two ends while others wait.

    None where nothing was measured yet.
    """

    service: float | None
    interval: float | None

    def expected_wait(self, ahead: int, slots: int) -> float | None:
        """Seconds until a prediction starts that has `ahead` before it; None where nobody can tell."""
        if not slots:
            return None
        if self.interval is not None:
            return ahead * self.interval
        return None if self.service is None else ahead * self.service / slots


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a queued prediction stands, and who works its queue off."""

    ahead: int
    """Predictions of the same model that start before it."""
    workers: int
    """Living workers that serve the model."""
    slots: int
    """Predictions that they run at once."""
    drained: int
    """Living workers that have the model and were told to take nothing new."""
    drain: Drain

    @property
    def starts_in(self) -> float | None:
        """Seconds until it starts; None where nobody can tell."""
        return self.drain.expected_wait(self.ahead, self.slots)

    @classmethod
    def parse(cls, told: Sequence[Any]) -> "Standing":
        """What a script told: ahead, workers, slots, drained, then microseconds of an attempt and between two ends, if known."""
        ahead, workers, slots, drained, *measured = told
        return cls(int(ahead), int(workers), int(slots), int(drained), _drain(measured))


@dataclass(frozen=True, slots=True)
class Load:
    """What a model has to do."""

    queued: int
    running: int
    oldest: timedelta | None
    """How long the prediction at the head of the queue has waited since its acceptance."""


class Queues:
    """Looks at the queues; changes nothing."""

    def __init__(self, client: redis.Redis) -> None:
        """Connects to nothing yet."""
        self._client = client
        self._places = load_script(client, __package__, "places")

    def places(self, records: Sequence[Record]) -> list[Standing]:
        """Where these queued predictions stand, in one question however many they are."""
        asked = [
            part
            for record in records
            for part in (record.task_id, record.lane, str(record.prediction.model))
        ]
        with state_errors():
            return [Standing.parse(told) for told in self._places(args=asked)]

    def drain(self, model: ModelReference) -> Drain:
        """How fast a model's queue was worked off lately."""
        with state_errors():
            known = cast(
                "list[str | None]",
                self._client.hmget(f"inferq:drain:{model}", "service", "interval"),
            )
        return _drain(known)

    def load(self, model: ModelReference) -> Load:
        """What waits and runs of a model."""
        lanes = (f"inferq:queued:{model}{AGAIN}", f"inferq:queued:{model}")
        with state_errors():
            pipe = self._client.pipeline(transaction=False)
            pipe.hget("inferq:running", str(model))
            pipe.time()
            for lane in lanes:
                pipe.zcard(lane)
                pipe.zrange(lane, 0, 0)
            running, (seconds, micros), again, head_again, new, head_new = pipe.execute()
            heads = [*head_again, *head_new]
            created = [self._client.hget(record_key(head), "created") for head in heads]
        now = seconds * 10**6 + micros
        ages = [timedelta(microseconds=now - int(cast("str", at))) for at in created if at]
        return Load(again + new, int(running or 0), max(ages, default=None))

    def oldest_published(self, model: ModelReference) -> timedelta | None:
        """How long the head of one of a model's lanes has been with the broker; None where nothing waits there."""
        ages = [self._head_published(f"inferq:queued:{model}{lane}") for lane in ("", AGAIN)]
        return max((age for age in ages if age is not None), default=None)

    def _head_published(self, queue: str) -> timedelta | None:
        with state_errors():
            head = cast("list[str]", self._client.zrange(queue, 0, 0))
            if not head:
                return None
            pipe = self._client.pipeline(transaction=False)
            pipe.time()
            pipe.hget(record_key(head[0]), "published")
            pipe.zscore("inferq:outbox", head[0])
            (seconds, micros), published, unpublished = pipe.execute()
        if published is None or unpublished is not None:
            return None
        return timedelta(microseconds=seconds * 10**6 + micros - int(published))


def _drain(known: Sequence[str | None]) -> Drain:
    """Of microseconds as the store holds them."""
    service, interval = (int(value) / 1e6 if value else None for value in known)
    return Drain(service, interval)
