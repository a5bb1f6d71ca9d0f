"""Watching model folders: a worker begins anew when somebody saves code or a card in one."""

import threading
from collections.abc import Sequence
from pathlib import Path

import structlog
from typing_extensions import override
from watchfiles import Change, DefaultFilter, watch

from inferq.worker.reloading import Reload

SUFFIXES = (".py", ".toml")

log = structlog.get_logger()


class CodeFilter(DefaultFilter):
    """Lets code and cards through, but not what editors and tools leave beside them."""

    @override
    def __call__(self, change: Change, path: str) -> bool:
        """Whether a change counts."""
        return path.endswith(SUFFIXES) and super().__call__(change, path)


def reload_on_save(folders: Sequence[Path], reload: Reload) -> None:
    """From now on, has the process begin anew when something is saved in folders that are there."""
    present = [folder for folder in folders if folder.is_dir()]
    threading.Thread(
        target=_watch, args=(present, reload), name="reload-on-save", daemon=True
    ).start()


def _watch(folders: Sequence[Path], reload: Reload) -> None:
    for changes in watch(*folders, watch_filter=CodeFilter(), raise_interrupt=False):
        log.info("saved", files=sorted({path for _, path in changes}))
        reload.ask()
