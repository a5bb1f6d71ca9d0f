"""Batches: what carries one label."""

from inferq.api.deps import ChangeAccess, ReadAccess, Services, ServicesDep
from inferq.api.routers import resource_router
from inferq.api.schemas import problems
from inferq.errors import NotFound
from inferq.predictions.lists import UNFINISHED
from inferq.predictions.record import Batch, State

LAST = 20
"""How many of a batch's newest are looked at for the one that waits longest."""

router = resource_router("/batches/{batch:path}", tags=["batches"], responses=problems(404, 503))


@router.get("", summary="Look at a batch")
def get(batch: str, services: ServicesDep, access: ReadAccess) -> Batch:
    """How many of a batch's predictions stand in each state, and when all are expected to have ended."""
    return _look(services, access.owner, batch)


@router.post("/cancel", summary="Cancel a batch", responses=problems(403))
def cancel(batch: str, services: ServicesDep, access: ChangeAccess) -> Batch:
    """Cancels all predictions of a batch that have not ended; repeated, it answers the same again."""
    _look(services, access.owner, batch)
    for task_id in services.lists.unfinished_of(access.owner, batch):
        services.store.cancel(task_id, retention=services.settings.retention)
    return _look(services, access.owner, batch)


def _look(services: Services, owner: str, batch: str) -> Batch:
    counts = services.lists.tally(owner, batch)
    if not counts:
        raise NotFound(f"There is no batch {batch!r} (any more).")
    return Batch(
        batch=batch,
        total=sum(counts.values()),
        counts={state: counts.get(state, 0) for state in State},
        finished_in_seconds=_expected(services, owner, batch, counts),
    )


def _expected(services: Services, owner: str, batch: str, counts: dict[State, int]) -> float | None:
    """Seconds until the last one ends: when the newest that waits is expected to start, and one attempt."""
    if not any(counts.get(state) for state in UNFINISHED):
        return 0.0
    records = services.lists.newest_unfinished(owner, batch, LAST)
    waits = [place.starts_in_seconds for place in services.viewer.places(records).values()]
    services_times = [services.queues.drain(record.prediction.model).service for record in records]
    if None in waits or None in services_times or not records:
        return None
    longest = max((wait for wait in waits if wait is not None), default=0.0)
    attempt = max(time for time in services_times if time is not None)
    return round(longest + attempt, 2)
