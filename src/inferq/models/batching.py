"""How many predictions a model runs in one go: measured on this machine, because batches may cost as well as save."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import structlog

from inferq.errors import SetupError

if TYPE_CHECKING:
    from inferq.models.base import Context
    from inferq.models.served import ServedModel

MARGIN = 0.1
"""Each doubling of a batch has to make a prediction cheaper by this part, or the smaller batch is kept."""
ROUNDS = 6
LEAST_ROUNDS = 3
SECONDS = 0.4
"""After which a comparison is content with `LEAST_ROUNDS`."""
FORGIVEN = 5
"""Of so many rounds one may say otherwise."""

SCHEDULER = Path("/proc/thread-self/schedstat")

Policy = Literal["auto", "off", "always"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Batching:
    """How a loaded model is run.

    Attributes:
        size: Most predictions of one run.
        parallel: Most runs at once; None for as many as there are predictions.
        max_wait: How long an idle model waits for predictions that are on their way.
        milliseconds: Of one prediction by size of its batch, where that was measured.
    """

    size: int = 1
    parallel: int | None = None
    max_wait: timedelta = timedelta(0)
    milliseconds: dict[int, float] = field(default_factory=dict)


def choose_batching(model: "ServedModel[Any, Any]", ctx: "Context") -> Batching:
    """How a model that is loaded and warm is run best.

    Raises:
        SetupError: The model takes single inputs, but not several at once, as it says it does.
    """
    most = 1 if ctx.batching == "off" else model.max_batch
    milliseconds: dict[int, float] = {}
    if ctx.batch_size is not None:
        most = min(ctx.batch_size, model.max_batch)
    elif ctx.batching == "auto" and most > 1 and model.sample() is None:
        most = 1
        log.warning("batching_not_measured", model=model.about.reference, reason="no sample")
    elif ctx.batching == "auto" and most > 1:
        most, milliseconds = _measured(model, ctx.parallel, most)
        log.info(
            "batching_measured",
            model=model.about.reference,
            batch_size=most,
            parallel=ctx.parallel,
            milliseconds=milliseconds,
        )
    max_wait = timedelta(milliseconds=model.max_wait_ms)
    return Batching(most, ctx.parallel, max_wait, milliseconds)


def best_size(cost: Callable[[int], float], most: int) -> tuple[int, dict[int, float]]:
    """The largest batch up to which each doubling is worth it, and what one item cost in each batch tried.

    Args:
        cost: Measures a batch of a size once; the cost of one item.
        most: The largest size allowed.
    """
    size, costs = 1, dict[int, float]()
    while size < most:
        twice = min(2 * size, most)
        pairs = measure_in_turn(partial(cost, size), partial(cost, twice))
        # Whatever disturbs a measurement makes it longer: the least is nearest to the truth.
        least = min(costs.get(size, math.inf), *(pair[0] for pair in pairs))
        costs |= {size: least, twice: min(pair[1] for pair in pairs)}
        if not pays(pairs):
            break
        size = twice
    return size, costs


def measure_in_turn(
    first: Callable[[], float], second: Callable[[], float], *, thoroughly: int = 1
) -> list[tuple[float, float]]:
    """Measures two things alternately, for some tenths of a second, or so many times as long."""
    started, pairs = time.perf_counter(), list[tuple[float, float]]()
    while len(pairs) < LEAST_ROUNDS or (
        len(pairs) < ROUNDS * thoroughly and time.perf_counter() - started < SECONDS * thoroughly
    ):
        pairs.append((first(), second()))
    return pairs


def pays(pairs: Sequence[tuple[float, float]]) -> bool:
    """Whether the second of each pair is clearly less, at best and nearly always: a busy machine must not decide."""
    wins = sum(second < (1 - MARGIN) * first for first, second in pairs)
    at_best = min(pair[1] for pair in pairs) < (1 - MARGIN) * min(pair[0] for pair in pairs)
    return at_best and wins >= len(pairs) - len(pairs) // FORGIVEN


class Meter:
    """Measures what a prediction costs a loaded model with several runs at once."""

    def __init__(self, model: "ServedModel[Any, Any]", parallel: int) -> None:
        """Makes an input of the model's sample."""
        self._model = model
        self._parallel = parallel
        sample = model.sample()
        assert sample is not None, "looked at before"  # noqa: S101 - narrows the type
        self._item = model.preprocess(sample, model.sample_parameters())
        self._pool = ThreadPoolExecutor(parallel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def cost(self, size: int) -> float:
        """Seconds of one prediction while all runs are batches of a size, measured once.

        Raises:
            SetupError: The model does not return as many outputs as there are inputs.
        """
        items = [self._item] * size
        runs = [self._pool.submit(self._timed, items) for _ in range(self._parallel)]
        return sum(run.result() for run in runs) / (size * self._parallel**2)

    def _timed(self, items: list[Any]) -> float:
        """Seconds that one run takes, without those in which its thread had to wait for a CPU."""
        started, delayed = time.perf_counter(), _run_delay()
        outputs = self._model.infer(items)
        # Within the time that is measured, or a delay in between would be taken off twice.
        delayed = _run_delay() - delayed
        seconds = time.perf_counter() - started - delayed
        if len(outputs) != len(items):
            raise SetupError(
                f"{self._model.about.reference}: infer returned {len(outputs)} outputs for {len(items)} inputs;"
                " it has to return one for each, in their order."
            )
        return seconds


def _measured(
    model: "ServedModel[Any, Any]", parallel: int, most: int
) -> tuple[int, dict[int, float]]:
    with Meter(model, parallel) as meter:
        try:
            size, costs = best_size(meter.cost, most)
        except SetupError:
            raise
        except Exception as error:
            raise SetupError(
                f"{model.about.reference} predicts single inputs, but not several at once: {error}."
                " Correct that, or set max_batch = 1."
            ) from error
    return size, {tried: round(seconds * 1e3, 3) for tried, seconds in costs.items()}


def _run_delay() -> float:
    """Seconds that this thread could have run so far, but had no CPU; 0 where the system does not tell (Linux does)."""
    try:
        return int(SCHEDULER.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
