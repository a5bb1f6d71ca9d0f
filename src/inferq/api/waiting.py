"""Waiting for a prediction without polling: `Prefer: wait=N` (RFC 7240) over the event stream."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from inferq.api.callers import Access
from inferq.api.deps import Services
from inferq.api.push import Listener, ListenerGone, Told, Update, UpdatesMissed
from inferq.api.schemas import View, etag
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


async def wait_for_change(
    services: Services, task_id: str, access: Access, *, tag: str, seconds: float
) -> View:
    """A prediction once its `ETag` is another one, or at its end; else as for `wait_for_end`."""

    def done(record: Record) -> bool:
        return etag(record) != tag or record.prediction.state.is_terminal

    with services.changes.listen(access, task_id) as listener:
        return await _wait(services, task_id, access, Wait(listener, seconds, done))


async def wait_for_end(services: Services, task_id: str, access: Access, *, seconds: float) -> View:
    """A prediction at its end, or as it is when the time is over; woken by what happens, never by a timer.

    Raises:
        NotFound: There is none (any more), or it belongs to someone else.
        Unauthenticated: The caller's credential was revoked, or has expired, meanwhile.
    """
    with services.changes.listen(access, task_id, ends_only=True) as listener:
        return await _wait(services, task_id, access, Wait(listener, seconds, _has_ended))


async def wait_for_new(
    services: Services, new: View, access: Access, *, listener: Listener, seconds: float
) -> View:
    """The end of a prediction that has just been accepted; else as for `wait_for_end`.

    Args:
        services: Of this process.
        new: As it was accepted.
        access: Whose it is.
        listener: Has listened for its end since before it was accepted.
        seconds: How long to wait.
    """
    wait = Wait(listener, seconds, _has_ended)
    return await _wait(services, new.record.task_id, access, wait, new)


@dataclass(frozen=True, slots=True)
class Wait:
    """What is waited for, and how long."""

    listener: Listener
    seconds: float
    done: Callable[[Record], bool]


async def _wait(
    services: Services, task_id: str, access: Access, wait: Wait, shown: View | None = None
) -> View:
    deadline = time.monotonic() + wait.seconds
    access.caller.require_valid()
    while (remaining := deadline - time.monotonic()) > 0:
        if shown is None:
            shown = await run_in_threadpool(_look_if, services, task_id, access.owner, wait.done)
        if shown is not None and wait.done(shown.record):
            return shown
        try:
            update = await wait.listener.next(min(remaining, access.caller.seconds_left))
        except UpdatesMissed:
            update = None
        except ListenerGone:
            update, deadline = None, time.monotonic()
        # Where nothing was told, what is shown may be stale.
        shown = _told(update)
        access.caller.require_valid()
    if shown is None:
        shown = await run_in_threadpool(look, services, task_id, access.owner)
    return shown


def _look_if(
    services: Services, task_id: str, owner: str, done: Callable[[Record], bool]
) -> View | None:
    """What `look` does, where there is what is waited for: many wait, and most of them for nothing yet.

    Raises:
        NotFound: As for `look`.
    """
    record = find(services, task_id, owner)
    return services.viewer.one(record) if done(record) else None


def _has_ended(record: Record) -> bool:
    return record.prediction.state.is_terminal


def _told(update: Told | None) -> View | None:
    """The prediction that an update tells of; None where it has to be read."""
    if not isinstance(update, Update):
        return None
    if update.view is None:
        raise _not_found(update.change.task_id)
    return update.view


def _not_found(task_id: str) -> NotFound:
    return NotFound(f"There is no prediction {task_id!r} (any more).")
