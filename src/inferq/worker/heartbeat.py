"""A worker's sign of life: it renews the leases of its attempts and the registration of its cards."""

import threading
from collections.abc import Callable

import structlog

from inferq.errors import StateUnavailable

INTERVAL = 2.0

log = structlog.get_logger()


class Heartbeat:
    """A thread that beats every two seconds until it is stopped."""

    def __init__(self, *beats: Callable[[], object]) -> None:
        """Takes what is to be done at each beat."""
        self._beats = beats
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join(INTERVAL)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            for beat in self._beats:
                try:
                    beat()
                except StateUnavailable:
                    log.warning("heartbeat_missed")
