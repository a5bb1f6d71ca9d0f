"""What a page of one owner's predictions costs, with ten of them and with a hundred thousand.

Run: python benchmarks/lists.py; it writes benchmarks/results/lists.md.
"""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta

from harness import DONE, RESULTS, draft, machine, valkey

from inferq.predictions.lists import Filter, PredictionLists
from inferq.predictions.record import Attempt, State
from inferq.predictions.store import Limits, PredictionStore
from inferq.state import connect

SIZES = (10, 1_000, 10_000, 100_000)
RUNS = 50
LIMIT = 50
CASES: dict[str, Filter] = {
    "first page": Filter(),
    "succeeded": Filter(states=frozenset({State.SUCCEEDED})),
    "label, many": Filter(labels=frozenset({"cat"})),
    "state that few have": Filter(states=frozenset({State.CANCELED})),
    "batch of ten": Filter(batches=frozenset({"ten"})),
    "label and batch of ten": Filter(labels=frozenset({"cat"}), batches=frozenset({"ten"})),
}


def fill(store: PredictionStore, have: int, want: int) -> None:
    """Adds finished predictions; the first ten are a batch, every thousandth is canceled."""
    for number in range(have, want):
        made = draft(batch="ten" if number < 10 else None)
        store.accept(made)
        if number % 1000 == 5:
            store.cancel(made.task_id, retention=timedelta(days=1))
            continue
        attempt = Attempt.new(made.task_id, "w")
        store.claim(attempt, max_attempts=3)
        store.finish(attempt, DONE, retention=timedelta(days=1))


def median_ms(call: Callable[[], object]) -> float:
    """The median of several calls in milliseconds."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)


def main() -> None:
    """Measures, prints, and writes the result."""
    rows: dict[str, list[str]] = {
        name: [] for name in (*CASES, "a page in the middle", "batch counts")
    }
    with valkey() as server:
        client = connect(server.url)
        client.config_set("maxmemory", 0)
        store, lists = PredictionStore(client, Limits(max_queued=10**6)), PredictionLists(client)
        have = 0
        for size in SIZES:
            fill(store, have, size)
            have = size
            for name, wanted in CASES.items():
                rows[name].append(
                    f"{median_ms(lambda wanted=wanted: lists.page('ann', wanted, limit=LIMIT)):.2f}"
                )
            middle = lists.page("ann", Filter(), limit=LIMIT).next
            for _ in range(min(20, size // LIMIT // 2)):
                middle = lists.page("ann", Filter(), limit=LIMIT, after=middle).next
            rows["a page in the middle"].append(
                f"{median_ms(lambda after=middle: lists.page('ann', Filter(), limit=LIMIT, after=after)):.2f}"
            )
            rows["batch counts"].append(f"{median_ms(lambda: lists.tally('ann', 'ten')):.2f}")
    lines = [
        "# What a page of a list costs",
        "",
        f"{machine()}; Valkey over a unix socket; medians of {RUNS} calls, milliseconds, up to {LIMIT} predictions a page.",
        "`make bench-lists` runs it again. With ten predictions a page holds ten, so its cost there is lower.",
        "",
        "| predictions of the owner | " + " | ".join(f"{size:,}" for size in SIZES) + " |",
        "|---|" + "---|" * len(SIZES),
        *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()),
    ]
    (RESULTS / "lists.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
