"""Waiting for a prediction without polling: `Prefer: wait=N` (RFC 7240) over the event stream."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress

from starlette.concurrency import run_in_threadpool

from inferq.api.deps import Services
from inferq.api.schemas import View, waits_in_queue
from inferq.errors import NotFound
from inferq.predictions.record import QueuePlace, Record

LONGEST_WAIT = 30
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d+)", re.IGNORECASE)


def wait_preference(header: str | None) -> int | None:
    """The seconds that a `Prefer` header asks to wait, at most 30; None where it does not ask."""
    match = WAIT.search(header or "")
    return min(int(match.group(1)[:6]), LONGEST_WAIT) if match else None


def find(services: Services, task_id: str, owner: str) -> Record:
    """The record of an owner's prediction.

    Raises:
        NotFound: There is none, or it belongs to someone else.
    """
    record = services.store.get(task_id)
    if record is None or record.owner != owner:
        raise NotFound(f"There is no prediction {task_id!r} (any more).")
    return record


def view(services: Services, record: Record) -> View:
    """The record with its place in the queue, where it has one."""
    return View(record, _place(services, record) if waits_in_queue(record) else None)


async def wait_until(
    services: Services,
    read: Callable[[], Record],
    *,
    task_id: str,
    seconds: float,
    done: Callable[[Record], bool],
) -> Record:
    """Reads a record until it is `done` or the time is over; woken by its changes, never by a timer."""
    deadline = time.monotonic() + seconds
    with services.changes.watch(task_id) as changed:
        while True:
            record = await run_in_threadpool(read)
            remaining = deadline - time.monotonic()
            if done(record) or remaining <= 0:
                return record
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), remaining)
            changed.clear()


def _place(services: Services, record: Record) -> QueuePlace:
    model = record.prediction.model
    serving = services.register.serving(str(model))
    ahead = services.store.ahead(record)
    wait = services.store.drain(model).expected_wait(ahead, serving.slots)
    reason = None if serving.workers else "no_worker"
    if not services.publisher.reachable:
        reason = "broker_unavailable"
    return QueuePlace(
        ahead=ahead,
        workers=serving.workers,
        starts_in_seconds=None if wait is None else round(wait, 2),
        reason=reason,
    )
