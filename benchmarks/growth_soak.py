"""Whether API and worker keep their memory while they serve.

Predictions are sent, listed, drawn and forgotten again (a short retention), so that everything that could be kept
too long has come and gone many times. What matters is how many predictions that were: at a high rate a soak of minutes
says what hours at a low one do, but for what grows with time alone.
"""

import os
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from deployed import Site, inferq_up, opened, photograph
from harness import own_bytes

from inferq import Client
from inferq.errors import InferqError

LOOK_EVERY = 25
"""Predictions from one look at the memory, and at what is there, to the next."""
SETTLING = 0.25
"""Share of the time at the beginning in which caches fill, and which does not count."""
STRETCHES = 10
T_95 = 2.306
"""Student's t for a line through so many means."""
RETENTION_SECONDS = 60
WATCHED = ("api", "worker", "store")


class Soak(NamedTuple):
    """How much work: predictions a second, and for how long."""

    rate: float
    minutes: float


class Sample(NamedTuple):
    """What a process had in memory at a time of the monotonic clock."""

    at: float
    megabytes: float


class Watch(threading.Thread):
    """Notes the memory of each process, and meanwhile lists predictions and has one drawn, as readers of the page do."""

    def __init__(self, site: Site, seconds: float) -> None:
        """Takes the time between two looks."""
        super().__init__(daemon=True)
        self._site = site
        self._seconds = seconds
        self._ended = threading.Event()
        self.samples: dict[str, list[Sample]] = {name: [] for name in WATCHED}

    def run(self) -> None:
        """Until it is stopped."""
        with Client(self._site.url, self._site.key) as client:
            while not self._ended.wait(self._seconds):
                with suppress(InferqError):  # what it lists may be forgotten before it is drawn
                    newest = next(client.list(limit=20, state="succeeded"), None)
                    if newest is not None:
                        client.annotated(newest.task_id)
                for name, pids in self._site.processes().items():
                    if name in self.samples:
                        sample = Sample(time.monotonic(), sum(map(own_bytes, pids)) / 1e6)
                        self.samples[name].append(sample)

    def stop(self) -> None:
        """Ends it."""
        self._ended.set()
        self.join()


def slope(samples: Sequence[Sample]) -> tuple[float, float]:
    """MB an hour, and half the width of its 95 % interval: the line through the means of equal stretches.

    Single samples are not independent of each other; the interval through them would be far too narrow.
    """
    size = len(samples) // STRETCHES
    stretches = [samples[first * size : (first + 1) * size] for first in range(STRETCHES)]
    times = [statistics.fmean(each.at for each in stretch) for stretch in stretches]
    values = [statistics.fmean(each.megabytes for each in stretch) for stretch in stretches]
    line = statistics.linear_regression(times, values)
    middle = statistics.fmean(times)
    spread = sum((each - middle) ** 2 for each in times)
    rest = sum(
        (value - line.intercept - line.slope * at) ** 2
        for at, value in zip(times, values, strict=True)
    )
    error = (rest / (STRETCHES - 2) / spread) ** 0.5
    return line.slope * 3600, T_95 * error * 3600


def largest_step(samples: Sequence[Sample]) -> float:
    """MB of the largest rise from one sample to the next."""
    values = [each.megabytes for each in samples]
    return max(after - before for before, after in pairwise(values))


def failures(by_code: Mapping[str, int]) -> str:
    """How many failed, and of what."""
    causes = ", ".join(f"{count} {code}" for code, count in sorted(by_code.items()))
    return f"{sum(by_code.values())} failed: {causes}" if causes else "0 failed"


def row(name: str, samples: Sequence[Sample], rate: float) -> str:
    """A line of the table."""
    counted = samples[int(len(samples) * SETTLING) :]
    grows, unsure = slope(counted)
    million = 1e6 / rate / 3600
    return (
        f"| {name} | {samples[0].megabytes:.1f} | {counted[0].megabytes:.1f} | {counted[-1].megabytes:.1f} |"
        f" {grows:+.2f} ± {unsure:.2f} | {grows * million:+.0f} ± {unsure * million:.0f} | {largest_step(counted):.1f} |"
    )


def measure(soak: Soak) -> list[str]:
    """The section's lines."""
    environment = {"INFERQ_RETENTION": str(RETENTION_SECONDS), "INFERQ_MIN_FREE_DISK_BYTES": "0"}
    with inferq_up(environment=environment) as site:
        before, began = sum(site.cpu_seconds().values()), time.monotonic()
        watch = Watch(site, LOOK_EVERY / soak.rate)
        watch.start()
        told = opened(site, [photograph()], rate=soak.rate, seconds=soak.minutes * 60)
        watch.stop()
        spent = sum(site.cpu_seconds().values()) - before
        share = spent / (time.monotonic() - began) / (os.cpu_count() or 1)
    return [
        f"{soak.minutes:.0f} minutes of {soak.rate:.0f} predictions/s on the bundled model ({told.finished:,} succeeded,"
        f" {failures(told.failed)}), kept for {RETENTION_SECONDS} s; inferq takes {share:.0%} of the machine's CPU time. With"
        f" every {LOOK_EVERY}th prediction somebody lists and has one drawn. Anonymous memory in MB. The slope is that of the line"
        f" through the means of {STRETCHES} equal stretches after the first quarter, with its 95 % interval; a step makes one,"
        " too, so the largest rise from one look to the next is there as well. The store gains until its stream of events"
        " holds the last 100,000, four of each prediction.",
        "",
        "| process | at the start | after a quarter | at the end | slope, MB an hour | MB a million predictions | largest step |",
        "|---|---|---|---|---|---|---|",
        *(row(name, samples, soak.rate) for name, samples in watch.samples.items()),
    ]
