"""Predictions that no attempt will end: lost leases, deadlines that have passed."""

from collections.abc import Iterable

import structlog

from inferq.errors import RecordTooNew
from inferq.predictions.endings import attempts_exhausted, queue_timeout
from inferq.predictions.record import Record, State
from inferq.telemetry.metrics import count_attempt, count_finished
from inferq.upkeep.parts import Parts

BATCH = 500

log = structlog.get_logger()


def requeue_lapsed(parts: Parts) -> None:
    """Queues predictions again whose worker no longer renews their lease, or fails them after their last attempt."""
    _requeue(parts, parts.repairs.lapsed_leases(BATCH), dead=False)


def requeue_of_dead(parts: Parts, worker: str = "") -> None:
    """Queues predictions again at once whose worker is known to be dead.

    Args:
        parts: Of this process.
        worker: How the dead worker's id begins; by default no worker is alive at all.
    """
    _requeue(parts, parts.repairs.leases(), dead=True, worker=worker)


def end_overdue(parts: Parts) -> None:
    """Fails queued predictions whose deadline has passed."""
    for task_id in parts.repairs.overdue(BATCH):
        record = _known(parts, task_id)
        if record is None:
            continue
        problem = queue_timeout(record)
        if parts.store.fail(task_id, problem, policy=parts.policy):
            count_finished(str(record.prediction.model), State.FAILED, problem.code)
            log.warning("overdue", **record.log_fields)


def _requeue(parts: Parts, task_ids: Iterable[str], *, dead: bool, worker: str = "") -> None:
    for task_id in task_ids:
        record = _known(parts, task_id)
        if record is None or not record.worker.startswith(worker):
            continue
        problem = attempts_exhausted(record)
        outcome = parts.store.requeue(record, problem, policy=parts.policy, dead=dead)
        if outcome == "failed":
            count_finished(str(record.prediction.model), State.FAILED, problem.code)
        if outcome in ("requeued", "failed"):
            count_attempt(str(record.prediction.model), "lost")
            log.warning("attempt_lost", **record.log_fields, worker=record.worker, outcome=outcome)


def _known(parts: Parts, task_id: str) -> Record | None:
    """A record; None where there is none, or where upkeep of a newer version has to see to it."""
    try:
        return parts.store.get(task_id)
    except RecordTooNew:
        return None
