"""What waiting for a result costs beyond the model's own time, and what a submit takes while the queue is full.

Run: python benchmarks/latency.py [PART ...] [--quick]; it writes benchmarks/results/latency.md, a section a part. With
--quick it shows that it works, in little time, and writes nothing. It wants an idle machine; `niceness` wants root.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from deployed import Site, inferq_up
from harness import RESULTS, Measure, parts_parser, write_parts

from inferq.load import run
from inferq.load.deployment import ACCEPTED, PREDICTIONS, Deployment, Payload
from inferq.load.figures import Times
from inferq.load.phases import CallFailed, Phase, Told, closed_loop, open_loop
from inferq.load.wire import Target, Wire

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from photos import PHOTOS, jpeg

PAGE = RESULTS / "latency.md"
TITLE = (
    "# How long a client waits\n\n`make bench-latency` runs all of it again, `make bench-latency ARGS=idle` a part."
    " `inferq up` with its embedded Valkey and the bundled model; clients, server and model share the machine."
)
MODELS_OWN = ("preprocess", "inference", "postprocess")
WAYS = {"`Prefer: wait`": True, "event stream": False}
PACES = {"a pause after each": True, "the next at once": False}
ALONE_PER_SECOND = 5.0
"""A prediction takes a fraction of the 200 ms until the next: there is one at a time, and a pause after it."""
CALIBRATION = {str(number): list(range(number)) for number in range(50)}
CALIBRATED = 100
LEAST_QUEUED, MOST_PER_SECOND = 500, 100
FILLERS = 16
SUBMITS_PER_SECOND = 20.0
BURST, BURST_EVERY_SECONDS = 20, 2.0
SETTLE_SECONDS = 1.0
NICENESSES = (0, 5, 10, 19)
SUCCEEDED = b"event: succeeded\n"


def photographs() -> list[Payload]:
    """The test photographs as they are posted."""
    return [Payload(jpeg(name), "image/jpeg", f"{name}.jpg") for name in PHOTOS]


async def _alone(site: Site, *, wait: bool, pausing: bool, seconds: float) -> Phase:
    """One prediction at a time."""
    async with Deployment(site.url, site.key, photographs(), wait=wait) as deployment:
        if not pausing:
            return await closed_loop(
                deployment, clients=1, seconds=seconds / 2, warm_up=SETTLE_SECONDS
            )
        return await open_loop(
            deployment, rate=ALONE_PER_SECOND, seconds=seconds, warm_up=SETTLE_SECONDS, even=True
        )


@dataclass(slots=True)
class Waits:
    """What was measured of one way to a result, in seconds."""

    result: list[float] = field(default_factory=list)
    beyond: list[float] = field(default_factory=list)
    """What is left of each without the model's own time."""
    stages_ms: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rounds: list[float] = field(default_factory=list)
    """The median of `beyond` of each round."""

    def add(self, phase: Phase) -> None:
        """Counts what came after the warm-up."""
        before = len(self.beyond)
        for sample in phase.samples:
            if sample.told is None:
                raise RuntimeError(f"a prediction came to no result: {sample.error}")
            if sample.due < phase.begin:
                continue
            stages = sample.told.stages_ms
            own = sum(stages[name] for name in MODELS_OWN) / 1e3
            took = sample.ended - sample.began
            self.result.append(took)
            self.beyond.append(took - own)
            for name, spent in stages.items():
                self.stages_ms[name].append(spent)
        self.rounds.append(statistics.median(self.beyond[before:]))

    def row(self, name: str) -> str:
        """A line of the table."""
        result, beyond = _times(self.result), _times(self.beyond)
        return (
            f"| {name} | {len(self.beyond)} | {result.p50:.1f} | {result.p95:.1f} | **{beyond.p50:.1f}**"
            f" ({min(self.rounds) * 1e3:.1f}-{max(self.rounds) * 1e3:.1f}) | {beyond.p95:.1f} |"
        )

    def stages(self, name: str) -> str:
        """Where the time of the median prediction goes."""
        spent = ", ".join(
            f"{stage} {statistics.median(times):.1f}" for stage, times in self.stages_ms.items()
        )
        return f"- {name}: {spent}."


def _times(seconds: Iterable[float]) -> Times:
    times = Times.of(seconds)
    if times is None:
        raise RuntimeError("nothing was measured")
    return times


