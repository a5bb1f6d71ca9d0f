"""Whether there is room for one more prediction, in the state store's memory and on the disk."""

import threading
import time

from inferq.errors import DiskFull, QueueFull
from inferq.upkeep.parts import Parts

MEMORY_FULL = 0.8
KNOWN_FOR_SECONDS = 1.0
RETRY_AFTER = 30


class Capacity:
    """Looks at most once a second, however many requests ask."""

    def __init__(self, parts: Parts) -> None:
        """Looks at nothing yet."""
        self._parts = parts
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._memory_full = False
        self._disk_full = False

    def check(self) -> None:
        """Returns if there is room.

        Raises:
            QueueFull: The state store is nearly full; what it holds already still gets finished.
            DiskFull: The storage is nearly full.
            StateUnavailable: The state store does not answer.
        """
        with self._lock:
            if time.monotonic() - self._looked > KNOWN_FOR_SECONDS:
                self._look()
        if self._memory_full:
            raise QueueFull(
                "The state store is nearly full. Try again once predictions were finished and forgotten.",
                retry_after=RETRY_AFTER,
            )
        if self._disk_full:
            raise DiskFull(
                "The storage is nearly full. Try again once predictions were finished and forgotten.",
                retry_after=RETRY_AFTER,
            )

    def _look(self) -> None:
        self._memory_full = self._parts.store.memory_used() > MEMORY_FULL
        free = self._parts.storage.free_bytes()
        floor = self._parts.settings.min_free_disk_bytes
        self._disk_full = free is not None and free < floor
        self._looked = time.monotonic()
