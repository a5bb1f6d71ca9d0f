"""What grows with the number of predictions, clients, workers, blobs and hours, and what does not.

Run: python benchmarks/growth.py [PART ...] [--quick]; it writes benchmarks/results/growth.md, a section a part. With
--quick it shows that it works, with small numbers, and writes nothing.
"""

from collections.abc import Callable
from typing import Any

import growth_blobs
import growth_listeners
import growth_queue
import growth_soak
import growth_workers
from harness import RESULTS, Measure, write_parts

PAGE = RESULTS / "growth.md"
TITLE = "# What grows, and what does not\n\n`make bench-growth` runs all of it again, `make bench-growth ARGS=queue` a part."


def sized(measure: Callable[[Any], list[str]], full: object, quick: object) -> Measure:
    """A measurement at one of two sizes."""
    return lambda is_quick: measure(quick if is_quick else full)


PARTS = {
    "queue": (
        "## Predictions that wait",
        sized(growth_queue.measure, (10, 1_000, 100_000, 1_000_000), (10, 1_000, 20_000)),
    ),
    "listeners": (
        "## Clients that wait",
        sized(growth_listeners.measure, (1_000, 10_000), (100,)),
    ),
    "workers": ("## Workers", sized(growth_workers.measure, (1, 2, 4), (1, 2))),
    "blobs": (
        "## Inputs in the storage",
        sized(growth_blobs.measure, (1_000, 100_000, 1_000_000), (1_000, 5_000)),
    ),
    "soak": ("## Half an hour of work", sized(growth_soak.measure, 30, 1)),
}

if __name__ == "__main__":
    write_parts(PAGE, TITLE, __doc__, PARTS)
