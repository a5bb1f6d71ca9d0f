"""Ends a worker whose attempt does not end, and one whose drain takes too long: threads cannot be stopped singly."""

import os
from collections.abc import Collection
from datetime import timedelta

import structlog

from inferq.errors import StateUnavailable
from inferq.predictions.endings import attempt_timeout
from inferq.predictions.record import Attempt, State
from inferq.predictions.store import Policy, PredictionStore
from inferq.telemetry.metrics import count_attempt, count_finished
from inferq.worker.slots import Slots

INTERVAL = timedelta(milliseconds=500)
HUNG_STATUS = 70

log = structlog.get_logger()


class Watchdog:
    """Puts back what a worker runs, and ends the process."""

    def __init__(
        self, store: PredictionStore, slots: Slots, *, policy: Policy, limit: timedelta
    ) -> None:
        """Takes the longest time that one attempt may take, from read to post-process."""
        self._store = store
        self._slots = slots
        self._policy = policy
        self._limit = limit

    def check(self) -> None:
        """Ends the process if an attempt hangs; what ran beside it is not charged with an attempt."""
        hung = self._slots.longer_than(self._limit)
        if not hung:
            return
        for attempt in hung:
            log.error("attempt_hangs", task_id=attempt.task_id, limit_s=self._limit.total_seconds())
            self._charge(attempt)
        self._end(self._slots.held(), HUNG_STATUS)

    def end_drain(self) -> None:
        """Puts back what still runs at the end of a drain, and ends the process."""
        held = self._slots.held()
        log.warning("drain_ends", released=len(held))
        self._end(held, 0)

    def _charge(self, attempt: Attempt) -> None:
        try:
            record = self._store.get(attempt.task_id)
            if record is not None and record.token == attempt.token:
                problem = attempt_timeout(record, self._limit)
                model = str(record.prediction.model)
                ended = self._store.requeue(record, problem, policy=self._policy, dead=True)
                count_attempt(model, "hung")
                if ended == "failed":
                    count_finished(model, State.FAILED, problem.code)
        except StateUnavailable:
            log.warning("left_to_its_lease", task_id=attempt.task_id)

    def _end(self, held: Collection[Attempt], status: int) -> None:
        try:
            for attempt in held:
                # What hung was requeued already, so its release is refused.
                self._store.release(attempt)
        except StateUnavailable:
            log.warning("left_to_their_leases", count=len(held))
        os._exit(status)
