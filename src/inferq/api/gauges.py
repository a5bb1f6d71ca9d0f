"""What an API process sees of the whole deployment, looked up at each scrape: queues, workers, what it depends on."""

from collections.abc import Callable, Iterator

from fastapi import FastAPI

from inferq import __version__
from inferq.api.deps import Services
from inferq.api.schemas import QueueLoad
from inferq.errors import UnavailableError
from inferq.telemetry.exposing import Metric, gauge, gauges, version_of

QUEUES: dict[str, tuple[str, Callable[[QueueLoad], float | None]]] = {
    "inferq_queue_length": ("Predictions that wait.", lambda load: load.queued),
    "inferq_queue_running": ("Predictions that run.", lambda load: load.running),
    "inferq_queue_oldest_seconds": (
        "How long the first of those that wait has waited since its acceptance.",
        lambda load: load.oldest_seconds or 0.0,
    ),
    "inferq_queue_expected_wait_seconds": (
        "How long a prediction accepted now has to wait; absent while nobody can tell.",
        lambda load: load.expected_wait_seconds,
    ),
    "inferq_queue_finished_per_second": (
        "How fast the queue was worked off when there was something to do.",
        lambda load: load.per_second,
    ),
    "inferq_workers": ("Workers that serve the model.", lambda load: load.workers),
    "inferq_slots": ("Predictions that those workers run at once.", lambda load: load.slots),
}


class Gauges:
    """Asked by the metrics' server. Every API process tells the same of the queues: take the maximum, not the sum."""

    def __init__(self, app: FastAPI) -> None:
        """Takes an application, which need not have been started yet."""
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """What there is to tell at this moment; without the state store that it is away."""
        yield version_of(__version__)
        services: Services | None = getattr(self._app.state, "services", None)
        if services is None:
            return
        state = list(_of_state(services))
        reached = {
            "broker": services.publisher.reachable,
            "state": bool(state),
            "storage": _answers(services.storage.check),
        }
        yield gauges(
            "inferq_part_up", "Whether this process reaches what it needs.", "part", reached
        )
        yield from state
        yield gauge(
            "inferq_publisher_backlog",
            "Messages that wait in this process for the broker.",
            services.publisher.backlog,
        )
        free = services.storage.free_bytes()
        if free is not None:
            yield gauge("inferq_storage_free_bytes", "Free space where inputs lie.", free)


def _of_state(services: Services) -> Iterator[Metric]:
    """What the state store tells; nothing where it does not answer."""
    try:
        loads = services.viewer.loads().items
        memory = services.store.memory_used()
        receivers = services.deliveries.receivers_waiting()
    except UnavailableError:
        return
    for name, (text, value) in QUEUES.items():
        yield gauges(name, text, "model", {load.model: value(load) for load in loads})
    yield gauge("inferq_state_memory_ratio", "How full the state store is; 0: no limit.", memory)
    yield gauge(
        "inferq_webhook_receivers_waiting", "Receivers that something is to be sent to.", receivers
    )


def _answers(check: Callable[[], object]) -> bool:
    try:
        check()
    except UnavailableError:
        return False
    return True
