"""The knee: the highest rate of calls at which a server still answers in time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from inferq.load.figures import Figures

GROWTH = 1.25
MOST_STEPS = 10
"""So many rates, each a quarter higher than the one before, lead from a share of the throughput far beyond it."""


@dataclass(frozen=True, slots=True)
class Knee:
    """What was found.

    Attributes:
        limit_ms: What 95 of 100 calls were to keep within.
        held: The last rate at which they did; None where they did at none.
        broke: The first at which they did not; None where they did at all.
        steps: What was measured, in turn.
    """

    limit_ms: float
    held: float | None
    broke: float | None
    steps: tuple[Figures, ...]


async def find_knee(
    measure: Callable[[float], Awaitable[Figures]], *, first: float, limit_ms: float
) -> Knee:
    """Measures at rising rates until the 95th percentile passes the limit or a call fails.

    Between the last rate that held and the first that broke, one more in the middle is tried.

    Args:
        measure: Loads the server at a rate; returns when all calls have ended.
        first: The rate to begin with, calls a second.
        limit_ms: What 95 of 100 calls are to keep within.
    """
    steps: list[Figures] = []
    held: float | None = None
    broke: float | None = None
    rate = first
    for _ in range(MOST_STEPS):
        steps.append(await measure(rate))
        if not _holds(steps[-1], limit_ms):
            broke = rate
            break
        held, rate = rate, rate * GROWTH
    if held is not None and broke is not None:
        middle = (held + broke) / 2
        steps.append(await measure(middle))
        held, broke = (middle, broke) if _holds(steps[-1], limit_ms) else (held, middle)
    return Knee(limit_ms, held, broke, tuple(steps))


def _holds(figures: Figures, limit_ms: float) -> bool:
    return figures.result is not None and figures.result.p95 <= limit_ms and not figures.failed
