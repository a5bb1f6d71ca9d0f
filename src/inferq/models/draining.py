"""Who was told to take nothing new (`inferq drain`): marks in the state store, which workers read at each heartbeat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast

import redis

from inferq.state import state_errors

MARKS = "inferq:draining"

Kind = Literal["all", "model", "host", "worker"]


@dataclass(frozen=True, slots=True)
class Target:
    """Which workers, and of which models: all of them, one model, one host's workers, or one worker."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()

    @classmethod
    def parse(cls, text: str) -> "Target":
        """A target from its text."""
        kind, _, name = text.partition(" ")
        return cls(cast("Kind", kind), name)

    def covers(self, *, worker: str, host: str, model: str) -> bool:
        """Whether a worker takes nothing new of a model because of it."""
        wanted = {"all": "", "model": model, "host": host, "worker": worker}
        return wanted[self.kind] == self.name


class Draining:
    """The marks. Every method raises `StateUnavailable` when the store does not answer."""

    def __init__(self, client: redis.Redis) -> None:
        """Connects to nothing yet."""
        self._client = client

    def start(self, target: Target) -> None:
        """Has it take nothing new from now on, until `end`; told again, it keeps its time."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with state_errors():
            self._client.hsetnx(MARKS, str(target), now)

    def end(self, target: Target) -> list[Target]:
        """Lets it take work again; `all` lifts every mark. Returns what was lifted."""
        lifted = [mark for mark in self.marks() if target.kind == "all" or mark == target]
        if lifted:
            with state_errors():
                self._client.hdel(MARKS, *(str(mark) for mark in lifted))
        return lifted

    def marks(self) -> Mapping[Target, datetime]:
        """What is told to take nothing new, and since when."""
        with state_errors():
            known = cast("dict[str, str]", self._client.hgetall(MARKS))
        return {
            Target.parse(text): datetime.fromisoformat(since)
            for text, since in sorted(known.items())
        }

    def of(self, worker: str, *, host: str, models: Iterable[str]) -> frozenset[str]:
        """Those of a worker's models (`name@version`) that it takes nothing new of."""
        marks = self.marks()
        return frozenset(
            model
            for model in models
            if any(mark.covers(worker=worker, host=host, model=model) for mark in marks)
        )
