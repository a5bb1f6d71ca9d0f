"""One process under the supervisor: started, watched, restarted with back-off, stopped."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from inferq.errors import SetupError

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
STABLE_SECONDS = 10.0
USAGE_ERROR = 2
PR_SET_PDEATHSIG = 1

log = structlog.get_logger()


@dataclass
class Child:
    """A command that is kept alive."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: Sequence[int] = ()
    orphan_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends it when the supervisor dies. Leases recover what a killed worker held."""
    niceness: int = 0
    """How much it lets the others go first where CPUs are busy, beyond the niceness of the supervisor."""
    trouble: Callable[[int, float], str | None] = lambda _, __: None
    """Says by its process id and its start (seconds since the epoch) what is wrong with it though it runs; then it
    is killed."""
    mendable: bool = False
    """Whether what it refuses to start with may be mended while we run: then it is tried again."""
    on_death: Callable[[int], None] = lambda _: None
    """Called with the process id of one that has died, before another is started."""

    _process: subprocess.Popen[bytes] | None = None
    _started: float = 0.0
    _started_at: float = 0.0
    _pause: float = FIRST_PAUSE
    _restart_at: float | None = None

    def start(self) -> None:
        """Starts the process, in a group of its own so that Ctrl-C reaches the supervisor alone."""
        self._process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            pass_fds=self.pass_fds,
            process_group=0,
            preexec_fn=_prepared(self.orphan_signal, self.niceness),  # noqa: PLW1509 - the supervisor has one thread
        )
        self._started = time.monotonic()
        self._started_at = time.time()
        self._restart_at = None

    def tend(self) -> None:
        """Restarts the process if it has ended and its pause is over; call often.

        Raises:
            SetupError: It ended for wrong usage or configuration, which no restart mends.
        """
        if self._restart_at is not None:
            if time.monotonic() >= self._restart_at:
                self.start()
            return
        if self._process is None:
            return
        status = self._process.poll()
        if status is None:
            if (trouble := self.trouble(self._process.pid, self._started_at)) is not None:
                log.error("child_killed", child=self.name, reason=trouble)
                self._process.kill()
            return
        if status == USAGE_ERROR and not self.mendable:
            raise SetupError(
                f"The {self.name} cannot start with this configuration; its message is above."
            )
        stable = time.monotonic() - self._started > STABLE_SECONDS
        self._pause = FIRST_PAUSE if stable else min(self._pause * 2, LONGEST_PAUSE)
        self._restart_at = time.monotonic() + self._pause
        log.warning("child_died", child=self.name, status=status, restart_in=self._pause)
        self.on_death(self._process.pid)

    def terminate(self) -> None:
        """Asks it to end."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def wait(self, deadline: float) -> None:
        """Waits for its end until `deadline` (monotonic seconds), then kills it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("child_killed", child=self.name)
            self._process.kill()
            self._process.wait()

    @property
    def alive(self) -> bool:
        """Whether it runs at this moment."""
        return self._process is not None and self._process.poll() is None


def _prepared(orphan_signal: signal.Signals, niceness: int) -> Callable[[], None]:
    """What a child does before it runs its command: takes its niceness, asks for a signal at its parent's death (Linux)."""
    prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None

    def prepare() -> None:
        os.nice(niceness)
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, orphan_signal)

    return prepare
