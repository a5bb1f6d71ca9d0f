"""What goes: predictions that expire, the oldest ones when room runs out, their blobs, whole days of blobs."""

import threading
from datetime import UTC, datetime, timedelta

import structlog

from inferq.errors import UnavailableError
from inferq.predictions.repairs import Garbage
from inferq.upkeep.parts import Parts

BATCH = 500
REMOVERS = 16
# Below what makes the API refuse (0.8 of the memory, the disk's floor): old results go before new requests do.
MEMORY_FULL = 0.75
DISK_RESERVE = 1.25
SPARE = timedelta(days=1)

log = structlog.get_logger()


def expire(parts: Parts) -> bool:
    """Deletes some of what has expired; where memory or disk runs out, the oldest results before their time.

    Returns:
        Whether more has expired.
    """
    expired = parts.repairs.expired(BATCH)
    parts.store.delete(*expired)
    if len(expired) == BATCH:
        return True
    # What was deleted gives its room back with its blobs: no more goes until those are gone.
    if not _is_short(parts) or parts.repairs.garbage_waiting():
        return False
    oldest = parts.repairs.oldest_finished(BATCH)
    parts.store.delete(*oldest)
    if oldest:
        log.warning("forgotten_before_their_time", count=len(oldest))
    return False


def collect_garbage(parts: Parts) -> bool:
    """Removes the blobs of some deleted predictions.

    Returns:
        Whether there is more, and the storage takes it.
    """
    found = parts.repairs.garbage(BATCH)
    left = iter(found)
    gone: list[Garbage] = []
    errors: list[UnavailableError] = []

    def remove() -> None:
        for garbage in left:
            try:
                parts.storage.delete_all(garbage.input_key)
            except UnavailableError as error:
                errors.append(error)
                return
            gone.append(garbage)

    # One after another, blobs at a distance would go more slowly than predictions come. Not by an executor, whose
    # threads would hold up the end of the process for as long as the storage hangs.
    removers = [
        threading.Thread(target=remove, name="tidying", daemon=True)
        for _ in range(min(REMOVERS, len(found)))
    ]
    for remover in removers:
        remover.start()
    for remover in removers:
        remover.join()
    parts.repairs.forget_garbage(gone)
    if errors:
        log.warning("garbage_left", count=len(found) - len(gone), code=errors[0].code)
        return False
    return len(found) == BATCH


def drop_days(parts: Parts) -> None:
    """Removes whole days of blobs that no prediction can need any more: leftovers of what was never accepted."""
    longest_life = parts.settings.queue_timeout + parts.policy.retention + SPARE
    last = (datetime.now(UTC) - longest_life).date()
    try:
        for day in parts.storage.days():
            if day < last:
                parts.storage.drop_day(day)
                log.info("day_dropped", day=day.isoformat())
    except UnavailableError as error:
        log.warning("days_left", code=error.code)


def _is_short(parts: Parts) -> bool:
    """Whether room is running out, in the state store or on the disk."""
    if parts.store.memory_used() > MEMORY_FULL:
        return True
    free = parts.storage.free_bytes()
    return free is not None and free < DISK_RESERVE * parts.settings.min_free_disk_bytes
