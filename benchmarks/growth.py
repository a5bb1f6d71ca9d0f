"""What grows with the number of predictions, clients, workers, blobs and hours, and what does not.

Run: python benchmarks/growth.py [PART ...] [--quick]; it writes benchmarks/results/growth.md, a section a part. With
--quick it shows that it works, with small numbers, and writes nothing.
"""

import argparse

import growth_blobs
import growth_listeners
import growth_queue
import growth_soak
import growth_workers
from harness import RESULTS, load, machine, write_section

PAGE = RESULTS / "growth.md"
TITLE = "# What grows, and what does not\n\n`make bench-growth` runs all of it again, `make bench-growth ARGS=queue` a part."
PARTS = {
    "queue": (
        "## Predictions that wait",
        growth_queue.measure,
        (10, 1_000, 100_000, 1_000_000),
        (10, 1_000, 20_000),
    ),
    "listeners": ("## Clients that wait", growth_listeners.measure, (1_000, 10_000), (100,)),
    "workers": ("## Workers", growth_workers.measure, (1, 2, 4), (1, 2)),
    "blobs": (
        "## Inputs in the storage",
        growth_blobs.measure,
        (1_000, 100_000, 1_000_000),
        (1_000, 5_000),
    ),
    "soak": ("## Half an hour of work", growth_soak.measure, 30, 1),
}


def main() -> None:
    """Measures, prints, and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    for name in options.parts or PARTS:
        heading, measure, full, quick = PARTS[name]
        lines = [f"{machine()}; {load()}.", "", *measure(quick if options.quick else full)]
        print("\n".join(lines), flush=True)
        if not options.quick:
            write_section(PAGE, TITLE, heading, lines)


if __name__ == "__main__":
    main()
