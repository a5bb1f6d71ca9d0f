"""A rolling restart of Compose's system under load, and workers that go and come back: `make deploy-rolling`.

Writes benchmarks/results/rolling.md.
"""

import argparse
import json
import os
import re
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from deploy.engine import Container, Engine  # noqa: E402 - found by the line above
from deploy.running import Up, built_images  # noqa: E402
from inferq.client import Client  # noqa: E402
from inferq.errors import InferqError  # noqa: E402
from photos import jpeg  # noqa: E402
from system.served import eventually  # noqa: E402

RESULT = TESTS.parent / "benchmarks/results/rolling.md"
URL = "http://localhost"
CLIENTS = 16
SECONDS_BEFORE = 10
PAGE = """\
# Rolling restart, and scale to zero

`make deploy-rolling` on {date}: the services of `deploy/compose/compose.yaml` (2 APIs, 2 workers, RabbitMQ, Redis, nginx), run by
`tests/deploy/engine.py` with the servers of Debian 12 in namespaces of one machine with two cores.

## Rolling restart under load

{clients} clients (`inferq.Client`, its defaults) at `http://localhost` predict photographs without a pause. After {before} s each API, then
each worker is told to stop (SIGTERM), started again once it has ended, and waited for until it is healthy; then the next.

| what | how many |
|---|---|
| predictions | {count} |
| succeeded | {succeeded} |
| lost | {lost} |
| errors that the client library did not mend by itself | {errors} |
| answers of nginx that it did mend, by status | {mended} |
| attempts that they took | {attempts} |
| seconds of one, at work as usual: median, longest | {usual} |
| seconds of one, while something was restarted: median, longest | {restarting} |

| restarted | seconds until it had ended | seconds until it was healthy again |
|---|---|---|
{steps}

## What each part needs

Memory is what its processes hold, what they share counted once (PSS); CPU is its part of one core while the clients were at work,
before the first restart.

| one | memory before any work | memory at work | CPU at work |
|---|---|---|---|
{needs}

## Scale to zero and back

| what | seconds |
|---|---|
{times}
"""


@dataclass(frozen=True)
class Done:
    """A prediction that a client got."""

    began: float
    seconds: float
    attempts: int


@dataclass(frozen=True)
class Step:
    """One container that was restarted."""

    name: str
    ending: float
    starting: float


@dataclass(frozen=True)
class Need:
    """What a container holds and has used so far."""

    memory_bytes: int
    cpu_seconds: float

    @classmethod
    def of(cls, container: Container) -> "Need":
        """Of all its processes."""
        memory, ticks = 0, 0
        for pid in _tree(container.init):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                memory += 1024 * int(re.search(r"(?m)^Pss: +(\d+) kB$", rollup)[1])
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(int(number) for number in stat[11:15])
        return cls(memory, ticks / os.sysconf("SC_CLK_TCK"))


