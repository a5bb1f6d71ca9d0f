"""A real `inferq up` under load: started for a measurement, watched from outside, gone afterwards."""

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness import free_port, server_seconds
from PIL import Image

from inferq.load import run
from inferq.load.deployment import Deployment, Payload
from inferq.load.figures import Figures
from inferq.load.phases import closed_loop, open_loop

START_SECONDS = 180
WARM_UP_SECONDS = 2.0
SLEEPER = '''
import time
from pydantic import BaseModel
from inferq import Model


class Sleeper(Model):
    """Stands for a network on a device of its own: it takes its time, and no CPU."""

    license = "Apache-2.0"

    def infer(self, inputs: list[Naptime]) -> list[dict[str, float]]:
        time.sleep(sum(each.seconds for each in inputs))
        return [{{"slept": each.seconds}} for each in inputs]
'''
NAPTIME = """

class Naptime(BaseModel):
    seconds: float = {seconds}

"""


@dataclass(frozen=True, slots=True)
class Site:
    """A running `inferq up`.

    Attributes:
        url: Of its API.
        key: Of its user.
        pid: Of the supervisor; its children are its processes.
        folder: Its data directory.
        log: What it has printed.
    """

    url: str
    key: str
    pid: int
    folder: Path
    log: Path

    def processes(self) -> dict[str, list[int]]:
        """Process ids by what they are: `api`, `worker`, `store` (Valkey or Redis), `drawer`."""
        found: dict[str, list[int]] = {}
        for pid in _descendants(self.pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if "inferq" in words:
                found.setdefault(words[words.index("inferq") + 1], []).append(pid)
            elif "valkey-server" in words[0] or "redis-server" in words[0]:
                found.setdefault("store", []).append(pid)
            elif "inferq.render.drawer" in words:
                found.setdefault("drawer", []).append(pid)
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds so far, by what the processes are."""
        return {name: sum(map(server_seconds, pids)) for name, pids in self.processes().items()}


def _descendants(pid: int) -> list[int]:
    children = []
    with suppress(FileNotFoundError):  # it has ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError):  # as threads do
                children += map(int, (task / "children").read_text().split())
    return children + [below for child in children for below in _descendants(child)]


@contextmanager
def inferq_up(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Site]:
    """Serves until the block ends; takes arguments of `inferq up`."""
    with tempfile.TemporaryDirectory(prefix="inferq-bench-") as name:
        folder = Path(name) / "data"
        port = free_port()
        log = Path(name) / "log"
        command = [
            sys.executable,
            "-m",
            "inferq",
            "up",
            "--port",
            str(port),
            "--data-dir",
            str(folder),
        ]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, *arguments],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ
                | {"XDG_CONFIG_HOME": name, "INFERQ_LOG_LEVEL": "warning"}
                | dict(environment or {}),
            )
        try:
            deadline = time.monotonic() + START_SECONDS
            while "inferq is ready" not in log.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(log.read_text())
                time.sleep(0.05)
            key = (folder / "local.key").read_text().strip()
            yield Site(f"http://127.0.0.1:{port}", key, process.pid, folder, log)
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def sleeper(seconds: float) -> Iterator[Path]:
    """The folder of a model that takes so long a prediction, one at a time, and no CPU meanwhile."""
    with tempfile.TemporaryDirectory(prefix="inferq-bench-") as name:
        folder = Path(name) / "sleeper"
        folder.mkdir()
        imports, model = SLEEPER.format().split("\n\n\n", 1)
        (folder / "model.py").write_text(f"{imports}\n{NAPTIME.format(seconds=seconds)}\n{model}")
        yield folder


NAP = Payload(b"{}", "application/json", "nap.json")


def photograph() -> Payload:
    """A picture of noise: it takes no less to decode than a photograph."""
    buffer = io.BytesIO()
    Image.effect_noise((640, 480), 64).convert("RGB").save(buffer, "JPEG", quality=75)
    return Payload(buffer.getvalue(), "image/jpeg", "noise.jpg")


def closed(site: Site, inputs: Sequence[Payload], *, clients: int, seconds: float) -> Figures:
    """What so many clients get that each wait for their answers."""

    async def work() -> Figures:
        async with Deployment(site.url, site.key, inputs) as deployment:
            phase = await closed_loop(
                deployment, clients=clients, seconds=seconds, warm_up=WARM_UP_SECONDS
            )
            return Figures.of(phase)

    return run(work())


def opened(site: Site, inputs: Sequence[Payload], *, rate: float, seconds: float) -> Figures:
    """What comes of so many predictions a second, by chance (a Poisson process)."""

    async def work() -> Figures:
        async with Deployment(site.url, site.key, inputs) as deployment:
            phase = await open_loop(deployment, rate=rate, seconds=seconds, warm_up=WARM_UP_SECONDS)
            return Figures.of(phase)

    return run(work())
