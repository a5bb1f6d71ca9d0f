"""What an export costs: memory and time at 1,000 and at 10,000 predictions, each run in a process of its own.

Memory is the growth of the resident set's peak (`VmHWM`) over what lay there before the export began. Linux only.
Run: python benchmarks/exports.py; it writes benchmarks/results/exports.md.
"""

import gc
import itertools
import multiprocessing
import os
import random
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from inferq.exports import EXPORT_FORMATS, export
from inferq.predictions.record import (
    Box,
    Detection,
    DetectionsResult,
    Input,
    ModelReference,
    Prediction,
    State,
    new_task_id,
)

RESULTS = Path(__file__).parent / "results" / "exports.md"
COUNTS = (1_000, 10_000)
DETECTIONS, LABELS, PICTURE_BYTES = 10, 80, 100_000
WIDTH, HEIGHT = 1280, 960
MEBIBYTE = 2**20


class Run(NamedTuple):
    """What one export was, and what it cost."""

    format_name: str
    with_pictures: bool
    count: int
    grown_mib: float
    seconds: float
    size_mib: float


def prediction(number: int, dice: random.Random) -> Prediction:
    """A prediction like those of photographs of streets."""
    return Prediction(
        task_id=new_task_id(),
        state=State.SUCCEEDED,
        model=ModelReference(name="net", version="1"),
        created_at=datetime.now(UTC),
        finished_at=datetime.now(UTC),
        input=Input(
            filename=f"IMG_{number:05}.jpg",
            media_type="image/jpeg",
            width=WIDTH,
            height=HEIGHT,
            bytes=PICTURE_BYTES,
            sha256="0" * 64,
        ),
        parameters={"score_threshold": 0.05},
        result=DetectionsResult(detections=tuple(detection(dice) for _ in range(DETECTIONS))),
    )


def detection(dice: random.Random) -> Detection:
    """A box of any class somewhere in the picture."""
    class_id = dice.randrange(LABELS)
    x_min, y_min = dice.uniform(0, WIDTH - 100), dice.uniform(0, HEIGHT - 100)
    return Detection(
        label=f"class {class_id}",
        class_id=class_id,
        score=round(dice.random(), 4),
        box=Box(
            x_min=round(x_min, 1),
            y_min=round(y_min, 1),
            x_max=round(x_min + 90, 1),
            y_max=round(y_min + 90, 1),
        ),
    )


def predictions(count: int) -> Iterator[Prediction]:
    """As the caller pages them: made while they are asked for."""
    dice = random.Random(1)  # noqa: S311 - no secret
    return (prediction(number, dice) for number in range(count))


def resident_mib(line: str) -> float:
    """`VmRSS` (now) or `VmHWM` (peak) of this process."""
    found = re.search(rf"{line}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None  # noqa: S101
    return int(found[1]) / 1024


def measured(format_name: str, with_pictures: bool, count: int) -> Run:
    """Exports to nowhere."""
    # Like a JPEG's, these bytes cannot be compressed.
    photo = b"\xff\xd8\xff" + os.urandom(PICTURE_BYTES)
    read_image = (lambda _: bytes(bytearray(photo))) if with_pictures else None
    for _ in export(predictions(20), format_name=format_name, read_image=read_image).chunks:
        pass
    gc.collect()
    before, started = resident_mib("VmRSS"), time.perf_counter()
    exported = export(predictions(count), format_name=format_name, read_image=read_image)
    size = sum(len(chunk) for chunk in exported.chunks)
    seconds = time.perf_counter() - started
    grown = max(0.0, resident_mib("VmHWM") - before)
    return Run(format_name, with_pictures, count, grown, seconds, size / MEBIBYTE)


def machine() -> str:
    """The processor's name and the number of cores."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{found[1] if found else 'unknown processor'}, {os.cpu_count()} cores"


def main() -> None:
    """Measures, prints, and writes the result."""
    cases = list(itertools.product(EXPORT_FORMATS, (False, True), COUNTS))
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        runs = pool.starmap(measured, cases, chunksize=1)
    lines = [
        "# What an export costs",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; {DETECTIONS} detections a prediction, pictures of"
        f" {PICTURE_BYTES // 1000} kB. Time includes making the predictions.",
        "`make bench-exports` runs it again.",
        "",
        "| format | pictures | peak grows by, 1,000 predictions | 10,000 predictions | seconds, 10,000 | size, 10,000 |",
        "|---|---|---|---|---|---|",
    ]
    for small, large in zip(runs[::2], runs[1::2], strict=True):
        lines.append(
            f"| {large.format_name} | {'with' if large.with_pictures else 'without'} | {small.grown_mib:.1f} MiB"
            f" | {large.grown_mib:.1f} MiB | {large.seconds:.1f} | {large.size_mib:.0f} MiB |"
        )
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
