"""What several benchmarks need: a Valkey of their own, predictions to fill it with, the machine's name."""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import redis

from inferq.accounts.account import SCOPES_OF, Kind, Role, User
from inferq.accounts.store import AccountStore, Wish
from inferq.embedded.valkey import configure_valkey
from inferq.predictions.record import (
    Box,
    Detection,
    DetectionsResult,
    Draft,
    Input,
    ModelReference,
    State,
    new_task_id,
)
from inferq.predictions.store import Outcome
from inferq.state import connect

Measure = Callable[[bool], list[str]]
RESULTS = Path(__file__).parent / "results"
MODEL = ModelReference(name="net", version="1")
BOX = Box(x_min=1.5, y_min=2.5, x_max=300.1, y_max=200.2)
CAT = Detection(label="cat", class_id=17, score=0.9, box=BOX)
DONE = Outcome(
    State.SUCCEEDED,
    result=DetectionsResult(detections=(CAT,) * 5),
    timings_ms={"read": 0.4, "inference": 20.5},
)


@dataclass(frozen=True, slots=True)
class Server:
    """A running Valkey."""

    url: str
    pid: int


@contextmanager
def valkey() -> Iterator[Server]:
    """A Valkey as `inferq up` configures it; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="inferq-bench-"))
    configured = configure_valkey(folder, None)
    process = subprocess.Popen(configured.command)
    try:
        client = connect(configured.url)
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        client.close()
        yield Server(configured.url, process.pid)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_ready(port: int) -> None:
    """Returns once the API answers."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Api:
    """A running `inferq api`."""

    port: int
    pid: int


@contextmanager
def serving(
    redis_url: str,
    settings: Mapping[str, str] = MappingProxyType({}),
    *,
    prepare: Callable[[], None] | None = None,
) -> Iterator[Api]:
    """An API process on a Valkey; gone afterwards. `prepare` runs in the process before anything else does."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "INFERQ_REDIS_URL": redis_url,
            "INFERQ_DATA_DIR": folder,
            "INFERQ_PORT": str(port),
            "INFERQ_LOG_LEVEL": "error",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "inferq", "api"],
            env=environment | settings,
            preexec_fn=prepare,  # noqa: PLW1509 - no threads here
        )
        try:
            wait_ready(port)
            yield Api(port, process.pid)
        finally:
            process.terminate()
            process.wait()


def ann(client: redis.Redis) -> tuple[User, str]:
    """A user, made where missing, and a new key."""
    accounts = AccountStore(client)
    user = accounts.add_user("ann", Role.USER, None) or accounts.user("ann")
    made = accounts.issue(user, Wish(Kind.API_KEY, SCOPES_OF[Role.USER])) if user else None
    if user is None or made is None:
        raise RuntimeError("the state store has no place for a user")
    return user, str(made[0])


def draft(owner: str = "ann", batch: str | None = None) -> Draft:
    """What the API accepts for one photograph."""
    task_id = new_task_id()
    return Draft(
        task_id=task_id,
        owner=owner,
        batch=batch,
        model=MODEL,
        input=Input(
            filename="a.jpg",
            media_type="image/jpeg",
            width=640,
            height=480,
            bytes=90_000,
            sha256="0" * 64,
        ),
        input_key=f"2026/11/24/{task_id}/input",
        parameters={"score_threshold": 0.5, "classes": None},
        metadata={},
    )


def server_seconds(pid: int) -> float:
    """CPU seconds that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_bytes(pid: int) -> int:
    """What a process has in memory that is its own.

    Not what the kernel calls private: that has pages of libraries, too, as long as no other process has them mapped.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(
        int(line.split()[1]) * 1024 for line in lines if line.startswith(("Anonymous:", "Swap:"))
    )


def cpu_model() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def load() -> str:
    """How busy the machine is with whatever runs beside, as results name it."""
    return f"load average {os.getloadavg()[0]:.0f} at the start"


def machine() -> str:
    """The day, the processor and its cores, as results name them."""
    return f"{datetime.now(UTC):%Y-%m-%d}, {cpu_model()}, {os.cpu_count()} cores"


def write_section(page: Path, title: str, heading: str, lines: Sequence[str]) -> None:
    """Puts a section into a page of several, in place of the one that was there."""
    text = page.read_text() if page.exists() else title
    kept = [part for part in re.split(r"(?m)^(?=## )", text) if not part.startswith(heading)]
    section = "\n".join([heading, "", *lines, ""])
    page.write_text("\n\n".join(part.strip() for part in [*kept, section]) + "\n")


def parts_parser(description: str | None, names: Iterable[str]) -> argparse.ArgumentParser:
    """The command line of a page of several parts; says what they are called."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(names))
    parser.add_argument("--quick", action="store_true")
    return parser


def write_parts(
    page: Path, title: str, options: argparse.Namespace, parts: Mapping[str, tuple[str, Measure]]
) -> None:
    """Measures the parts of a page that the command line names, all without any, and writes a section for each.

    Args:
        page: Where they stand.
        title: What the page begins with where there is none yet.
        options: What the command line says (`parts_parser`).
        parts: Heading and measurement by name. That is told whether to be quick: then it only shows that it works,
            and nothing is written.
    """
    for name in options.parts or parts:
        heading, measure = parts[name]
        lines = [f"{machine()}; {load()}.", "", *measure(options.quick)]
        print("\n".join(lines), flush=True)
        if not options.quick:
            write_section(page, title, heading, lines)
