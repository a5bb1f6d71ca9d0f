"""Waiting for a prediction without polling: `Prefer: wait=N` (RFC 7240) over the event stream."""

import re
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from inferq.api.callers import Access
from inferq.api.deps import Services
from inferq.api.push import ListenerGone, Told, Update, UpdatesMissed
from inferq.api.schemas import View
from inferq.errors import NotFinished, NotFound
from inferq.predictions.record import Prediction, Record

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
        raise _not_found(task_id)
    return record


def require_end(record: Record) -> Prediction:
    """The prediction of a record that has ended.

    Raises:
        NotFinished: It has not.
    """
    prediction = record.prediction
    if not prediction.state.is_terminal:
        raise NotFinished(f"The prediction is {prediction.state}; wait for its end.", retry_after=1)
    return prediction


def look(services: Services, task_id: str, owner: str) -> View:
    """An owner's prediction as it is shown.

    Raises:
        NotFound: There is none, or it belongs to someone else.
    """
    return services.viewer.one(find(services, task_id, owner))


async def wait_until(
    services: Services,
    task_id: str,
    access: Access,
    *,
    seconds: float,
    done: Callable[[Record], bool],
) -> View:
    """A prediction once it is `done`, or as it is when the time is over; woken by its changes, never by a timer.

    Raises:
        NotFound: There is none (any more), or it belongs to someone else.
        Unauthenticated: The caller's credential was revoked, or has expired, meanwhile.
    """
    deadline = time.monotonic() + seconds
    with services.changes.listen(access, task_id) as listener:
        shown: View | None = None
        while True:
            access.caller.require_valid()
            if shown is None:
                shown = await run_in_threadpool(look, services, task_id, access.owner)
            remaining = deadline - time.monotonic()
            if done(shown.record) or remaining <= 0:
                return shown
            try:
                update = await listener.next(min(remaining, access.caller.seconds_left))
            except UpdatesMissed:
                update = None
            except ListenerGone:
                deadline = time.monotonic()
                continue
            shown = _told(update)


def _told(update: Told | None) -> View | None:
    """The prediction that an update tells of; None where it has to be read."""
    if not isinstance(update, Update):
        return None
    if update.view is None:
        raise _not_found(update.change.task_id)
    return update.view


def _not_found(task_id: str) -> NotFound:
    return NotFound(f"There is no prediction {task_id!r} (any more).")
