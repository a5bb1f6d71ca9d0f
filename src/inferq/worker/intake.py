"""Which queues a worker takes messages from: not those of models that it was told to take nothing new of."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

log = structlog.get_logger()


class Intake:
    """Has a Celery worker's consumer leave queues and come back to them; what was delivered before is worked on."""

    def __init__(self, worker: Any, queues: Mapping[str, Sequence[str]]) -> None:
        """Takes a Celery worker and the names of each model's queues."""
        self._worker = worker
        self._queues = queues
        self._left: frozenset[str] = frozenset()

    def leave(self, models: frozenset[str]) -> None:
        """From the next turn of its loop on, nothing new of these models is taken, and all of the others.

        Called by any thread, and again and again: it also mends what a broken connection kept from being done.
        """
        if models != self._left:
            log.info("intake_changed", left=sorted(models))
        self._left = models
        consumer = self._worker.consumer
        if consumer is None or not consumer.hub:
            # Nothing is consumed yet: what is not selected then will not be.
            self._worker.app.amqp.queues.deselect(self._to_leave())
        elif self._to_leave() or self._to_join():
            consumer.call_soon(self._change, consumer)

    def _change(self, consumer: Any) -> None:
        for name in self._to_leave():
            consumer.cancel_task_queue(name)
        for name in self._to_join():
            consumer.add_task_queue(name)

    def _to_leave(self) -> list[str]:
        selected = self._worker.app.amqp.queues.consume_from
        return [name for model in self._left for name in self._queues[model] if name in selected]

    def _to_join(self) -> list[str]:
        selected = self._worker.app.amqp.queues.consume_from
        wanted = self._queues.keys() - self._left
        return [name for model in wanted for name in self._queues[model] if name not in selected]
