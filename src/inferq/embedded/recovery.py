"""What only the supervisor knows: that a worker is dead. Its predictions need not wait for their leases to run out.

Only for the Valkey of `inferq up`, whose clients are all children of this supervisor.
"""

import structlog
from pydantic import SecretStr

from inferq.errors import StateUnavailable
from inferq.settings import Settings
from inferq.upkeep.lives import requeue_of_dead
from inferq.upkeep.parts import Parts
from inferq.worker.liveness import worker_id

log = structlog.get_logger()


class Recovery:
    """Queues the predictions of dead workers again; each keeps its attempt counted."""

    def __init__(self, settings: Settings, redis_url: str) -> None:
        """Connects to nothing yet."""
        self._parts = Parts.create(settings.model_copy(update={"redis_url": SecretStr(redis_url)}))

    def answers(self) -> bool:
        """Whether the state store answers yet."""
        try:
            self._parts.store.ping()
        except StateUnavailable:
            return False
        return True

    def after_restart(self) -> None:
        """No worker is running yet: whatever the store calls running was cut off."""
        self._recover("")

    def after_death(self, pid: int) -> None:
        """One worker process has died."""
        self._recover(worker_id(pid, ""))

    def _recover(self, worker: str) -> None:
        try:
            requeue_of_dead(self._parts, worker)
        except StateUnavailable:
            log.warning("left_to_leases")
