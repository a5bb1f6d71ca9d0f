"""The queues: what waits and runs of each model, and how fast it is worked off."""

from fastapi import APIRouter

from inferq.api.deps import MAY_READ, Services, ServicesDep
from inferq.api.schemas import QueueList, QueueLoad, problems
from inferq.predictions.record import ModelReference

router = APIRouter(tags=["queue"], dependencies=[MAY_READ], responses=problems(503))


@router.get("/queue", summary="Look at the queues")
def get(services: ServicesDep) -> QueueList:
    """What waits and runs of each model, who works it off, and how long a prediction sent now has to wait."""
    return QueueList(
        items=tuple(_load(services, name) for name in sorted(services.register.references()))
    )


def _load(services: Services, name: str) -> QueueLoad:
    model = ModelReference.parse(name)
    load, drain = services.queues.load(model), services.queues.drain(model)
    serving = services.register.serving(name)
    wait = drain.expected_wait(load.queued, serving.slots)
    return QueueLoad(
        model=name,
        queued=load.queued,
        running=load.running,
        workers=serving.workers,
        slots=serving.slots,
        per_second=round(1 / drain.interval, 2) if drain.interval else None,
        oldest_seconds=None if load.oldest is None else round(load.oldest.total_seconds(), 2),
        expected_wait_seconds=None if wait is None else round(wait, 2),
        reason=services.viewer.reason(serving.workers),
    )
