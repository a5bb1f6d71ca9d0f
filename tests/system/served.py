"""A real `inferq up`, started as a user starts it, watched from outside."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from inferq.client import Client

T = TypeVar("T")
START_SECONDS = 180
FIRST_EPHEMERAL_PORT = 32_768
PROGRAM = (sys.executable, "-m", "inferq")


def free_port() -> int:
    """A port that nobody listens on at this moment, and that the kernel gives to nobody of itself.

    Servers of these tests are killed and come back to their port: none of those that connections get for themselves
    would do, for one may be taken meanwhile.
    """
    while True:
        port = 10_000 + secrets.randbelow(FIRST_EPHEMERAL_PORT - 10_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def eventually(check: Callable[[], T], *, seconds: float = 20) -> T:
    """The first true answer of a check that is asked again and again."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < deadline, f"not so after {seconds} s: {check}"
        time.sleep(0.02)
    return answer


def running(*words: str) -> list[int]:
    """Ids of living processes whose command line holds all these words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            stopped = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            continue
        if not stopped and all(word in command for word in words):
            found.append(int(folder.name))
    return found


def descendants(pid: int) -> list[int]:
    """Ids of a process's children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


class Served:
    """One `inferq up` on a port and a data directory of its own."""

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        port: int | None = None,
        program: Sequence[str] = PROGRAM,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.parent / f"{data_dir.name}-{self.port}.log"
        data_dir.mkdir(parents=True, exist_ok=True)
        command = [*program, "up", "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(data_dir), *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=data_dir.parent,
                env={
                    name: value
                    for name, value in os.environ.items()
                    if name != "PYTEST_CURRENT_TEST"
                }
                | {"XDG_CONFIG_HOME": str(data_dir.parent / "config")}
                | dict(environment or {}),
            )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text()

    def ready(self, seconds: float = START_SECONDS) -> "Served":
        """Waits for the banner."""
        deadline = time.monotonic() + seconds
        while "inferq is ready" not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)
        return self

    @property
    def key(self) -> str:
        """The key that it has left for whoever sits at this machine."""
        return (self.data_dir / "local.key").read_text().strip()

    @property
    def headers(self) -> dict[str, str]:
        """What a request with that key carries."""
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def access(self) -> dict[str, str]:
        """What `Client` and `AsyncClient` are made with to talk to it."""
        return {"url": self.url, "api_key": self.key}

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead programs to it."""
        return {"INFERQ_URL": self.url, "INFERQ_API_KEY": self.key}

    def client(self) -> Client:
        """A client of this server."""
        return Client(**self.access, timeout=20)

    def child(self, name: str) -> int:
        """The process id of the child whose command line holds a name (`inferq api`, `valkey-server`)."""
        return eventually(lambda: self.children(name), seconds=10)[0]

    def children(self, name: str) -> list[int]:
        """The process ids of all such children."""
        return sorted(set(descendants(self.process.pid)) & set(running(name)))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it as a user would; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)
