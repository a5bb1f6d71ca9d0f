"""Phases of load: calls at a given rate (open loop), or from clients that wait for each answer (closed loop)."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

GIVE_UP_SECONDS = 60.0
REFUSED, BROKEN = "connection refused", "connection broken"
SEED = 20_261_126
NO_STAGES: Mapping[str, float] = {}


class CallFailed(Exception):
    """A call came to no result; the text says why in a word or two, for counting."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a call that came to its result tells of itself."""

    accepted: float | None = None
    """When the server had accepted it, by `time.perf_counter`; None where it does not say so before the result."""
    stages_ms: Mapping[str, float] = field(default_factory=lambda: NO_STAGES)
    """Where the server says that the time went."""


class Call(Protocol):
    """One request, from its beginning to its result."""

    async def __call__(self, number: int, /) -> Told:
        """Makes the call of a number.

        Raises:
            CallFailed: It was refused, or failed.
            OSError: The server was out of reach, or went away meanwhile.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """What one call took; times by `time.perf_counter`."""

    due: float
    """When it was to be sent. In an open loop the clock decides that, however late it then was sent."""
    began: float
    ended: float
    told: Told | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Phase:
    """All calls of some seconds of load.

    Attributes:
        name: `rate` or `clients`.
        value: How many a second, or how many at a time.
        begin: When its warm-up was over.
        end: When the last call was begun.
        samples: Every call, those of the warm-up included.
        cpu_seconds: CPU time that the generator itself took.
    """

    name: str
    value: float
    begin: float
    end: float
    samples: tuple[Sample, ...]
    cpu_seconds: float


async def open_loop(  # noqa: PLR0913 - all but the call are by keyword
    call: Call,
    *,
    rate: float,
    seconds: float,
    warm_up: float = 0.0,
    even: bool = False,
    give_up: float = GIVE_UP_SECONDS,
) -> Phase:
    """Makes so many calls a second, whether or not earlier ones have been answered.

    A call's time begins when it was due, not when it could be sent: what waits while a server stalls is counted.
    Returns when all have ended.

    Args:
        call: What is called.
        rate: Calls a second.
        seconds: How long, without the warm-up.
        warm_up: Seconds of the same load before, which are not counted.
        even: At even distances instead of by chance (a Poisson process, the same in each run).
        give_up: Seconds after which a call counts as failed.
    """
    clock, cpu = time.perf_counter, time.process_time()
    gaps = _gaps(rate, even=even)
    due = start = clock()
    end = start + warm_up + seconds
    calls: list[asyncio.Task[Sample]] = []
    while due < end:
        await asyncio.sleep(due - clock())
        calls.append(asyncio.create_task(_timed(call, len(calls), due, give_up)))
        due += next(gaps)
    samples = await asyncio.gather(*calls)
    return Phase("rate", rate, start + warm_up, end, tuple(samples), time.process_time() - cpu)


async def closed_loop(
    call: Call,
    *,
    clients: int,
    seconds: float,
    warm_up: float = 0.0,
    give_up: float = GIVE_UP_SECONDS,
) -> Phase:
    """Has so many clients call, each again as soon as its call has ended. Returns when all have ended."""
    cpu = time.process_time()
    start = time.perf_counter()
    end = start + warm_up + seconds
    numbers = count()
    samples: list[Sample] = []

    async def client() -> None:
        while (now := time.perf_counter()) < end:
            samples.append(await _timed(call, next(numbers), now, give_up))
            if samples[-1].error is not None:
                await asyncio.sleep(0.05)  # who is refused at once does not ask at once again

    await asyncio.gather(*(client() for _ in range(clients)))
    return Phase(
        "clients", clients, start + warm_up, end, tuple(samples), time.process_time() - cpu
    )


def _gaps(rate: float, *, even: bool) -> Iterator[float]:
    chance = random.Random(SEED)  # noqa: S311 - nothing secret
    next_gap: Callable[[], float] = (lambda: 1 / rate) if even else lambda: chance.expovariate(rate)
    while True:
        yield next_gap()


async def _timed(call: Call, number: int, due: float, give_up: float) -> Sample:
    began = time.perf_counter()
    told, error = None, None
    try:
        async with asyncio.timeout(give_up):
            told = await call(number)
    except CallFailed as failed:
        error = str(failed)
    except TimeoutError:
        error = f"no end after {give_up:.0f} s"
    except ConnectionRefusedError:
        error = REFUSED
    except OSError:
        error = BROKEN
    return Sample(due, began, time.perf_counter(), told, error)