def measure_idle(quick: bool) -> list[str]:
    """The section's lines: one client on an idle server."""
    rounds, seconds = (1, 4.0) if quick else (6, 8.0)
    found = {f"{way}, {pace}": Waits() for pace in PACES for way in WAYS}
    with inferq_up() as site:
        for _ in range(rounds):
            for pace, pausing in PACES.items():
                for way, wait in WAYS.items():
                    waits = found[f"{way}, {pace}"]
                    waits.add(run(_alone(site, wait=wait, pausing=pausing, seconds=seconds)))
                    print(way, pace, f"{waits.rounds[-1] * 1e3:.2f} ms", flush=True)
    return [
        f"One client sends a photograph (raw JPEG) every {1e3 / ALONE_PER_SECOND:.0f} ms and has its result long before the"
        f" next, or sends the next once it has the result; {rounds} rounds, in turn. Milliseconds from before the first byte is"
        " sent until the result is read; beyond the model is what is left without `preprocess`, `inference` and `postprocess`"
        " of the same prediction, with the least and the greatest median of a round.",
        "",
        "| the result comes by | predictions | p50 | p95 | beyond the model: p50 (rounds) | p95 |",
        "|---|---|---|---|---|---|",
        *(waits.row(name) for name, waits in found.items()),
        "",
        "What the server tells of the time (`timings_ms`), medians:",
        "",
        *(waits.stages(name) for name, waits in found.items()),
        "",
        "Cores that have rested run the same code more slowly: some JSON, written and read again by one process that nobody"
        f" disturbs, takes {_calibrated(0.0):.2f} ms time after time, and {_calibrated(1 / ALONE_PER_SECOND):.2f} after"
        f" {1e3 / ALONE_PER_SECOND:.0f} ms of sleep (medians).",
    ]


def _calibrated(pause: float) -> float:
    """Median milliseconds of the same work, each time after a pause."""
    times = []
    for _ in range(CALIBRATED):
        time.sleep(pause)
        began = time.perf_counter()
        for _ in range(5):
            json.loads(json.dumps(CALIBRATION))
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


class Submits:
    """Posts photographs and waits for no end; counts the ends that are pushed to it meanwhile."""

    def __init__(self, site: Site) -> None:
        """Connects to nothing yet."""
        self._target = Target.parse(site.url)
        self._headers = {"Authorization": f"Bearer {site.key}"}
        self._requests = [
            self._target.request(
                "POST", PREDICTIONS, self._headers | {"Content-Type": photo.media_type}, photo.data
            )
            for photo in photographs()
        ]
        self._accepted = 0
        self._rest = b""
        self.ended = 0

    async def __aenter__(self) -> Self:
        """Begins to listen."""
        self._wire = Wire(self._target)
        events = self._target.request("GET", "/api/v1/events", self._headers)
        self._listener = asyncio.create_task(self._wire.stream(events, self._hear))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hears of nothing more."""
        self._listener.cancel()
        await asyncio.wait([self._listener])
        self._wire.close()

    async def __call__(self, number: int, /) -> Told:
        """Sends one photograph; its end is its acceptance.

        Raises:
            CallFailed: The server refused it.
            OSError: The server was out of reach.
        """
        answer = await self._wire.send(self._requests[number % len(self._requests)])
        if answer.status != ACCEPTED:
            raise CallFailed(f"HTTP {answer.status}")
        self._accepted += 1
        return Told()

    @property
    def waiting(self) -> int:
        """How many have been accepted and have not ended."""
        return self._accepted - self.ended

    async def fill(self, depth: int) -> None:
        """Sends until so many wait."""

        async def send() -> None:
            while self.waiting < depth:
                await self(self._accepted)

        await asyncio.gather(*(send() for _ in range(FILLERS)))
        await asyncio.sleep(SETTLE_SECONDS)

    def _hear(self, part: bytes) -> None:
        *events, self._rest = (self._rest + part).split(b"\n\n")
        self.ended += sum(event.startswith(SUCCEEDED) for event in events)


@dataclass(slots=True)
class Submitted:
    """What was measured of submits to a full queue, in seconds."""

    times: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    """Predictions a second that ended in each round."""
    least_waiting: int = sys.maxsize

    def row(self, name: str) -> str:
        """A line of the table."""
        times = _times(self.times)
        return (
            f"| {name} | {len(self.times):,} | {self.least_waiting:,} | **{times.p50:.1f}** | {times.p95:.1f} |"
            f" **{times.p99:.1f}** | {times.most:.0f} | {statistics.median(self.rates):.1f} |"
        )


HEAD = (
    "| | submits | least queued | p50 | p95 | p99 | most | results a second |",
    "|---|---|---|---|---|---|---|---|",
)


async def _steadily(submits: Submits, seconds: float, found: Submitted) -> None:
    """So many submits a second, by chance."""
    await submits.fill(LEAST_QUEUED + round(seconds * MOST_PER_SECOND))
    ended, began = submits.ended, time.perf_counter()
    phase = await open_loop(submits, rate=SUBMITS_PER_SECOND, seconds=seconds)
    found.rates.append((submits.ended - ended) / (time.perf_counter() - began))
    found.least_waiting = min(found.least_waiting, submits.waiting)
    for sample in phase.samples:
        if sample.told is None:
            raise RuntimeError(f"a submit was refused: {sample.error}")
        found.times.append(sample.ended - sample.due)


async def _in_bursts(submits: Submits, seconds: float, found: Submitted) -> None:
    """So many submits at once, again and again."""
    await submits.fill(LEAST_QUEUED + round(seconds * MOST_PER_SECOND))
    ended, began = submits.ended, time.perf_counter()

    async def timed(number: int, sent: float) -> None:
        await submits(number)
        found.times.append(time.perf_counter() - sent)

    for due in range(round(seconds / BURST_EVERY_SECONDS)):
        await asyncio.sleep(began + due * BURST_EVERY_SECONDS - time.perf_counter())
        sent = time.perf_counter()
        await asyncio.gather(*(timed(number, sent) for number in range(BURST)))
    found.rates.append((submits.ended - ended) / (time.perf_counter() - began))
    found.least_waiting = min(found.least_waiting, submits.waiting)


KINDS = {
    f"{SUBMITS_PER_SECOND:.0f} a second": _steadily,
    f"bursts of {BURST}": _in_bursts,
}


def measure_saturated(quick: bool) -> list[str]:
    """The section's lines: submits while the worker has all it can do."""
    rounds, seconds = (1, 4.0) if quick else (5, 10.0)
    found = {name: Submitted() for name in KINDS}

    async def work(site: Site) -> None:
        async with Submits(site) as submits:
            for _ in range(rounds):
                for name, kind in KINDS.items():
                    await kind(submits, seconds, found[name])
                    print(found[name].row(name), flush=True)

    with inferq_up() as site:
        run(work(site))
    return [
        f"At least {LEAST_QUEUED} predictions wait all the time, so the worker uses what it can get of every core, and a client hears of"
        f" all ends. {SUBMITS_PER_SECOND:.0f} photographs a second by chance (a Poisson process; their time begins when they are due),"
        f" and bursts of {BURST} at once every {BURST_EVERY_SECONDS:.0f} s; {rounds} rounds of {seconds:.0f} s, in turn."
        " Milliseconds until 202 is read.",
        "",
        *HEAD,
        *(submitted.row(name) for name, submitted in found.items()),
    ]


