"""Whether API and worker keep their memory while they serve for half an hour at a modest rate.

Predictions are sent, listed, drawn and forgotten again (a short retention), so that everything that could be kept
too long has come and gone many times.
"""

import statistics
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from deployed import Site, inferq_up, opened, photograph
from harness import private_bytes

from inferq import Client
from inferq.errors import InferqError

RATE = 5.0
SAMPLE_SECONDS = 5.0
SETTLING = 0.25
"""Share of the time at the beginning in which caches fill, and which does not count."""
RETENTION_SECONDS = 60
WATCHED = ("api", "worker", "store")


class Watch(threading.Thread):
    """Notes the memory of each process, and meanwhile lists predictions and has one drawn, as readers of the page do."""

    def __init__(self, site: Site) -> None:
        super().__init__(daemon=True)
        self._site = site
        self._ended = threading.Event()
        self.samples: dict[str, list[tuple[float, float]]] = {name: [] for name in WATCHED}

    def run(self) -> None:
        """Until it is stopped."""
        with Client(self._site.url, self._site.key) as client:
            while not self._ended.wait(SAMPLE_SECONDS):
                with suppress(InferqError):  # what it lists may be forgotten before it is drawn
                    newest = next(client.list(limit=20, state="succeeded"), None)
                    if newest is not None:
                        client.annotated(newest.task_id)
                for name, pids in self._site.processes().items():
                    if name in self.samples:
                        now = time.monotonic()
                        self.samples[name].append((now, sum(map(private_bytes, pids)) / 1e6))

    def stop(self) -> None:
        """Ends it."""
        self._ended.set()
        self.join()


def slope(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """MB an hour by least squares, and half the width of its 95 % interval."""
    times, values = zip(*samples, strict=True)
    line = statistics.linear_regression(times, values)
    middle = statistics.fmean(times)
    spread = sum((each - middle) ** 2 for each in times)
    rest = sum(
        (value - line.intercept - line.slope * at) ** 2
        for at, value in zip(times, values, strict=True)
    )
    error = (rest / (len(times) - 2) / spread) ** 0.5
    return line.slope * 3600, 1.96 * error * 3600


def failures(by_code: Mapping[str, int]) -> str:
    """How many failed, and of what."""
    causes = ", ".join(f"{count} {code}" for code, count in sorted(by_code.items()))
    return f"{sum(by_code.values())} failed: {causes}" if causes else "0 failed"


def measure(minutes: float) -> list[str]:
    """The section's lines."""
    environment = {"INFERQ_RETENTION": str(RETENTION_SECONDS), "INFERQ_MIN_FREE_DISK_BYTES": "0"}
    with inferq_up(environment=environment) as site:
        watch = Watch(site)
        watch.start()
        told = opened(site, [photograph()], rate=RATE, seconds=minutes * 60)
        watch.stop()
    rows = []
    for name, samples in watch.samples.items():
        counted = samples[int(len(samples) * SETTLING) :]
        first, last = counted[0][1], counted[-1][1]
        grows, unsure = slope(counted)
        rows.append(
            f"| {name} | {samples[0][1]:.0f} | {first:.1f} | {last:.1f} | {grows:+.2f} ± {unsure:.2f} |"
        )
    return [
        f"{minutes:.0f} minutes of {RATE:.0f} predictions/s on the bundled model ({told.finished:,} succeeded,"
        f" {failures(told.failed)}), kept for {RETENTION_SECONDS} s; every {SAMPLE_SECONDS:.0f} s somebody lists"
        " and has one drawn. Private memory in MB; the slope by least squares over all but the first quarter, with its 95 %"
        " interval (samples taken for independent).",
        "",
        "| process | at the start | after a quarter | at the end | slope, MB an hour |",
        "|---|---|---|---|---|",
        *rows,
    ]
