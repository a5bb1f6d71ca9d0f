"""Has the disk keep what the embedded Valkey wrote, once a second, in Valkey's stead.

Where Valkey itself syncs every second (`appendfsync everysec`) and the disk takes its time, it answers commands and holds
their writes back for up to two seconds: a Valkey that is killed then has lost what it acknowledged. So it writes at once and
leaves the syncing to its supervisor (`appendfsync no`): a kill loses nothing, a power cut what came since the last sync.
"""

import os
import threading
import time
from pathlib import Path

import structlog

INTERVAL = 1.0

log = structlog.get_logger()


def keep_synced(folder: Path) -> None:
    """Syncs Valkey's data in a folder for as long as this process lives; Valkey syncs a last time as it ends."""
    threading.Thread(target=_sync_always, args=[folder], name="syncing", daemon=True).start()


def sync(folder: Path) -> None:
    """Returns once all that Valkey wrote there before is on the disk."""
    for path in folder.glob("appendonlydir/*.incr.aof"):
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue  # rewritten meanwhile; Valkey syncs what it rewrites
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _sync_always(folder: Path) -> None:
    while True:
        time.sleep(INTERVAL)
        try:
            sync(folder)
        except OSError as error:
            log.warning("not_synced", folder=str(folder), exc_info=error)
