"""A run of `inferq models tune` on the bundled network, with its int8 variant and one that is stored as float32.

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

import onnxruntime
from harness import RESULTS, load, machine

from inferq.models.catalogue import bundled_folder

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from photos import PHOTOS, jpeg


def write_float32(source: Path, target: Path) -> None:
    """The same network with its weights stored as they are computed with."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def write_folder(folder: Path) -> None:
    """The bundled model's folder with one more variant."""
    shutil.copytree(bundled_folder(), folder)
    weights = folder / "float32.onnx"
    write_float32(folder / "model.onnx", weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    with (folder / "model.toml").open("a", encoding="utf-8") as card:
        card.write(f'\n[variants.float32]\nweights = "{weights.name}"\nsha256 = "{digest}"\n')


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
        write_folder(work / "detector")
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
        f"{machine()}, {busy}; `make bench-tuning` runs it again. The bundled network with its int8 variant and one more,",
        "`float32` (its own weights are stored as float16), on three photographs of scikit-image.",
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
