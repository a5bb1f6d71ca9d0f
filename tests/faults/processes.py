"""One process of a fault campaign: started, hurt and ended by its id, never by its name."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

OWN_PREFIX = "inferq-f-"


def short_folder() -> Path:
    """A private folder with a short path: unix sockets and Erlang want one."""
    return Path(tempfile.mkdtemp(prefix=OWN_PREFIX))


class Process:
    """A command that can be started again after each end; the kernel ends it with whoever started it."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, name: str
    ) -> None:
        self.command = list(command)
        self.name = name
        self.log = folder / f"{name}.log"
        self._environment = dict(environment)
        self._folder = folder
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of its last start."""
        assert self._popen is not None, f"{self.name} was never started"
        return self._popen.pid

    @property
    def status(self) -> int | None:
        """How it ended; None while it runs."""
        return self._popen.poll() if self._popen else None

    @property
    def alive(self) -> bool:
        """Whether it runs, or is frozen, at this moment."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def output(self) -> str:
        """What all its starts have printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self) -> Self:
        """Starts it, in a group of its own so that Ctrl-C reaches the campaign alone."""
        assert not self.alive, f"{self.name} runs already"
        guard = shutil.which("setpriv")
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*((guard, "--pdeathsig", "KILL") if guard else ()), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._environment,
                process_group=0,
            )
        return self

    def send(self, number: signal.Signals) -> None:
        """Sends a signal, if it still runs."""
        if self.alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and waits for its end."""
        self.send(signal.SIGKILL)
        self.wait(10)

    def terminate(self) -> None:
        """SIGTERM; `wait` tells when it has ended."""
        self.send(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: it is there, its connections stand, and it does nothing."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.send(signal.SIGCONT)

    def wait(self, seconds: float) -> int:
        """Its exit status, once it has ended.

        Raises:
            TimeoutExpired: It has not ended in time.
        """
        assert self._popen is not None, f"{self.name} was never started"
        return self._popen.wait(seconds)

    def end(self) -> None:
        """Ends it in whatever state it is; no error where it never ran."""
        if self._popen is not None:
            self.kill()
