"""What a worker is doing at this moment: its slots, the attempts in them, and since when each is at work."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from inferq.predictions.record import Attempt


class Stopwatch:
    """How long an attempt has been at work itself, without the time in which it waited for its neighbours."""

    def __init__(self) -> None:
        """Runs from now on."""
        self._lock = threading.Lock()
        self._before = 0.0
        self._since: float | None = time.monotonic()

    @property
    def seconds(self) -> float:
        """So far."""
        with self._lock:
            return self._before + (0 if self._since is None else time.monotonic() - self._since)

    def pause(self) -> None:
        """The attempt waits from now on."""
        with self._lock:
            if self._since is not None:
                self._before += time.monotonic() - self._since
                self._since = None

    def resume(self) -> None:
        """The attempt is at work again."""
        with self._lock:
            if self._since is None:
                self._since = time.monotonic()


class Slots:
    """Shared by the threads that run attempts, the heartbeat, the watchdog and the drain."""

    def __init__(self, count: int) -> None:
        """Takes how many predictions run at once."""
        self.count = count
        self._lock = threading.Lock()
        self._busy = 0
        # A worker that has just begun has proven nothing: its first report tells of no free slot.
        self._most_busy = count
        self._deliveries = 0
        self._held: dict[str, Attempt] = {}
        self._at_work: dict[str, Stopwatch] = {}

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A slot is taken, from the arrival of a message until it is done with."""
        with self._lock:
            self._busy += 1
            self._deliveries += 1
            self._most_busy = max(self._most_busy, self._busy)
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    @contextmanager
    def holding(self, attempt: Attempt) -> Iterator[None]:
        """An attempt is ours, so its lease is to be renewed."""
        with self._lock:
            self._held[attempt.token] = attempt
        try:
            yield
        finally:
            with self._lock:
                del self._held[attempt.token]

    @contextmanager
    def at_work(self, attempt: Attempt) -> Iterator["Stopwatch"]:
        """The part of an attempt that must come to an end: read … post-process.

        Yields:
            What it is told by when the attempt waits for its neighbours.
        """
        stopwatch = Stopwatch()
        with self._lock:
            self._at_work[attempt.token] = stopwatch
        try:
            yield stopwatch
        finally:
            with self._lock:
                del self._at_work[attempt.token]

    def held(self) -> list[Attempt]:
        """The attempts that are ours at this moment."""
        with self._lock:
            return list(self._held.values())

    def longer_than(self, limit: timedelta) -> list[Attempt]:
        """The attempts that have been at work for longer than a limit."""
        seconds = limit.total_seconds()
        with self._lock:
            return [
                self._held[token]
                for token, stopwatch in self._at_work.items()
                if stopwatch.seconds > seconds
            ]

    def report(self) -> tuple[int, int]:
        """Slots that were free all the time since the last report, and the messages that arrived in that time."""
        with self._lock:
            free, deliveries = self.count - self._most_busy, self._deliveries
            self._most_busy, self._deliveries = self._busy, 0
        return max(free, 0), deliveries