def renice(pid: int, niceness: int) -> None:
    """Gives all threads of a process a niceness beyond our own; to lower it again takes root."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # threads end
            os.setpriority(os.PRIO_PROCESS, int(task.name), own + niceness)


def measure_niceness(quick: bool) -> list[str]:
    """The section's lines: the same submits, with the worker at several nicenesses in turn."""
    rounds, seconds = (1, 4.0) if quick else (5, 8.0)
    found = {niceness: Submitted() for niceness in NICENESSES}

    async def work(site: Site) -> None:
        (worker,) = site.processes()["worker"]
        async with Submits(site) as submits:
            for turn in range(rounds):
                for niceness in NICENESSES[:: -1 if turn % 2 else 1]:
                    renice(worker, niceness)
                    await _steadily(submits, seconds, found[niceness])
                    print(found[niceness].row(str(niceness)), flush=True)

    with inferq_up() as site:
        run(work(site))
    return [
        f"The same submits, {SUBMITS_PER_SECOND:.0f} a second by chance, while the worker is at a niceness beyond that of everything else;"
        f" {rounds} rounds of {seconds:.0f} s, there and back in turn.",
        "",
        *HEAD,
        *(submitted.row(f"niceness {niceness}") for niceness, submitted in found.items()),
        "",
        "Results a second as a share of those without: "
        + ", ".join(
            f"{_share(found[niceness].rates, found[0].rates)} at {niceness}"
            for niceness in NICENESSES[1:]
        )
        + " (median of the rounds' ratios, least and greatest).",
    ]


def _share(rates: Sequence[float], of: Sequence[float]) -> str:
    ratios = [one / other for one, other in zip(rates, of, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


PARTS: dict[str, tuple[str, Measure]] = {
    "idle": ("## Idle: from a photograph to its result", measure_idle),
    "saturated": ("## Saturated: until a submit is accepted", measure_saturated),
    "niceness": ("## The worker's niceness", measure_niceness),
}

if __name__ == "__main__":
    write_parts(PAGE, TITLE, parts_parser(__doc__, PARTS).parse_args(), PARTS)