def _tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    with suppress(FileNotFoundError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _tree(int(child))


def needs(engine: Engine) -> dict[str, Need]:
    """What the first container of each service needs now."""
    return {one.service: Need.of(one) for one in reversed(engine.containers)}


@dataclass
class Rolled:
    """What clients met."""

    done: list[Done] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What the client library raised."""
    states: Counter[str] = field(default_factory=Counter)
    """Of all predictions that the system knows of these clients."""
    mended: Counter[int] = field(default_factory=Counter)
    """Statuses of nginx from 400 on."""
    steps: list[Step] = field(default_factory=list)
    began: float = 0.0
    """When the first was told to stop."""
    needs: dict[str, "Need"] = field(default_factory=dict)
    """By service, of its first container."""

    @property
    def lost(self) -> int:
        """Accepted predictions without a result, and results that nobody accepted."""
        return abs(self.states["succeeded"] - len(self.done)) + (
            sum(self.states.values()) - self.states["succeeded"]
        )


def roll(
    engine: Engine, key: str, pictures: Sequence[bytes], *, clients: int, seconds_before: float = 0
) -> Rolled:
    """Restarts each API and each worker in turn while clients predict."""
    rolled, batch = Rolled(), f"rolling-{uuid4().hex}"
    nginx = engine.of("nginx")[0].process
    read = len(nginx.output)
    with _at_work(engine, key, pictures, (batch, clients), rolled):
        eventually(lambda: len(rolled.done) >= clients, seconds=120)
        before = needs(engine)
        time.sleep(seconds_before)
        rolled.needs = {
            service: Need(now.memory_bytes, now.cpu_seconds - before[service].cpu_seconds)
            for service, now in needs(engine).items()
        }
        rolled.began = time.monotonic()
        for service in ("api", "worker"):
            for container in engine.of(service):
                rolled.steps.append(restart(engine, container))
    lines = (line for line in nginx.output[read:].splitlines() if line.startswith("{"))
    statuses = Counter(int(json.loads(line)["status"]) for line in lines)
    rolled.mended = Counter({status: n for status, n in statuses.items() if status >= 400})
    with engine.on_the_machine(), Client(URL, key) as client:
        rolled.states = Counter({str(s): n for s, n in client.batch(batch).counts.items() if n})
    return rolled


def restart(engine: Engine, container: Container) -> Step:
    """Tells a container to stop, starts it again, and waits until it is healthy."""
    told = time.monotonic()
    engine.stop(container)
    ended = time.monotonic()
    engine.start(container)
    eventually(container.healthy, seconds=180)
    return Step(container.name, ended - told, time.monotonic() - ended)


@contextmanager
def _at_work(
    engine: Engine, key: str, pictures: Sequence[bytes], batch: tuple[str, int], rolled: Rolled
) -> Iterator[None]:
    """Clients predict meanwhile; what is under way at the end is finished."""
    label, clients = batch
    stop = threading.Event()

    def work(number: int) -> None:
        picture = pictures[number % len(pictures)]
        with Client(URL, key) as client:
            while not stop.is_set():
                began = time.monotonic()
                try:
                    prediction = client.predict(picture, batch=label)
                except InferqError as error:
                    rolled.errors.append(repr(error))
                else:
                    seconds = time.monotonic() - began
                    rolled.done.append(Done(began, seconds, prediction.attempts))

    with ThreadPoolExecutor(clients) as pool:
        with engine.on_the_machine():  # threads stay where they were started
            futures = [pool.submit(work, number) for number in range(clients)]
        try:
            yield
        finally:
            stop.set()
        for future in futures:
            future.result()


def scale_to_zero(engine: Engine, key: str, picture: bytes) -> dict[str, float]:
    """Stops all workers, submits, starts one; returns what took how many seconds."""
    workers = engine.of("worker")
    told = time.monotonic()
    for worker in workers:
        engine.stop(worker)
    times = {"both workers are told to stop → both have ended": time.monotonic() - told}
    with engine.on_the_machine(), Client(URL, key) as client:
        submitted = time.monotonic()
        handle = client.submit(picture)

        def reason() -> str | None:
            queue = client.get(handle.task_id).queue
            return queue and queue.reason

        eventually(lambda: reason() == "no_worker", seconds=30)
        times["submitted → `no_worker` is shown"] = time.monotonic() - submitted
    started = time.monotonic()
    engine.start(workers[0])
    with engine.on_the_machine(), Client(URL, key) as client:
        eventually(lambda: client.get(handle.task_id).state == "succeeded", seconds=180)
        times["a worker is started → the result is there"] = time.monotonic() - started
    for worker in workers[1:]:
        engine.start(worker)
    for worker in workers:
        eventually(worker.healthy, seconds=180)
    return times


def main() -> int:
    """Runs it; status 0 if nothing was lost and no client met an error."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--clients", type=int, default=CLIENTS)
    chosen = options.parse_args()
    pictures = [jpeg(name) for name in ("chelsea", "coffee", "astronaut")]
    with built_images() as images, Engine(images, publishes=True) as engine:
        up = Up(engine)
        rest = needs(engine)
        rolled = roll(
            engine, up.key, pictures, clients=chosen.clients, seconds_before=SECONDS_BEFORE
        )
        times = scale_to_zero(engine, up.key, pictures[0])
    RESULT.write_text(page(rolled, rest, times, chosen.clients))
    sys.stdout.write(RESULT.read_text())
    return 1 if rolled.lost or rolled.errors else 0


def page(rolled: Rolled, rest: dict[str, Need], times: dict[str, float], clients: int) -> str:
    """The table of results."""

    def listed(counts: Counter[int]) -> str:
        return ", ".join(f"{name}: {n}" for name, n in sorted(counts.items())) or "none"

    def spread(seconds: list[float]) -> str:
        return f"{statistics.median(seconds):.2f}, {max(seconds):.1f}"

    usual = [one.seconds for one in rolled.done if one.began + one.seconds < rolled.began]
    restarting = [one.seconds for one in rolled.done if one.began + one.seconds >= rolled.began]
    return PAGE.format(
        date=f"{datetime.now(UTC):%d %B %Y}",
        clients=clients,
        before=SECONDS_BEFORE,
        count=len(rolled.done),
        succeeded=rolled.states["succeeded"],
        lost=rolled.lost,
        errors=len(rolled.errors),
        mended=listed(rolled.mended),
        attempts=listed(Counter(one.attempts for one in rolled.done)),
        usual=spread(usual),
        restarting=spread(restarting),
        steps="\n".join(
            f"| {step.name} | {step.ending:.1f} | {step.starting:.1f} |" for step in rolled.steps
        ),
        needs="\n".join(
            f"| {service} | {rest[service].memory_bytes / 1e6:.0f} MB | {need.memory_bytes / 1e6:.0f} MB"
            f" | {need.cpu_seconds / SECONDS_BEFORE:.0%} |"
            for service, need in sorted(rolled.needs.items())
        ),
        times="\n".join(f"| {what} | {seconds:.1f} |" for what, seconds in times.items()),
    )


if __name__ == "__main__":
    sys.exit(main())
