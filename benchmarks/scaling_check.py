"""The queueing model against real runs of `inferq up` on this machine, at three loads each.

Two deployments: the bundled model, whose network computes on the CPUs that everything shares; and workers whose model
sleeps, as one does whose network runs on a device of its own. The model is fed with what two short runs measure (one
client, many clients); the loads that it is then checked against are open loops.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from deployed import NAP, WARM_UP_SECONDS, Site, closed, inferq_up, opened, photograph, sleeper
from scaling_model import Plant, Predicted, simulate

from inferq.load.deployment import Payload
from inferq.load.figures import Figures

SHARES = (0.3, 0.6, 0.85)
NAP_SECONDS = 0.1
SLEEPERS = 4


@dataclass(frozen=True, slots=True)
class Measured:
    """What two short runs say: of one client, and of many."""

    alone: Figures
    many: Figures
    cpu_ms: dict[str, float]
    """Of a prediction while many clients wait, by process; `generator` is the load's."""


def look(site: Site, inputs: list[Payload], *, clients: int, seconds: float) -> Measured:
    """Runs one client, then many."""
    alone = closed(site, inputs, clients=1, seconds=seconds)
    before = site.cpu_seconds()
    many = closed(site, inputs, clients=clients, seconds=seconds)
    after = site.cpu_seconds()
    # What the warm-up took is counted in both: so many more predictions than those that were counted.
    done = many.finished * (seconds + WARM_UP_SECONDS) / seconds
    cpu = {name: (after[name] - before[name]) / done * 1e3 for name in before}
    return Measured(alone, many, cpu | {"generator": many.generator_ms})


def sharing_plant(measured: Measured, cpus: int) -> Plant:
    """Of the bundled model: slots and everything else share the CPUs."""
    worker = measured.cpu_ms["worker"] / 1e3
    beside = sum(spent for name, spent in measured.cpu_ms.items() if name != "worker") / 1e3
    result = measured.alone.result
    assert result is not None, "nothing succeeded"  # noqa: S101 - narrows the type
    outside = max(0.0, result.p50 / 1e3 - worker - beside)
    return Plant(cpus, [worker], computing=1.0, beside=beside, cpus=cpus, outside=outside)


def sleeping_plant(measured: Measured, cpus: int) -> Plant:
    """Of workers that sleep: a slot is held from one end to the next, as many clients show it."""
    held = SLEEPERS / measured.many.per_second
    beside = sum(measured.cpu_ms.values()) / 1e3
    result = measured.alone.result
    assert result is not None, "nothing succeeded"  # noqa: S101 - narrows the type
    outside = max(0.0, result.p50 / 1e3 - held - beside)
    return Plant(SLEEPERS, [held], computing=0.0, beside=beside, cpus=cpus, outside=outside)


@contextmanager
def _bundled() -> Iterator[tuple[Site, list[Payload]]]:
    with inferq_up() as site:
        yield site, [photograph()]


@contextmanager
def _sleeping() -> Iterator[tuple[Site, list[Payload]]]:
    settings = {"INFERQ_CONCURRENCY": "1"}
    with (
        sleeper(NAP_SECONDS) as folder,
        inferq_up(str(folder), "--workers", str(SLEEPERS), environment=settings) as site,
    ):
        yield site, [NAP]


@dataclass(frozen=True, slots=True)
class Case:
    """A deployment, and the model's plant of it."""

    start: Callable[[], AbstractContextManager[tuple[Site, list[Payload]]]]
    plant: Callable[[Measured, int], Plant]


CLIENTS = 16
CASES = {
    "bundled model, CPUs shared": Case(_bundled, sharing_plant),
    f"{SLEEPERS} workers that sleep {NAP_SECONDS * 1e3:.0f} ms": Case(_sleeping, sleeping_plant),
}


def measure(quick: bool) -> list[str]:
    """The section's lines."""
    cpus = os.cpu_count() or 1
    brief, seconds = (4.0, 6.0) if quick else (15.0, 60.0)
    rows, notes = [], []
    for name, case in CASES.items():
        with case.start() as (site, inputs):
            measured = look(site, inputs, clients=CLIENTS, seconds=brief)
            plant = case.plant(measured, cpus)
            capacity = measured.many.per_second
            notes.append(
                f"- {name}: {CLIENTS} clients get {capacity:.1f}/s, which counts as capacity; CPU ms a prediction then: "
                + ", ".join(f"{part} {spent:.2f}" for part, spent in measured.cpu_ms.items())
                + f". The model takes a slot's time for {plant.service[0] * 1e3:.1f} ms, {plant.beside * 1e3:.1f} ms of CPU"
                f" beside it, {plant.outside * 1e3:.1f} ms outside."
            )
            print(notes[-1], flush=True)
            for share in SHARES:
                rate = share * capacity
                real = opened(site, inputs, rate=rate, seconds=seconds)
                told = simulate(plant, rate=rate, seconds=20 * seconds)
                rows.append(_row(name, share, rate, real, told))
                print(rows[-1], flush=True)
    return [
        f"Open loops by chance (Poisson), {seconds:.0f} s each, on one machine with the generator of the load; the model is fed"
        f" with {brief:.0f} s of one client and {brief:.0f} s of {CLIENTS}, and simulates {20 * seconds:.0f} s.",
        "",
        "| deployment | load | simulated /s | measured /s | simulated p50 ms | measured p50 ms | simulated p95 ms | measured p95 ms | error of p95 |",
        "|---|---|---|---|---|---|---|---|---|",
        *rows,
        "",
        *notes,
    ]


def _row(name: str, share: float, rate: float, real: Figures, told: Predicted) -> str:
    if real.result is None:
        return f"| {name} | {share:.0%} of capacity, {rate:.1f}/s | nothing succeeded |"
    error = told.p95 * 1e3 / real.result.p95 - 1
    return (
        f"| {name} | {share:.0%} of capacity, {rate:.1f}/s | {told.per_second:.1f} | {real.per_second:.1f} |"
        f" {told.p50 * 1e3:.0f} | {real.result.p50:.0f} | {told.p95 * 1e3:.0f} | {real.result.p95:.0f} | {error:+.0%} |"
    )
