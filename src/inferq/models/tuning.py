"""Finds how a model is run best on this machine: provider, weights, threads, graph optimisation, size of batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from inferq.errors import SetupError
from inferq.models.agreement import LEAST_SCORE, Agreement, Found, agreement, detect
from inferq.models.base import Context
from inferq.models.batching import Meter, measure_in_turn, pays
from inferq.models.card import read_card
from inferq.models.catalogue import load_models
from inferq.models.runtimes import find_runtime
from inferq.models.served import ServedModel

MOST_SCORE_CHANGE = 0.05
"""Beyond which a way is no longer the same model: of any score, with other weights of the mean of all."""
LEAST_IN_PLACE = 0.95
"""Share of the detections whose boxes other weights have to leave where they are."""
THOROUGHLY = 6
ACCELERATORS = ("cuda", "coreml")
"""Providers that are tried where the runtime has them; TensorRT takes minutes to build its engines."""

UNCOMPARED = Agreement()


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run the model, as it was measured.

    Attributes:
        ctx: Says how, with the size of its batches.
        per_second: Predictions, with as many runs at once as the context says.
        alone_ms: Of a prediction that has the machine to itself.
        agreement: With the model as its card says, on a CPU.
        refused: Why it does not come into question, if so.
    """

    ctx: Context
    per_second: float = 0.0
    alone_ms: float = 0.0
    agreement: Agreement = UNCOMPARED
    refused: str | None = None


class Tuner:
    """Goes from one question to the next with the best answer so far."""

    def __init__(
        self,
        folder: Path,
        ctx: Context,
        *,
        pictures: Sequence[bytes],
        report: Callable[[Way], None],
    ) -> None:
        """Measures nothing yet.

        Args:
            folder: Of the model.
            ctx: Tells the CPUs that there are.
            pictures: Photographs on which detections are compared.
            report: Told of each way that was measured.
        """
        self._folder = folder
        self._pictures = pictures
        self._report = report
        self._start = Context(parallel=ctx.cpus, cpus=ctx.cpus, batching="auto")
        self._expected: list[Found] = []

    def run(self) -> Way:
        """The best way; the simplest of those that are about as good.

        Raises:
            SetupError: The model cannot be run as its card says.
        """
        card, model = read_card(self._folder), self._load(self._start)
        self._expected = detect(model, self._pictures)
        way = self._measure(model, self._start)
        self._report(way)
        devices = partial(_devices, find_runtime(card.runtime).installed_providers())
        variants = partial(_variants, list(card.variants))
        for question in (devices, variants, _threads, _optimizations):
            for ctx in question(replace(way.ctx, batch_size=None)):
                way, model = self._challenge(way, model, ctx)
        return way

    def _challenge(
        self, best: Way, model: ServedModel[Any, Any], ctx: Context
    ) -> tuple[Way, ServedModel[Any, Any]]:
        """The better of the best way so far and another one."""
        try:
            other = self._load(ctx)
        except SetupError as error:
            self._report(Way(ctx, refused=str(error)))
            return best, model
        way = self._measure(other, ctx)
        way = replace(way, refused=self._objection(way))
        self._report(way)
        if way.refused is not None:
            return best, model
        with Meter(model, best.ctx.parallel) as first, Meter(other, ctx.parallel) as second:
            pairs = measure_in_turn(
                partial(first.cost, best.ctx.batch_size or 1),
                partial(second.cost, way.ctx.batch_size or 1),
                thoroughly=THOROUGHLY,
            )
        return (way, other) if pays(pairs) else (best, model)

    def _load(self, ctx: Context) -> ServedModel[Any, Any]:
        (model,) = load_models([self._folder], ctx)
        return model

    def _measure(self, model: ServedModel[Any, Any], ctx: Context) -> Way:
        size = model.batching.size
        with Meter(model, ctx.parallel) as together, Meter(model, 1) as alone:
            pairs = measure_in_turn(partial(together.cost, size), partial(alone.cost, 1))
        seconds, alone_seconds = (min(each) for each in zip(*pairs, strict=True))
        found = detect(model, self._pictures, score_threshold=LEAST_SCORE)
        return Way(
            replace(ctx, batch_size=size),
            per_second=1 / seconds,
            alone_ms=alone_seconds * 1e3,
            agreement=agreement(self._expected, found),
        )

    def _objection(self, way: Way) -> str | None:
        same = way.agreement
        if way.ctx.variant:
            return objection_to_weights(same)
        if same.kept < same.found:
            return f"it loses {same.found - same.kept} of {same.found} detections"
        if same.score > MOST_SCORE_CHANGE:
            return f"scores change by more than {MOST_SCORE_CHANGE}"
        return None


def objection_to_weights(same: Agreement) -> str | None:
    """Why other weights are not the same model, if they are not."""
    if not same.found:
        return "no photograph was given in which the model finds anything: nothing tells how exact it is"
    if same.in_place < LEAST_IN_PLACE * same.found:
        return f"only {same.in_place} of {same.found} detections stay in place"
    if same.mean_score > MOST_SCORE_CHANGE:
        return f"scores change by more than {MOST_SCORE_CHANGE} on average"
    return None


def _devices(names: Sequence[str], ctx: Context) -> Iterator[Context]:
    for name in names:
        if name in ACCELERATORS:
            for parallel in (1, 2):
                yield replace(ctx, providers=(name, "cpu"), parallel=parallel)


def _variants(names: Sequence[str], ctx: Context) -> Iterator[Context]:
    for name in names:
        yield replace(ctx, variant=name)


def _threads(ctx: Context) -> Iterator[Context]:
    """One run on all CPUs, and what lies between that and a run a CPU."""
    if ctx.providers != ("cpu",):
        return
    threads = 2
    while threads < 2 * ctx.cpus:
        threads = min(threads, ctx.cpus)
        yield replace(ctx, threads=threads, parallel=max(1, ctx.cpus // threads))
        threads *= 2


def _optimizations(ctx: Context) -> Iterator[Context]:
    yield replace(ctx, optimization="extended")
    yield replace(ctx, optimization="basic")
