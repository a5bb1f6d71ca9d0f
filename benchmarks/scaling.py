"""How large a deployment has to be: a queueing model checked against real runs, and what brokers, stores and bytes cost.

Run: python benchmarks/scaling.py [PART ...] [--quick]; it writes benchmarks/results/scaling.md, a section a part. With
--quick it shows that it works, in little time, and writes nothing. It wants an idle machine.
"""

import argparse
from collections.abc import Callable

import scaling_bytes
import scaling_check
import scaling_costs
import scaling_sizes
from harness import RESULTS, load, machine, write_section

PAGE = RESULTS / "scaling.md"
TITLE = (
    "# How large a deployment has to be\n\n`make bench-scaling` runs all of it again, `make bench-scaling ARGS=costs` a part."
    " What follows from it: [docs/scaling.md](../../docs/scaling.md)."
)
PARTS: dict[str, tuple[str, Callable[[bool], list[str]]]] = {
    "check": ("## Simulated and measured", scaling_check.measure),
    "sizes": ("## Workers for a rate", scaling_sizes.measure),
    "costs": ("## CPU of each part", scaling_costs.measure),
    "bytes": ("## Bytes of a prediction", scaling_bytes.measure),
}


def main() -> None:
    """Measures, prints, and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    for name in options.parts or PARTS:
        heading, measure = PARTS[name]
        lines = [f"{machine()}; {load()}.", "", *measure(options.quick)]
        print("\n".join(lines), flush=True)
        if not options.quick:
            write_section(PAGE, TITLE, heading, lines)


if __name__ == "__main__":
    main()
