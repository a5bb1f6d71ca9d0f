"""A queueing model of a deployment, simulated with simpy: API, queue, workers' slots, and CPUs that they may share.

A prediction that arrives takes CPU of API and state store, waits for a slot of a worker, holds it for its service
time, and is told. What a slot does computes (it takes turns on the CPUs) or sleeps (a device of its own does the work).
"""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import simpy

from inferq.load.figures import percentile

SEED = 1
SLICE_SECONDS = 0.004
"""How long a thread computes before it is another's turn, about as Linux does it."""


@dataclass(frozen=True, slots=True)
class Plant:
    """What the model knows of a deployment; all times in seconds.

    Attributes:
        slots: Predictions that are in hand at once, of all workers.
        service: Times for which one holds a slot when nothing else runs, one drawn for each.
        computing: The share of them that needs a CPU.
        beside: CPU time of everything else a prediction: API, state store, the generator of the load.
        cpus: That all of it shares.
        outside: Of the latency, what is no queue's: the ways there and back.
    """

    slots: int
    service: Sequence[float]
    computing: float
    beside: float
    cpus: int
    outside: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the model says of a load."""

    per_second: float
    p50: float
    p95: float
    """Seconds."""


def simulate(plant: Plant, *, rate: float, seconds: float, warm_up: float = 5.0) -> Predicted:
    """Has predictions arrive by chance (a Poisson process) and says how long they take."""
    chance = random.Random(SEED)  # noqa: S311 - nothing secret
    world = simpy.Environment()
    cpus = simpy.Resource(world, plant.cpus)
    slots = simpy.Resource(world, plant.slots)
    ended: list[tuple[float, float]] = []

    def compute(needed: float) -> Generator[simpy.Event, None, None]:
        while needed > 0:
            with cpus.request() as turn:
                yield turn
                part = min(needed, SLICE_SECONDS)
                yield world.timeout(part)
            needed -= part

    def prediction() -> Generator[simpy.Event, None, None]:
        came = world.now
        yield from compute(plant.beside)
        with slots.request() as slot:
            yield slot
            service = chance.choice(plant.service)
            yield world.timeout(service * (1 - plant.computing))
            yield from compute(service * plant.computing)
        yield world.timeout(plant.outside)
        ended.append((came, world.now))

    def arrivals() -> Generator[simpy.Event, None, None]:
        while world.now < warm_up + seconds:
            world.process(prediction())
            yield world.timeout(chance.expovariate(rate))

    world.process(arrivals())
    world.run()
    took = sorted(end - came for came, end in ended if came >= warm_up)
    inside = sum(warm_up <= end < warm_up + seconds for _, end in ended)
    return Predicted(inside / seconds, percentile(took, 0.5), percentile(took, 0.95))


def slots_for(
    rate: float, service: Sequence[float], *, within: float, predictions: int = 20_000
) -> tuple[int, float]:
    """The fewest slots of devices of their own with which 95 of 100 predictions are done in time, and that p95.

    Args:
        rate: Predictions a second.
        service: Times for which one holds a slot.
        within: Seconds.
        predictions: How many are simulated for each number of slots.
    """
    mean = sum(service) / len(service)
    slots = max(1, int(rate * mean))
    while True:
        plant = Plant(slots, service, computing=0, beside=0, cpus=1, outside=0)
        if rate * mean < slots:
            told = simulate(
                plant, rate=rate, seconds=predictions / rate, warm_up=predictions / rate / 10
            )
            if told.p95 <= within:
                return slots, told.p95
        slots += max(1, slots // 50)
