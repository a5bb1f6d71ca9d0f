"""What a phase of load says: throughput, percentiles of the times, where they went."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from inferq.load.phases import Phase

OUTSIDE = "outside"
"""The stage that the server does not tell of: the way there and back, and the push."""
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Times:
    """Percentiles of some times, in milliseconds."""

    p50: float
    p90: float
    p95: float
    p99: float
    most: float
    mean: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Times | None":
        """The percentiles of times in seconds; None where there are none."""
        times = sorted(each * 1e3 for each in seconds)
        if not times:
            return None
        p50, p90, p95, p99 = (percentile(times, share) for share in (0.5, 0.9, 0.95, 0.99))
        return cls(p50, p90, p95, p99, times[-1], sum(times) / len(times))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a phase says.

    Attributes:
        load: `rate` or `clients`, and how many of them.
        seconds: Length without warm-up.
        finished: Calls that came to a result, of those due after the warm-up.
        failed: How many did not, by reason.
        per_second: Results a second while the load lasted.
        accepted: From due to accepted (202); None where the server does not say so.
        result: From due to the result; None where none came.
        stages_ms: Mean milliseconds of what the server tells of a call, and of what is `outside` that.
        late_ms: The 99th percentile of how late the generator itself sent; of an open loop.
        generator_ms: CPU milliseconds that the generator spent on a call.
    """

    load: tuple[str, float]
    seconds: float
    finished: int
    failed: Mapping[str, int]
    per_second: float
    accepted: Times | None
    result: Times | None
    stages_ms: Mapping[str, float]
    late_ms: float
    generator_ms: float

    @classmethod
    def of(cls, phase: Phase) -> "Figures":
        """Reckons them."""
        seconds = phase.end - phase.begin
        counted = [sample for sample in phase.samples if sample.due >= phase.begin]
        done = [sample for sample in counted if sample.told is not None]
        inside = sum(
            sample.told is not None and phase.begin <= sample.ended < phase.end
            for sample in phase.samples
        )
        late = sorted((sample.began - sample.due) * 1e3 for sample in counted)
        result = Times.of(sample.ended - sample.due for sample in done)
        return cls(
            load=(phase.name, phase.value),
            seconds=seconds,
            finished=len(done),
            failed=dict(Counter(sample.error for sample in counted if sample.error is not None)),
            per_second=inside / seconds,
            accepted=Times.of(
                sample.told.accepted - sample.due
                for sample in done
                if sample.told and sample.told.accepted is not None
            ),
            result=result,
            stages_ms=_stages([sample.told.stages_ms for sample in done if sample.told], result),
            late_ms=percentile(late, 0.99) if late else 0.0,
            generator_ms=phase.cpu_seconds * 1e3 / max(1, len(phase.samples)),
        )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least of some ordered values that at least this share of them does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _stages(told: Sequence[Mapping[str, float]], result: Times | None) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for stages in told:
        for name, spent in stages.items():
            sums[name] += spent
    means = {name: spent / len(told) for name, spent in sums.items()}
    if result is not None and TOTAL in means:
        means[OUTSIDE] = result.mean - means[TOTAL]
    return means
