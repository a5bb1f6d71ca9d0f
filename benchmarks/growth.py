"""What grows with the number of predictions, clients, workers, blobs and hours, and what does not.

Run: python benchmarks/growth.py [PART ...] [--quick] [--rate N] [--minutes N]; it writes benchmarks/results/growth.md, a
section a part. With --quick it shows that it works, with small numbers, and writes nothing.
"""

from collections.abc import Callable
from typing import Any

import growth_blobs
import growth_listeners
import growth_queue
import growth_soak
import growth_workers
from growth_soak import Soak
from harness import RESULTS, Measure, parts_parser, write_parts

SOAK, QUICK_SOAK = Soak(rate=20.0, minutes=30.0), Soak(rate=20.0, minutes=1.0)
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
    "soak": ("## Memory at work", sized(growth_soak.measure, SOAK, QUICK_SOAK)),
}

if __name__ == "__main__":
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--rate", type=float, default=SOAK.rate, help="of the soak, a second")
    parser.add_argument("--minutes", type=float, default=SOAK.minutes, help="of the soak")
    options = parser.parse_args()
    soak = sized(growth_soak.measure, Soak(options.rate, options.minutes), QUICK_SOAK)
    write_parts(PAGE, TITLE, options, PARTS | {"soak": (PARTS["soak"][0], soak)})
