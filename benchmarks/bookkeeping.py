"""What the bookkeeping of one prediction costs: accept, publish mark, claim, renew, finish, on a Valkey of its own.

CPU of both sides is counted: this process's, and the server's from /proc. Linux only.
Run: python benchmarks/bookkeeping.py; it writes benchmarks/results/bookkeeping.md.
"""

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import redis

from inferq.embedded.valkey import configure_valkey
from inferq.predictions.record import (
    Attempt,
    Box,
    Detection,
    DetectionsResult,
    Draft,
    Input,
    ModelReference,
    State,
    new_task_id,
)
from inferq.predictions.repairs import Message, Repairs
from inferq.predictions.store import Outcome, PredictionStore
from inferq.state import connect

T = TypeVar("T")
RESULTS = Path(__file__).parent / "results" / "bookkeeping.md"
MODEL = ModelReference(name="net", version="1")
ROUNDS, PREDICTIONS, WAITING = 5, 1000, 5_000
STEPS = ("accept", "published", "claim", "renew", "finish")
FOUND = DetectionsResult(
    detections=tuple(
        Detection(
            label="cat",
            class_id=17,
            score=0.9,
            box=Box(x_min=1.5, y_min=2.5, x_max=300.1, y_max=200.2),
        )
        for _ in range(5)
    )
)
DONE = Outcome(State.SUCCEEDED, result=FOUND, timings_ms={"read": 0.4, "inference": 20.5})


def draft() -> Draft:
    """What the API accepts for one photograph."""
    task_id = new_task_id()
    return Draft(
        task_id=task_id,
        owner="ann",
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


class Round:
    """One run of many predictions through the store, step by step."""

    def __init__(self, client: redis.Redis, pid: int) -> None:
        self._store, self._repairs = PredictionStore(client), Repairs(client)
        self._pid = pid
        self.milliseconds: dict[str, list[float]] = {step: [] for step in STEPS}

    def _timed(self, step: str, call: Callable[[], T]) -> T:
        started = time.perf_counter()
        answer = call()
        self.milliseconds[step].append((time.perf_counter() - started) * 1e3)
        return answer

    def run(self) -> tuple[float, float]:
        """CPU milliseconds per prediction: of this process, of the server."""
        store, repairs = self._store, self._repairs
        server, own = server_seconds(self._pid), time.process_time()
        for _ in range(PREDICTIONS):
            made = draft()
            attempt = Attempt.new(made.task_id, "host-1-abcdef")
            self._timed("accept", lambda made=made: store.accept(made))
            message = Message(made.task_id, MODEL)
            self._timed("published", lambda message=message: repairs.published(message))
            self._timed(
                "claim",
                lambda attempt=attempt: store.claim(attempt, max_attempts=3, publish=1),
            )
            self._timed("renew", lambda attempt=attempt: store.renew([attempt]))
            self._timed(
                "finish",
                lambda attempt=attempt: store.finish(attempt, DONE, retention=timedelta(hours=1)),
            )
        per_prediction = 1e3 / PREDICTIONS
        return (
            (time.process_time() - own) * per_prediction,
            (server_seconds(self._pid) - server) * per_prediction,
        )


def cpu_model() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def main() -> None:
    """Measures, prints, and writes the result."""
    folder = Path(tempfile.mkdtemp(prefix="inferq-bench-"))
    valkey = configure_valkey(folder, None)
    process = subprocess.Popen(valkey.command)
    client = connect(valkey.url)
    while True:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    store = PredictionStore(client)
    for _ in range(WAITING):
        store.accept(draft())
    rounds = [Round(client, process.pid) for _ in range(ROUNDS)]
    costs = [one.run() for one in rounds]
    process.terminate()
    process.wait()
    shutil.rmtree(folder)
    lines = [
        "# What the bookkeeping of one prediction costs",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {cpu_model()}, {os.cpu_count()} cores; Valkey over a unix socket,"
        f" AOF everysec; {WAITING} predictions wait meanwhile, {ROUNDS} rounds of {PREDICTIONS}.",
        "`make bench-bookkeeping` runs it again.",
        "",
        "| step | median ms | 95th percentile ms |",
        "|---|---|---|",
    ]
    for step in STEPS:
        times = sorted(ms for one in rounds for ms in one.milliseconds[step])
        lines.append(
            f"| {step} | {statistics.median(times):.3f} | {times[int(len(times) * 0.95)]:.3f} |"
        )
    own, server = (statistics.median(side) for side in zip(*costs, strict=True))
    lines += [
        "",
        f"CPU per prediction, all steps: **{own + server:.2f} ms** ({own:.2f} in Python, {server:.2f} in Valkey);"
        f" rounds {', '.join(f'{a + b:.2f}' for a, b in costs)}.",
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
