"""Throughput of a worker with and without batches: for a network that gains by them, and for the bundled detector.

A worker's pipeline (claim, read, preprocess, infer, postprocess, finish) on a Valkey and a storage of its own, without
broker and API. Both ways take turns on the same loaded network. Run: python benchmarks/batching.py; it writes
benchmarks/results/batching.md.
"""

import hashlib
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from harness import RESULTS, draft, load, machine, valkey

from inferq.models.batching import MARGIN, Batching, choose_batching
from inferq.models.catalogue import bundled_folder, load_models
from inferq.models.served import ServedModel
from inferq.predictions.record import ModelReference
from inferq.predictions.store import Policy, PredictionStore
from inferq.settings import Settings
from inferq.state import connect
from inferq.storage import Storage
from inferq.telemetry import configure_logging
from inferq.worker.context import worker_context
from inferq.worker.cpus import available_cpus
from inferq.worker.pipeline import Pipeline, Workplace
from inferq.worker.slots import Slots

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from models.echo import MOST, echo_picture, write_echo_model

FEATURES = 4096
ROUNDS = 5
CHOICES = 5
FRIENDLY_COUNT, DETECTOR_COUNT = 300, 100


@dataclass(frozen=True, slots=True)
class Way:
    """How a model was run: predictions a second of each round, and the mean batch."""

    name: str
    rates: list[float]
    batches: list[float]


class Bench:
    """One Valkey and one storage for all that is measured."""

    def __init__(self, url: str, folder: Path) -> None:
        self.store = PredictionStore(connect(url))
        self.storage = Storage((folder / "storage").as_uri())

    def drain(
        self, model: ServedModel[Any, Any], batching: Batching, picture: bytes, count: int
    ) -> tuple[float, float]:
        """Predictions a second of a worker that finds `count` waiting, and its mean batch."""
        sizes: list[int] = []
        infer = type(model).infer

        def counted(items: Any) -> Any:
            sizes.append(len(items))
            return infer(model, items)

        model.infer = counted  # type: ignore[method-assign]
        model.batching = batching
        slots = available_cpus() if batching.size == 1 else 2 * batching.size
        workplace = Workplace("w", Policy(3, timedelta(hours=1)), Slots(slots))
        pipeline = Pipeline(
            self.store, self.storage, models={model.about.reference: model}, workplace=workplace
        )
        key = self.storage.key("bench")
        self.storage.write(key, picture)
        reference = ModelReference.parse(model.about.reference)
        given = draft().input.model_copy(update={"sha256": hashlib.sha256(picture).hexdigest()})
        drafts = [
            replace(draft(), model=reference, input=given, input_key=key, parameters={})
            for _ in range(count)
        ]
        ids = [self.store.accept(each).record.task_id for each in drafts]
        started = time.perf_counter()
        with ThreadPoolExecutor(slots) as pool:
            outcomes = list(pool.map(pipeline.run, ids))
        seconds = time.perf_counter() - started
        if not all(each and each.error is None for each in outcomes):
            raise RuntimeError("a prediction failed, so that its time says nothing")
        del model.infer
        return count / seconds, statistics.mean(sizes)

    def compare(
        self, model: ServedModel[Any, Any], ways: dict[str, Batching], picture: bytes, count: int
    ) -> list[Way]:
        """Each way in turn, round by round, after one of each that is not counted."""
        found = [Way(name, [], []) for name in ways]
        for round_ in range(ROUNDS + 1):
            for way in found:
                rate, batch = self.drain(model, ways[way.name], picture, count)
                if round_:
                    way.rates.append(rate)
                    way.batches.append(batch)
                print(
                    f"{model.card.name}, {way.name}: {rate:.0f}/s, batches of {batch:.1f}",
                    flush=True,
                )
        return found


def table(ways: list[Way]) -> list[str]:
    """Rows of one model; the first way is what the others are compared with round by round."""
    rows = []
    for way in ways:
        ratio = statistics.median(a / b for a, b in zip(way.rates, ways[0].rates, strict=True))
        rows.append(
            f"| {way.name} | {statistics.median(way.rates):.0f} | {min(way.rates):.0f}-{max(way.rates):.0f}"
            f" | {statistics.median(way.batches):.1f} | {ratio:.2f} |"
        )
    return rows


def choices(model: ServedModel[Any, Any]) -> str:
    """What several measurements, as at a worker's start, choose."""
    ctx = worker_context(Settings())
    made = [choose_batching(model, ctx) for _ in range(CHOICES)]
    cost = ", ".join(f"{ms:.1f} in batches of {size}" for size, ms in made[-1].milliseconds.items())
    sizes = ", ".join(str(each.size) for each in made)
    return f"{CHOICES} measurements as at a worker's start chose {sizes}; the last one: milliseconds a prediction {cost}."


def main() -> None:
    """Measures, prints, and writes the result."""
    configure_logging(Settings(log_level="error"))
    busy = load()
    head = [
        "| way | predictions/s, median | least-most | mean batch | against one by one |",
        "|---|---|---|---|---|",
    ]
    with valkey() as server, tempfile.TemporaryDirectory() as name:
        folder, bench = Path(name), Bench(server.url, Path(name))
        ctx = worker_context(Settings(batching="off"))
        friendly, detector = load_models(
            [write_echo_model(folder / "echo", features=FEATURES), bundled_folder()], ctx
        )
        friendly_choice, detector_choice = choices(friendly), choices(detector)
        one = Batching(1, ctx.parallel)
        chosen = choose_batching(friendly, replace(ctx, batching="auto"))
        friendly_ways = {"one by one": one, f"as measured: up to {chosen.size}": chosen}
        found = bench.compare(friendly, friendly_ways, echo_picture(1), FRIENDLY_COUNT)
        eight = replace(one, size=8)
        detector_ways = {"one by one": one, "up to 8, against the measurement": eight}
        detected = bench.compare(detector, detector_ways, detector.sample(), DETECTOR_COUNT)
    lines = [
        "# Batches, and without",
        "",
        f"{machine()}, {busy}; `make bench-batching` runs it again. A worker's pipeline on a Valkey and a storage",
        f"of its own, without broker and API; {ctx.parallel} runs at once of {ctx.threads} thread; medians of {ROUNDS} rounds in which",
        "both ways take turns, and of the ratios of each round. A batch is doubled as long as that makes a prediction"
        f" {MARGIN:.0%} cheaper.",
        "",
        f"## A network that gains: each run reads {FEATURES**2 * 4 // 2**20} MiB of weights, however many pictures it is for",
        "",
        *head,
        *table(found),
        "",
        f"{friendly_choice} At most {MOST} are allowed.",
        "",
        "## The bundled detector",
        "",
        *head,
        *table(detected),
        "",
        detector_choice,
    ]
    (RESULTS / "batching.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
