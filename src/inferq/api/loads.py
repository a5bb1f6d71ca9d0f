"""What each queue has to do, as clients and metrics are told."""

from inferq.api.deps import Services
from inferq.api.schemas import QueueLoad
from inferq.predictions.record import ModelReference


def queue_loads(services: Services) -> tuple[QueueLoad, ...]:
    """The queues of all models, by name.

    Raises:
        StateUnavailable: The state store does not answer.
    """
    return tuple(_load(services, name) for name in sorted(services.register.references()))


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
