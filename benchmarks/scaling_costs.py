"""What a prediction costs each process, by broker and store, at low rates and as far as this machine goes.

The model does nothing, so that what is left is the way there and back: API, broker, state store, worker.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from deployed import NAP, Site, closed, inferq_up, opened
from harness import server_seconds

from inferq.load.figures import Figures

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from faults.nodes import RabbitNode

NOTHING = '''"""Takes no time."""

from inferq import Model
from pydantic import BaseModel


class Nothing(BaseModel):
    """An input that asks for nothing."""


class Idle(Model):
    """Takes no time: what is measured is everything else."""

    license = "Apache-2.0"

    def infer(self, inputs: list[Nothing]) -> list[dict[str, int]]:
        return [{"done": 1} for _ in inputs]
'''
RATES = (10.0, 100.0)
WANTED = (10, 100, 1_000)
CLIENTS = 32
REDIS = Path("/usr/bin/redis-server")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running deployment, and processes beside those of `inferq up`."""

    site: Site
    beside: Mapping[str, int]

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds so far, by part."""
        return self.site.cpu_seconds() | {
            name: server_seconds(pid) for name, pid in self.beside.items()
        }


@contextmanager
def valkey_alone() -> Iterator[Deployment]:
    """One Valkey is broker, backend and state store."""
    with _model() as folder, inferq_up(str(folder)) as site:
        yield Deployment(site, {})


@contextmanager
def rabbitmq_and_redis() -> Iterator[Deployment]:
    """RabbitMQ is the broker; the server beside it is the state store and the result backend."""
    with ExitStack() as stack:
        broker = RabbitNode()
        stack.callback(broker.close)
        broker.start()
        folder = stack.enter_context(_model())
        environment = {"INFERQ_BROKER_URL": broker.url}
        if REDIS.exists():
            environment["INFERQ_VALKEY_BIN"] = str(REDIS)
        site = stack.enter_context(inferq_up(str(folder), environment=environment))
        yield Deployment(site, {"RabbitMQ": broker.process.pid})


@contextmanager
def _model() -> Iterator[Path]:
    with TemporaryDirectory(prefix="inferq-bench-") as name:
        folder = Path(name) / "nothing"
        folder.mkdir()
        (folder / "model.py").write_text(NOTHING)
        yield folder


DEPLOYMENTS = {"Valkey alone": valkey_alone, "RabbitMQ + Redis": rabbitmq_and_redis}
PARTS = ("api", "worker", "store", "RabbitMQ")


def _spent(
    deployment: Deployment, load: Callable[[Site], Figures]
) -> tuple[Figures, dict[str, float]]:
    """What a load got, and CPU seconds that each part spent in a second of it."""
    before, began = deployment.cpu_seconds(), time.monotonic()
    told = load(deployment.site)
    after, took = deployment.cpu_seconds(), time.monotonic() - began
    return told, {name: (after[name] - before[name]) / took for name in before}


def measure(quick: bool) -> list[str]:
    """The section's lines."""
    seconds = 4.0 if quick else 20.0
    rows, needs = [], []
    for name, start in DEPLOYMENTS.items():
        with start() as deployment:
            before, began = deployment.cpu_seconds(), time.monotonic()
            time.sleep(seconds)
            idle = {
                part: (spent - before[part]) / (time.monotonic() - began)
                for part, spent in deployment.cpu_seconds().items()
            }
            rows.append(_row(name, "nothing", None, idle))
            told, spent = _spent(
                deployment,
                lambda site: closed(site, [NAP], clients=CLIENTS, seconds=seconds),
            )
            most = told.per_second
            for rate in (each for each in RATES if each < most):
                at_rate, share = _spent(
                    deployment,
                    lambda site, rate=rate: opened(site, [NAP], rate=rate, seconds=seconds),
                )
                rows.append(_row(name, f"{rate:.0f}/s", at_rate, share))
            rows.append(_row(name, f"{CLIENTS} clients, {most:.0f}/s", told, spent))
            each = {part: (spent[part] - idle[part]) / most for part in spent}
            for wanted in WANTED:
                cells = (
                    f"{idle[part] + each[part] * wanted:.2f}" if part in spent else "-"
                    for part in PARTS
                )
                needs.append(f"| {name} | {wanted:,}/s | " + " | ".join(cells) + " |")
        print(*rows[-4:], sep="\n", flush=True)
    heads = " | ".join(PARTS)
    return [
        f"A model that does nothing, inputs of {len(NAP.data)} bytes, {seconds:.0f} s a load, `inferq up` with one worker; the"
        " generator of the load is on the same machine and not counted.",
        "",
        f"| deployment | load | done/s | p95 ms | CPU ms a prediction: {heads} |",
        "|---|---|---|---|" + "---|" * len(PARTS),
        *rows,
        "",
        "CPUs that each part needs at a rate: what it takes while nothing happens, and what a prediction adds at the highest"
        " rate that was measured. Beyond that rate it is reckoned, not measured.",
        "",
        f"| deployment | rate | {heads} |",
        "|---|---|" + "---|" * len(PARTS),
        *needs,
    ]


def _row(name: str, load: str, told: Figures | None, spent: Mapping[str, float]) -> str:
    if told is None or told.result is None:
        cells = (f"{spent[part] * 100:.1f} % of a CPU" if part in spent else "-" for part in PARTS)
        return f"| {name} | {load} | - | - | " + " | ".join(cells) + " |"
    cells = (
        f"{spent[part] / told.per_second * 1e3:.2f}" if part in spent else "-" for part in PARTS
    )
    return (
        f"| {name} | {load} | {told.per_second:.0f} | {told.result.p95:.0f} | "
        + " | ".join(cells)
        + " |"
    )
