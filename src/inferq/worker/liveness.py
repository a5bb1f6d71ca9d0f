"""The file by which others see whether a worker on this machine lives and consumes: no store or broker needed.

Standard library only: a probe runs every few seconds and should cost little. `python -m inferq.worker.liveness` asks what
`inferq worker --healthcheck` asks for a twentieth of its CPU.
"""

import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

STALE_SECONDS = 20.0


def beat_folder() -> Path:
    """Where this user's workers leave their files."""
    return Path(tempfile.gettempdir()) / f"inferq-{os.getuid()}"


def worker_id(pid: int, suffix: str) -> str:
    """The id of one start of a worker; without a suffix, how the ids of a process begin."""
    return f"{socket.gethostname()}-{pid}-{suffix}"


def host_of(worker: str) -> str:
    """The host of a worker, from its id."""
    return worker.rsplit("-", 2)[0]


class BeatFile:
    """One worker's file: written at every heartbeat, read by its supervisor and by `inferq worker --healthcheck`."""

    def __init__(self, pid: int | None = None, *, about: Mapping[str, Any] | None = None) -> None:
        """Names the file of a process, by default of this one.

        Args:
            pid: Of the process.
            about: What else the worker says of itself: `worker` (its id), `models`, `models_dir`.
        """
        self.pid = pid or os.getpid()
        self._about = dict(about or {})
        self._path = beat_folder() / f"worker-{self.pid}.json"

    def write(self, *, consuming: bool) -> None:
        """Says that the worker lives, and whether messages that wait reach it."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(self._about | {"beat": time.time(), "consuming": consuming}))
        draft.replace(self._path)

    def remove(self) -> None:
        """Ends the worker's signs of life."""
        self._path.unlink(missing_ok=True)

    def read(self) -> dict[str, Any] | None:
        """What the worker last said; None where it has not begun to beat."""
        try:
            said: dict[str, Any] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return None
        return said

    def trouble(self, since: float = 0.0) -> str | None:
        """What is wrong with the worker; None where all is well, or where it has not begun to beat.

        Args:
            since: When the process was started (seconds since the epoch): what lies there from before
                belongs to an earlier one of the same number.
        """
        said = self.read()
        if said is None or said["beat"] < since:
            return None
        age = time.time() - said["beat"]
        if age > STALE_SECONDS:
            return f"worker {self.pid} gave no sign of life for {age:.0f} s"
        if not said["consuming"]:
            return f"worker {self.pid} is connected, but messages that wait do not reach it"
        return None


def check_workers() -> str | None:
    """What is wrong with this machine's workers; None where there is one and all are well."""
    living = list(living_workers())
    if not living:
        return "no worker is running here, or none has loaded its models yet"
    return next((trouble for file in living if (trouble := file.trouble())), None)


def living_workers() -> Iterator[BeatFile]:
    """The files of this user's workers on this machine; those of dead ones are removed."""
    for path in sorted(beat_folder().glob("worker-*.json")):
        pid = int(path.stem.removeprefix("worker-"))
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(OSError):
                path.unlink()
            continue
        except PermissionError:
            pass
        yield BeatFile(pid)


def main() -> int:
    """The probe of orchestrators: status 0 where all is well, else 1 and the reason."""
    trouble = check_workers()
    (sys.stderr if trouble else sys.stdout).write(f"{trouble or 'well'}\n")
    return 0 if trouble is None else 1


if __name__ == "__main__":
    sys.exit(main())
