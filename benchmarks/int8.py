"""Judges the bundled model's int8 variant on photographs that it was not calibrated on, and times it.

python benchmarks/int8.py (npm has to be there); it writes benchmarks/results/int8.md.
"""

import io
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from harness import RESULTS, load, machine
from PIL import Image, ImageEnhance, ImageOps
from skimage import data as skimage_photos
from sklearn.datasets import load_sample_images

from inferq.models.agreement import LEAST_SCORE, Agreement, Found, agreement, detect
from inferq.models.base import Context
from inferq.models.catalogue import bundled_folder, load_models
from inferq.models.served import ServedModel

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from free_photographs import CALIBRATION, JUDGING, photographs, without

Model = ServedModel[Any, Any]
FLOAT, INT8 = Context(threads=1), Context(threads=1, variant="int8")
SCIKIT_IMAGE = ("astronaut", "camera", "chelsea", "coffee", "horse", "rocket")
RESAMPLES = 2000
RUNS = 60
SEED = 12


def cropped(image: Image.Image) -> Image.Image:
    """Its upper left three quarters, in width and in height."""
    return image.crop((0, 0, image.width * 3 // 4, image.height * 3 // 4))


def mirrored_and_darker(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(ImageOps.mirror(image)).enhance(0.7)


VIEWS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as they are": lambda image: image,
    "cropped to three quarters of their width and height": cropped,
    "mirrored, at 70 % of their light": mirrored_and_darker,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One view of one photograph: the float detections in int8's, also at the card's threshold, and the reverse."""

    low: Agreement
    passing: Agreement
    reverse: Agreement


def judged_photographs() -> dict[str, Image.Image]:
    """Photographs to judge by, in RGB; none that is among those of the calibration."""
    found = {
        name: Image.open(io.BytesIO(data)).convert("RGB")
        for name, data in without(photographs(JUDGING), photographs(CALIBRATION)).items()
    }
    for name in SCIKIT_IMAGE:
        found[name] = Image.fromarray(getattr(skimage_photos, name)()).convert("RGB")
    for number, pixels in enumerate(load_sample_images().images):
        found[f"scikit-learn {number}"] = Image.fromarray(pixels)
    return found


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def judge(floating: Model, int8: Model, picture: bytes) -> tuple[Judged, Found]:
    """Compares one picture's detections; also returns the float model's."""
    (expected,) = detect(floating, [picture])
    (passing,) = detect(int8, [picture])
    low, reverse = (
        detect(model, [picture], score_threshold=LEAST_SCORE) for model in (int8, floating)
    )
    judged = Judged(
        low=agreement([expected], low),
        passing=agreement([expected], [passing]),
        reverse=agreement([passing], reverse),
    )
    return judged, expected


def shares(parts: Sequence[Agreement]) -> tuple[float, float]:
    """Share of the detections that stay in place, and the mean change of their scores."""
    found, kept = sum(part.found for part in parts), sum(part.kept for part in parts)
    return (
        sum(part.in_place for part in parts) / found,
        sum(part.mean_score * part.kept for part in parts) / kept,
    )


def intervals(of_photographs: Sequence[Sequence[Agreement]]) -> tuple[str, str]:
    """95 % intervals of both shares, by drawing photographs again: views of one are no two witnesses."""
    chance = random.Random(SEED)  # noqa: S311 - resamples
    drawn = []
    for _ in range(RESAMPLES):
        sample = chance.choices(of_photographs, k=len(of_photographs))
        drawn.append(shares([part for parts in sample for part in parts]))
    low, high = int(0.025 * RESAMPLES), int(0.975 * RESAMPLES)
    places, changes = (sorted(column) for column in zip(*drawn, strict=True))
    return (
        f"{places[low]:.1%} to {places[high]:.1%}",
        f"{changes[low]:.3f} to {changes[high]:.3f}",
    )


def row(name: str, views: Sequence[Judged]) -> str:
    low = [view.low for view in views]
    found = sum(part.found for part in low)
    in_place, change = shares(low)
    passing = sum(view.passing.in_place for view in views) / found
    new = sum(view.reverse.found - view.reverse.kept for view in views)
    largest = max(part.score for part in low)
    return f"| {name} | {found} | {in_place:.1%} | {passing:.1%} | {change:.3f} | {largest:.2f} | {new} |"


def timed(models: Mapping[str, Model], picture: bytes) -> dict[str, tuple[float, float]]:
    """CPU milliseconds of a run of each with one thread, median and best, measured in turn."""
    item = next(iter(models.values())).preprocess(picture, {})
    spent: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(RUNS):
        for name, model in models.items():
            started = time.process_time()
            model.infer([item])
            spent[name].append((time.process_time() - started) * 1e3)
    return {name: (median(each), min(each)) for name, each in spent.items()}


def main() -> None:
    """Judges, times, and writes the result."""
    logging.disable(logging.WARNING)
    busy = load()
    folder = bundled_folder()
    ((floating,), (int8,)) = (load_models([folder], replace(ctx)) for ctx in (FLOAT, INT8))
    judged: dict[str, list[Judged]] = {view: [] for view in VIEWS}
    labels: Counter[str] = Counter()
    photos = judged_photographs()
    for image in photos.values():
        for view, change in VIEWS.items():
            comparison, expected = judge(floating, int8, jpeg(change(image)))
            judged[view].append(comparison)
            labels.update(each["label"] for each in expected if view == "as they are")
    everything = [each for views in judged.values() for each in views]
    by_photograph = [[view.low for view in views] for views in zip(*judged.values(), strict=True)]
    places, changes = intervals(by_photograph)
    times = timed({"float": floating, "int8": int8}, jpeg(photos["coffee"]))
    sizes = [(folder / name).stat().st_size / 1e6 for name in ("model.onnx", "int8.onnx")]
    speed = times["float"][0] / times["int8"][0]
    lines = [
        "# The int8 variant of the bundled model",
        "",
        f"{machine()}, {busy}; `make bench-int8` judges it again. {len(photos)} photographs, none of which it was",
        f"calibrated on: those of {', '.join(JUDGING)} (npm), {', '.join(SCIKIT_IMAGE)} (scikit-image), china and flower",
        "(scikit-learn). Counted are the float model's detections with a score of at least 0.5; *in place* is one that",
        "int8 has too with the same label and a box that overlaps by 0.9 (intersection over union).",
        "",
        "| photographs | detections | in place | in place and still ≥ 0.5 | mean change of score | largest | new with int8 |",
        "|---|---|---|---|---|---|---|",
        *(row(name, views) for name, views in judged.items()),
        row("**all**", everything),
        "",
        f"95 % interval (photographs drawn again {RESAMPLES} times): in place **{places}**, mean change of score **{changes}**.",
        "Asked for are 95 % in place and a mean change of at most 0.05.",
        "",
        f"What was found: {', '.join(f'{label} {number}' for label, number in labels.most_common(12))} and"
        f" {sum(number for _, number in labels.most_common()[12:])} of other kinds.",
        "",
        "| weights | CPU ms a run, one thread: median (best) | file |",
        "|---|---|---|",
        *(
            f"| {name} | {times[name][0]:.1f} ({times[name][1]:.1f}) | {size:.1f} MB |"
            for name, size in zip(times, sizes, strict=True)
        ),
        "",
        f"int8 is {speed:.1f} times as fast. Processors without VNNI gain less: `inferq models tune` measures it.",
    ]
    print("\n".join(lines))
    (RESULTS / "int8.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
