"""Holds a worker's slots while the storage is away: with every slot held, it takes no more messages."""

import threading

import structlog

from inferq.errors import StorageUnavailable
from inferq.storage import Storage

PROBE_SECONDS = 1.0

log = structlog.get_logger()


class StorageWatch:
    """Knows whether the storage was there when it was last asked for something."""

    def __init__(self, storage: Storage) -> None:
        """Trusts the storage until told otherwise."""
        self._storage = storage
        self._away = threading.Event()
        self._probing = threading.Lock()
        self._pause = threading.Event()

    def report_away(self) -> None:
        """Says that the storage did not answer."""
        self._away.set()

    def wait(self) -> None:
        """Returns at once, or as soon as the storage answers a probe again."""
        while self._away.is_set():
            with self._probing:
                if self._away.is_set():
                    self._probe()

    def _probe(self) -> None:
        try:
            self._storage.check()
        except StorageUnavailable:
            self._pause.wait(PROBE_SECONDS)
        else:
            log.info("storage_available")
            self._away.clear()
