"""What each queue has to do, as clients and metrics are told."""

from collections.abc import Callable
from typing import Literal

from inferq.api.schemas import QueueLoad
from inferq.models.register import ModelRegister
from inferq.predictions.queues import Queues
from inferq.predictions.record import ModelReference

Reason = Literal["no_worker", "broker_unavailable"]


def queue_loads(
    register: ModelRegister, queues: Queues, reason: Callable[[int], Reason | None]
) -> tuple[QueueLoad, ...]:
    """The queues of all models, by name.

    Args:
        register: Who serves what.
        queues: What waits and runs.
        reason: What keeps predictions from starting that so many workers serve.

    Raises:
        StateUnavailable: The state store does not answer.
    """

    def load_of(name: str) -> QueueLoad:
        model = ModelReference.parse(name)
        load, drain = queues.load(model), queues.drain(model)
        serving = register.serving(name)
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
            reason=reason(serving.workers),
        )

    return tuple(load_of(name) for name in sorted(register.references()))
