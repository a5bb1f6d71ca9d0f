"""SIGHUP: a worker takes up new model folders by becoming a new process, as soon as it has finished what it runs.

The process keeps its id, so that a supervisor sees no death. While it is away, messages wait with the broker, and
other workers take them.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import structlog

from inferq.errors import SetupError
from inferq.telemetry.traces import stop_traces
from inferq.worker.liveness import STALE_SECONDS, BeatFile, living_workers

POLL_SECONDS = 0.05

log = structlog.get_logger()


class Reload:
    """Whether and when this process is to begin anew."""

    def __init__(
        self, check: Callable[[], object] = lambda: None, *, models_dir: Path | None = None
    ) -> None:
        """Listens to nothing yet.

        Args:
            check: Raises `SetupError` if the process could not start again with what lies there now.
            models_dir: The folder whose model folders are all taken up; None where models were named.
        """
        self.models_dir = models_dir
        self.due = False
        """Whether to begin anew once everything has been stopped."""
        self._check = check
        self._can_drain = False
        self._asked_early = False
        self._ended_here = False
        self._endings = 0

    def listen(self) -> None:
        """From now on a SIGHUP is not missed; before `ready` it is kept in mind."""
        signal.signal(signal.SIGHUP, lambda *_: self.ask())

    def ready(self) -> None:
        """Says that from now on SIGTERM drains this process."""
        self.listen()
        self._can_drain = True
        if self._asked_early:
            self.ask()

    def shutting_down(self) -> None:
        """Called at each SIGTERM or SIGINT: one that is not ours means to stop for good."""
        self._endings += 1
        self.due = self._ended_here and self._endings == 1

    def begin_anew(self) -> NoReturn:
        """Replaces this process by a new one with the same command line."""
        # Until the new one listens; it looks for folders only after that.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        stop_traces()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command

    def ask(self) -> None:
        """Does what a SIGHUP does."""
        if not self._can_drain:
            self._asked_early = True
        elif not (self._ended_here or self._endings):
            # Not here: a signal handler must not wait for files.
            threading.Thread(target=self._drain, name="reload", daemon=True).start()

    def _drain(self) -> None:
        try:
            self._check()
        except SetupError as error:
            log.error("reload_refused", reason=str(error))  # noqa: TRY400 - it says enough
            return
        log.info("reloading")
        self._ended_here = True
        os.kill(os.getpid(), signal.SIGTERM)


def reloadable_workers() -> list[BeatFile]:
    """The files of this user's workers on this machine that listen to SIGHUP and gave a sign of life lately.

    Others are left alone: a signal to a process that has taken a dead worker's number could end it.
    """
    files = ((file, file.read()) for file in living_workers())
    oldest = time.time() - STALE_SECONDS
    return [file for file, said in files if said and "worker" in said and said["beat"] > oldest]


def ask_to_reload(workers: Sequence[BeatFile], *, seconds: float) -> list[Mapping[str, Any]]:
    """Has workers of this machine begin anew.

    Args:
        workers: Their files.
        seconds: How long to wait for them.

    Returns:
        What those that came back in time say of themselves.
    """
    before = {file.pid: _start_of(file) for file in workers}
    for file in workers:
        os.kill(file.pid, signal.SIGHUP)
    back: dict[int, Mapping[str, Any]] = {}
    deadline = time.monotonic() + seconds
    while len(back) < len(workers) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        for file in workers:
            said = file.read()
            if said and said.get("worker") not in (None, before[file.pid]):
                back[file.pid] = said
    return list(back.values())


def _start_of(file: BeatFile) -> str | None:
    said = file.read()
    return None if said is None else said.get("worker")
