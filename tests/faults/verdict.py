"""What became of every accepted prediction, read from the state store: its records and its event stream."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import redis

TERMINAL = frozenset({"succeeded", "failed", "canceled"})
CHUNK = 10_000
PAUSE = 0.1
SETTLED_SECONDS = 15.0


class Window(NamedTuple):
    """When a fault began and ended, in seconds since the epoch; the same for one that is over at once."""

    start: float
    end: float


class Event(NamedTuple):
    """A line of the event stream: when, and what the prediction became."""

    at: float
    state: str


@dataclass(frozen=True, slots=True)
class Fate:
    """One accepted prediction after the row."""

    task_id: str
    state: str | None
    attempts: int
    created: float
    finished: float
    error: dict[str, Any] | None
    events: tuple[Event, ...]

    @property
    def deleted(self) -> bool:
        """Whether it was deleted, by request or to make room."""
        return any(event.state == "deleted" for event in self.events)

    @property
    def lost(self) -> bool:
        """Whether it neither ended nor was deleted."""
        return self.state is None and not self.deleted

    @property
    def doubled(self) -> bool:
        """Whether it ended more than once, or went on after its end."""
        states = [event.state for event in self.events if event.state != "deleted"]
        first = next((i for i, state in enumerate(states) if state in TERMINAL), len(states))
        revived = self.deleted and self.events[-1].state != "deleted"
        return first < len(states) - 1 or revived

    def running_at(self, moment: float) -> bool:
        """Whether an attempt was running."""
        before = [event.state for event in self.events if event.at <= moment]
        return bool(before) and before[-1] == "running"

    def resumed_after(self, moment: float) -> float | None:
        """When it was first started, or ended, after a moment."""
        lively = TERMINAL | {"running"}
        return next((e.at for e in self.events if e.at > moment and e.state in lively), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of the table."""

    fates: tuple[Fate, ...]
    windows: tuple[Window, ...]
    published: int
    republished: int

    @property
    def accepted(self) -> int:
        """Uploads answered 202."""
        return len(self.fates)

    @property
    def lost(self) -> int:
        """Accepted, and never ended."""
        return sum(fate.lost for fate in self.fates)

    @property
    def doubled(self) -> int:
        """Ended more than once."""
        return sum(fate.doubled for fate in self.fates)

    @property
    def deleted(self) -> int:
        """Deleted before they had ended."""
        return sum(fate.deleted and fate.state is None for fate in self.fates)

    @property
    def extra_messages(self) -> int:
        """Messages that the broker took from publishers beyond one for each prediction."""
        return self.published - self.accepted

    @property
    def unfinished_at_fault(self) -> int:
        """Accepted and not ended when the first fault began."""
        if not self.windows:
            return 0
        start = self.windows[0].start
        return sum(fate.created <= start < fate.finished for fate in self.fates)

    @property
    def seconds_to_recover(self) -> float:
        """From a fault's end until work goes on and all that ran when it began runs again or has ended.

        "Work goes on" is the first start or end of any prediction. The longest of all faults of the row.
        """
        return max((self._recovery(window) for window in self.windows), default=0.0)

    @property
    def seconds_to_finish(self) -> float:
        """From the last fault's end until everything had ended."""
        if not self.windows:
            return 0.0
        return max(0.0, max(fate.finished for fate in self.fates) - self.windows[-1].end)

    def count(self, state: str) -> int:
        """How many ended in a state."""
        return sum(fate.state == state for fate in self.fates)

    def of(self, task_ids: Collection[str]) -> list[Fate]:
        """The fates of some predictions."""
        wanted = set(task_ids)
        return [fate for fate in self.fates if fate.task_id in wanted]

    def _recovery(self, window: Window) -> float:
        known = [fate for fate in self.fates if fate.created <= window.end]
        resumed = [at for fate in known if (at := fate.resumed_after(window.end)) is not None]
        interrupted = [fate for fate in known if fate.running_at(window.start)]
        # What ran on through the fault and ended during it has nothing to recover from.
        again = [fate.resumed_after(window.start) or window.end for fate in interrupted]
        last = max([*again, min(resumed, default=window.end)])
        return max(0.0, last - window.end)


class Truth:
    """The state store, asked over the heads of API and workers."""

    def __init__(self, client: redis.Redis, *, fresh: bool = False) -> None:
        """Counts messages from now on, or from the first, where the store is a fresh one."""
        self._client = client
        self._published, self._republished = (0, 0) if fresh else self._counters()

    def wait_terminal(
        self, task_ids: Iterable[str], *, seconds: float, meanwhile: Callable[[], object]
    ) -> None:
        """Returns once all have ended or are gone, or after so many seconds; what is missing is lost."""
        waiting, deadline = list(task_ids), time.monotonic() + seconds
        while waiting and time.monotonic() < deadline:
            meanwhile()
            states = self._fields(waiting, "state")
            waiting = [
                task_id
                for task_id, (state,) in zip(waiting, states, strict=True)
                if state is not None and state not in TERMINAL
            ]
            time.sleep(PAUSE if waiting else 0)

    def settled(self) -> bool:
        """Whether nothing waits, nothing runs, and nothing is to be published; waits for it a moment."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while any(self._client.zcard(f"inferq:{key}") for key in ("outbox", "leases", "deadlines")):
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE)
        return True

    def judge(self, task_ids: Sequence[str], windows: Sequence[Window]) -> Verdict:
        """The verdict on these predictions, as of now."""
        events = self._events(set(task_ids))
        rows = self._fields(task_ids, "state", "attempts", "created", "finished", "error")
        published, republished = self._counters()
        return Verdict(
            tuple(
                _fate(task_id, row, tuple(events[task_id]))
                for task_id, row in zip(task_ids, rows, strict=True)
            ),
            tuple(windows),
            published - self._published,
            republished - self._republished,
        )

    def known(self) -> set[str]:
        """The ids of all predictions that were ever accepted here."""
        return set(self._events(None))

    def _events(self, task_ids: set[str] | None) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = defaultdict(list)
        position = "-"
        while entries := self._client.xrange("inferq:events", position, "+", CHUNK):
            for entry, fields in entries:
                if task_ids is None or fields["id"] in task_ids:
                    at = int(entry.partition("-")[0]) / 1000
                    found[fields["id"]].append(Event(at, fields["state"]))
            position = f"({entries[-1][0]}"
        return found

    def _fields(self, task_ids: Sequence[str], *names: str) -> list[list[str | None]]:
        pipe = self._client.pipeline(transaction=False)
        for task_id in task_ids:
            pipe.hmget(f"inferq:prediction:{task_id}", names)
        rows: list[list[str | None]] = pipe.execute()
        return rows

    def _counters(self) -> tuple[int, int]:
        counts = self._client.hmget("inferq:counters", "published", "republished")
        published, republished = (int(count or 0) for count in counts)
        return published, republished


def _fate(task_id: str, row: Sequence[str | None], events: tuple[Event, ...]) -> Fate:
    state, attempts, created, finished, error = row
    ends = [event for event in events if event.state in TERMINAL]
    end = ends[-1].at if ends else (events[-1].at if events else 0.0)
    if state is None:
        # Forgotten since; the stream still tells how it ended.
        state = ends[-1].state if ends else None
    return Fate(
        task_id=task_id,
        state=state if state in TERMINAL else None,
        attempts=int(attempts or 0),
        created=int(created) / 1e6 if created else (events[0].at if events else 0.0),
        finished=int(finished) / 1e6 if finished else end,
        error=json.loads(error) if error else None,
        events=events,
    )
