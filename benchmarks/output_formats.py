"""How exact the output formats are against their definitions, and what reading and suppressing cost.

Run: python benchmarks/output_formats.py; it writes benchmarks/results/output-formats.md.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
from harness import RESULTS, machine

from inferq.models.nms import suppress, to_pixels
from inferq.models.outputs import OUTPUT_FORMATS, OutputMeta
from inferq.models.pixels import Placement

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from models.outputs.definitions import DEFINITIONS, SIZE, defined, differences, random_tensors

PICTURES, ROWS, CLASSES, RUNS, FINDS = 2000, 30, 7, 200, 20
SIDE = 640
REAL: dict[str, tuple[int, int]] = {
    "ssd": (1917, 90),
    "tf-od": (100, 90),
    "yolox, raw": (8400, 80),
    "yolox, decoded": (8400, 80),
    "yolov8": (8400, 80),
    "end2end": (300, 80),
    "detr, sigmoid": (300, 80),
    "detr, softmax": (100, 91),
}
"""Rows and classes of networks as they are published."""


def errors(name: str) -> tuple[float, float]:
    """The largest differences from the definition over all pictures: pixels of boxes, and score."""
    format_name, options, *_ = DEFINITIONS[name]
    output_format = OUTPUT_FORMATS[format_name]
    box_error = score_error = 0.0
    for seed in range(PICTURES):
        tensors = random_tensors(name, seed, 1, ROWS, CLASSES)
        raw = output_format.read(tensors, 0, OutputMeta(*SIZE, **options))
        kept = suppress(raw, score_threshold=0, iou_threshold=1, max_detections=4000)
        boxes = kept.boxes * np.array([SIZE[0] / raw.extent[0], SIZE[1] / raw.extent[1]] * 2)
        ours = list(zip(kept.class_ids.tolist(), kept.scores.tolist(), boxes.tolist(), strict=True))
        off = differences(ours, defined(name, tensors, 0))
        box_error, score_error = max(box_error, off[0]), max(score_error, off[1])
    return box_error, score_error


def real_tensors(name: str) -> dict[str, np.ndarray]:
    """Tensors of a network's real size in which about `FINDS` candidates pass a threshold of 0.5."""
    rows, classes = REAL[name]
    rng = np.random.default_rng(1)
    if name.startswith("yolo"):
        scores = rng.random((1, rows, classes), np.float32) * np.float32(0.05)
        scores[0, rng.integers(0, rows, FINDS), rng.integers(0, classes, FINDS)] = 0.9
        boxes = (
            rng.normal(0, 1, (1, rows, 4))
            if name == "yolox, raw"
            else rng.random((1, rows, 4)) * 300
        )
        parts = [boxes, scores] if name == "yolov8" else [boxes, np.ones((1, rows, 1)), scores]
        whole = np.concatenate(parts, axis=2).astype(np.float32)
        # A graph returns its tensors contiguous.
        return {
            "predictions": np.ascontiguousarray(whole.transpose(0, 2, 1))
            if name == "yolov8"
            else whole
        }
    tensors = random_tensors(name, 1, 1, rows, classes)
    if name == "ssd":
        tensors["scores"] *= np.float32(0.05)
        found = rng.integers(0, rows, FINDS), rng.integers(0, classes, FINDS)
        tensors["scores"][0][found] = 0.9
    if name == "detr, sigmoid":
        tensors["logits"] -= 9
    return tensors


def microseconds(name: str) -> tuple[float, float]:
    """Medians of one picture: the reader alone; and with suppression and the way back to pixels."""
    format_name, options, *_ = DEFINITIONS[name]
    output_format, meta = OUTPUT_FORMATS[format_name], OutputMeta(SIDE, SIDE, **options)
    tensors, placement = real_tensors(name), Placement(0, 80, SIDE, 480, SIDE, SIDE)
    reading, all_of_it = [], []
    for _ in range(RUNS):
        started = time.perf_counter()
        raw = output_format.read(tensors, 0, meta)
        read = time.perf_counter()
        kept = suppress(raw, score_threshold=0.5, iou_threshold=0.5, max_detections=100)
        to_pixels(kept.boxes, placement, (1280, 960), extent=raw.extent)
        all_of_it.append((time.perf_counter() - started) * 1e6)
        reading.append((read - started) * 1e6)
    return statistics.median(reading), statistics.median(all_of_it)


def main() -> None:
    """Measures, prints, and writes the result."""
    lines = [
        "# How exact the output formats are, and what they cost",
        "",
        f"{machine()}; `make bench-output-formats` runs it again. Errors: the largest of {PICTURES:,} random",
        f"tensors on an input of {SIZE[0]} x {SIZE[1]}, against the definitions in plain Python and float64",
        "(`tests/models/outputs/definitions.py`). Times: one picture, one core, medians of"
        f" {RUNS}; tensors of real size.",
        "",
        "| format | box error, pixels | score error | tensors: rows x classes | reading, µs | with suppression and mapping, µs |",
        "|---|---|---|---|---|---|",
    ]
    for name, (rows, classes) in REAL.items():
        box_error, score_error = errors(name)
        reading, total = microseconds(name)
        lines.append(
            f"| {name} | {box_error:.1e} | {score_error:.1e} | {rows} x {classes}"
            f" | {reading:.0f} | {total:.0f} |"
        )
        print(lines[-1], flush=True)
    (RESULTS / "output-formats.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
