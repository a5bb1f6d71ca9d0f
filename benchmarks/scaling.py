"""How large a deployment has to be: a queueing model checked against real runs, and what brokers, stores and bytes cost.

Run: python benchmarks/scaling.py [PART ...] [--quick]; it writes benchmarks/results/scaling.md, a section a part. With
--quick it shows that it works, in little time, and writes nothing. It wants an idle machine.
"""

import scaling_bytes
import scaling_check
import scaling_costs
import scaling_sizes
from harness import RESULTS, Measure, parts_parser, write_parts

PAGE = RESULTS / "scaling.md"
TITLE = (
    "# How large a deployment has to be\n\n`make bench-scaling` runs all of it again, `make bench-scaling ARGS=costs` a part."
    " What follows from it: [docs/scaling.md](../../docs/scaling.md)."
)
PARTS: dict[str, tuple[str, Measure]] = {
    "check": ("## Simulated and measured", scaling_check.measure),
    "sizes": ("## Workers for a rate", scaling_sizes.measure),
    "costs": ("## CPU of each part", scaling_costs.measure),
    "bytes": ("## Bytes of a prediction", scaling_bytes.measure),
}

if __name__ == "__main__":
    write_parts(PAGE, TITLE, parts_parser(__doc__, PARTS).parse_args(), PARTS)
