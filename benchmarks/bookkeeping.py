"""What the bookkeeping of one prediction costs: accept, publish mark, claim, renew, finish, on a Valkey of its own.

CPU of both sides is counted: this process's, and the server's from /proc. Linux only.
Run: python benchmarks/bookkeeping.py; it writes benchmarks/results/bookkeeping.md.
"""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import redis
from harness import DONE, MODEL, RESULTS, draft, machine, server_seconds, valkey

from inferq.predictions.record import Attempt
from inferq.predictions.repairs import Message, Repairs
from inferq.predictions.store import PredictionStore
from inferq.state import connect

T = TypeVar("T")
ROUNDS, PREDICTIONS, WAITING = 5, 1000, 5_000
STEPS = ("accept", "published", "claim", "renew", "finish")


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


def main() -> None:
    """Measures, prints, and writes the result."""
    with valkey() as server:
        client = connect(server.url)
        store = PredictionStore(client)
        for _ in range(WAITING):
            store.accept(draft())
        rounds = [Round(client, server.pid) for _ in range(ROUNDS)]
        costs = [one.run() for one in rounds]
    lines = [
        "# What the bookkeeping of one prediction costs",
        "",
        f"{machine()}; Valkey over a unix socket, AOF everysec;"
        f" {WAITING} predictions wait meanwhile, {ROUNDS} rounds of {PREDICTIONS}.",
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
    own, theirs = (statistics.median(side) for side in zip(*costs, strict=True))
    lines += [
        "",
        f"CPU per prediction, all steps: **{own + theirs:.2f} ms** ({own:.2f} in Python, {theirs:.2f} in Valkey);"
        f" rounds {', '.join(f'{a + b:.2f}' for a, b in costs)}.",
    ]
    (RESULTS / "bookkeeping.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
