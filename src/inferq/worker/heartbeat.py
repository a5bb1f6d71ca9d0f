"""A worker's signs of life: leases and registration in the state store, a file that proves that it consumes."""

import socket
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from inferq.errors import StateUnavailable
from inferq.models.register import RegisteredCard
from inferq.predictions.record import ModelReference
from inferq.upkeep.parts import Parts
from inferq.worker.liveness import BeatFile
from inferq.worker.slots import Slots

INTERVAL = timedelta(seconds=2)
STALLED_BEATS = 6

log = structlog.get_logger()


class Every:
    """A thread that does something again and again until it is stopped."""

    def __init__(self, interval: timedelta, action: Callable[[], object], *, name: str) -> None:
        """Starts nothing yet."""
        self._interval = interval.total_seconds()
        self._action = action
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join(self._interval)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self._action()
            except StateUnavailable:
                log.warning("heartbeat_missed")
            except Exception:
                # The edge of a thread whose end would cost every running attempt its lease.
                log.exception("heartbeat_failed")


class Heartbeat:
    """What a worker says of itself every two seconds."""

    def __init__(
        self,
        worker: str,
        slots: Slots,
        cards: Sequence[RegisteredCard],
        *,
        parts: Parts,
        file: BeatFile,
    ) -> None:
        """Says nothing yet."""
        self._worker = worker
        self._slots = slots
        self._cards = cards
        self._parts = parts
        self._file = file
        self.connection: Callable[[], object] = lambda: True
        """What the consumer is connected by at this moment; None while it is not."""
        self._last_connection: object = None
        self._stalled = 0
        self._registration = threading.Lock()
        self._draining = False
        self._drained: frozenset[str] = frozenset()
        self._leave: Callable[[frozenset[str]], None] | None = None

    def beat(self) -> None:
        """Renews leases and registration; writes the file.

        Raises:
            StateUnavailable: The state store does not answer. The file was written nevertheless.
        """
        free, deliveries = self._slots.report()
        self._file.write(consuming=self._stalled < STALLED_BEATS)
        for task_id in self._parts.store.renew(self._slots.held()):
            log.warning("lease_lost", task_id=task_id)
        with self._registration:
            if self._draining:
                return
            models = [card.reference for card in self._cards]
            self._drained = self._parts.draining.of(
                self._worker, host=socket.gethostname(), models=models
            )
            if self._leave is not None:
                self._leave(self._drained)
            self._parts.register.register(
                self._worker,
                slots=self._slots.count,
                free=free if self._stayed_connected() else 0,
                cards=self._cards,
                drained=self._drained,
            )
            self._watch_consumption(free, deliveries)

    def take_up(self, leave: Callable[[frozenset[str]], None]) -> None:
        """Says how the worker is told, at each beat, of which models to take nothing new (`inferq drain`)."""
        self._leave = leave
        leave(self._drained)

    def drain(self) -> None:
        """From now on this worker takes no more messages; it only renews what it runs.

        Raises:
            StateUnavailable: The state store does not answer; the registration will run out.
        """
        with self._registration:  # a beat that has begun would register it again
            self._draining = True
            self._parts.register.unregister(self._worker, self._cards)

    def _stayed_connected(self) -> bool:
        """Whether one connection held since the last beat: else no slot was free for messages all that time."""
        before, self._last_connection = self._last_connection, self.connection()
        return before is self._last_connection is not None

    def _watch_consumption(self, free: int, deliveries: int) -> None:
        """Counts beats in which work waited with the broker, a slot was free, and nothing arrived.

        A consumer can lose its subscription while its connection and process look healthy (celery#10302).
        """
        stalled = (
            free > 0 and deliveries == 0 and self._parts.publisher.reachable and self._work_waits()
        )
        self._stalled = self._stalled + 1 if stalled else 0
        if self._stalled == STALLED_BEATS:
            log.error("not_consuming", worker=self._worker)

    def _work_waits(self) -> bool:
        models = (
            ModelReference(name=card.name, version=card.version)
            for card in self._cards
            if card.reference not in self._drained
        )
        ages = (self._parts.queues.oldest_published(model) for model in models)
        return any(age is not None and age >= INTERVAL for age in ages)
