"""A run of `inferq models tune` on the bundled network with two more files of its weights: float32, and int8.

The int8 file is calibrated on the very photographs on which detections are compared, so its agreement is at its best.
Run on an idle machine: python benchmarks/tuning.py; it writes benchmarks/results/tuning.md.
"""

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import onnxruntime
from harness import RESULTS, load, machine
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from inferq.models.base import Context
from inferq.models.catalogue import bundled_folder, load_models

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from photos import PHOTOS, jpeg

OPERATIONS = ["Conv", "Add", "Mul", "Clip"]


class Photographs(quantization.CalibrationDataReader):
    """The network's inputs of the photographs, one after the other."""

    def __init__(self, pictures: list[bytes]) -> None:
        (model,) = load_models([bundled_folder()], Context())
        items = (model.preprocess(picture, {}) for picture in pictures)
        self._inputs = iter([{model.card.input.name: item.pixels[None]} for item in items])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._inputs, None)


def write_float32(source: Path, target: Path) -> None:
    """The same network with its weights stored as they are computed with."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def write_int8(source: Path, target: Path, pictures: list[bytes]) -> None:
    """The network with its convolutions in 8 bits."""
    prepared = target.with_suffix(".prepared.onnx")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantization.quantize_static(
        prepared,
        target,
        Photographs(pictures),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=OPERATIONS,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )
    prepared.unlink()


def write_folder(folder: Path, pictures: list[bytes]) -> None:
    """The bundled model's folder with both variants."""
    shutil.copytree(bundled_folder(), folder)
    write_float32(folder / "model.onnx", folder / "float32.onnx")
    write_int8(folder / "float32.onnx", folder / "int8.onnx", pictures)
    with (folder / "model.toml").open("a", encoding="utf-8") as card:
        for name in ("float32", "int8"):
            weights = folder / f"{name}.onnx"
            digest = hashlib.sha256(weights.read_bytes()).hexdigest()
            card.write(f'\n[variants.{name}]\nweights = "{weights.name}"\nsha256 = "{digest}"\n')


def main() -> None:
    """Tunes, prints, and writes the result."""
    logging.disable(logging.WARNING)
    busy = load()
    pictures = {name: jpeg(name) for name in PHOTOS}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "photos").mkdir()
        for each, data in pictures.items():
            (work / "photos" / f"{each}.jpg").write_bytes(data)
        write_folder(work / "detector", list(pictures.values()))
        command = ["inferq", "models", "tune", "detector", "photos/"]
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=work,
            env=os.environ | {"INFERQ_DATA_DIR": "data"},
            capture_output=True,
            text=True,
            check=True,
        )
        output = done.stdout.replace(f"{work.resolve()}/", "")
    lines = [
        "# A run of `inferq models tune`",
        "",
        f"{machine()}, {busy}; `make bench-tuning` runs it again. The bundled network with two more files of its weights:",
        "`float32` (its own are stored as float16), and `int8` (convolutions and what surrounds them, calibrated on the very",
        "photographs on which detections are compared: chelsea, coffee, astronaut of scikit-image).",
        "",
        "```",
        f"$ {' '.join(command)}",
        output.rstrip(),
        "```",
    ]
    print(output)
    (RESULTS / "tuning.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
