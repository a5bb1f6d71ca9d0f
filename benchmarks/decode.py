"""Times decoders of JPEGs, and tells what scaled decoding does to detections.

python benchmarks/decode.py (npm and PyPI have to be there); it writes benchmarks/results/decode.md.
"""

import io
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from harness import RESULTS, load, machine
from PIL import Image
from sklearn.datasets import load_sample_images
from typing_extensions import override

from inferq.models.agreement import Agreement, Found, agreement, detect
from inferq.models.base import Context
from inferq.models.catalogue import bundled_folder, load_models
from inferq.models.detector import Detector, Picture
from inferq.models.network_input import network_input
from inferq.models.pixels import decode_image, stretch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from free_photographs import JUDGING, photographs

CANDIDATES = ("opencv-python-headless==5.0.0.93", "simplejpeg==1.9.0")
SIDE = 300
SIZES = {
    "640 x 427": (640, 427),
    "1280 x 854": (1280, 854),
    "1920 x 1280": (1920, 1280),
    "4000 x 3000": (4000, 3000),
}
RUNS = 15
QUALITY = 90
LONG_EDGES = (1280, 4000)
MOST_PHOTOGRAPHS = 40
FACTORS = (2.0, 1.5, 1.0)

Decoder = Callable[[bytes], object]


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def pillow(data: bytes, *, factor: float | None) -> object:
    """As a worker does it with a factor of 1: from sizes of at least `factor` times the network's."""
    draft = None if factor is None else (int(factor * SIDE),) * 2
    return stretch(decode_image(data, draft=draft).image, SIDE, SIDE)


def candidates(folder: str) -> dict[str, Decoder]:
    """The other decoders, installed into a folder of their own."""
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--target", folder, *CANDIDATES]
    subprocess.run([str(part) for part in command], check=True)
    sys.path.append(folder)
    cv2, simplejpeg = import_module("cv2"), import_module("simplejpeg")
    cv2.setNumThreads(1)

    def with_simplejpeg(data: bytes) -> object:
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=SIDE, min_width=SIDE)
        return stretch(Image.fromarray(pixels), SIDE, SIDE)

    def with_opencv(data: bytes, flag: str, interpolation: str) -> object:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), getattr(cv2, flag))
        return cv2.resize(pixels, (SIDE, SIDE), interpolation=getattr(cv2, interpolation))

    opencv = partial(partial, with_opencv)
    return {
        "simplejpeg, scaled to 300 or more; Pillow's resizing": with_simplejpeg,
        "OpenCV, means of areas": opencv(flag="IMREAD_COLOR_RGB", interpolation="INTER_AREA"),
        "OpenCV, half size, means of areas": opencv(
            flag="IMREAD_REDUCED_COLOR_2", interpolation="INTER_AREA"
        ),
        "OpenCV, without antialiasing": opencv(
            flag="IMREAD_COLOR_RGB", interpolation="INTER_LINEAR"
        ),
    }


def milliseconds(decode: Decoder, data: bytes) -> float:
    """CPU time of one call, the best of some."""
    spent = []
    for _ in range(RUNS):
        started = time.thread_time()
        decode(data)
        spent.append(time.thread_time() - started)
    return min(spent) * 1e3


def speeds(folder: str) -> list[str]:
    photo = Image.fromarray(load_sample_images().images[0])
    files = [jpeg(photo.resize(size, Image.Resampling.BICUBIC)) for size in SIZES.values()]
    decoders: dict[str, Decoder] = {
        "Pillow, in full": partial(pillow, factor=None),
        "Pillow, scaled to 600 or more": partial(pillow, factor=2.0),
        "**Pillow, scaled to 300 or more**": partial(pillow, factor=1.0),
        **candidates(folder),
    }
    rows = []
    for name, decode in decoders.items():
        times = " | ".join(f"{milliseconds(decode, data):.1f}" for data in files)
        rows.append(f"| {name} | {times} |")
    return rows


class Drafting(Detector):
    """The bundled detector, decoding from other sizes than it does."""

    factor: float | None = None

    @override
    def preprocess(self, data: bytes, parameters: Mapping[str, Any]) -> Picture:
        draft = None if self.factor is None else (int(self.factor * SIDE),) * 2
        decoded = decode_image(data, draft=draft)
        pixels, placement = network_input(decoded, self.card.input)
        return Picture(pixels, placement, decoded.width, decoded.height)


def detector() -> Drafting:
    (bundled,) = load_models([bundled_folder()], Context())
    model = Drafting(bundled_folder(), bundled.card)
    model.load(Context())
    return model


def enlarged(data: bytes, edge: int) -> bytes:
    """The photograph with a long edge of some pixels."""
    with Image.open(io.BytesIO(data)) as image:
        scale = edge / max(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        return jpeg(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))


def with_detections(model: Drafting, photos: Sequence[bytes]) -> list[bytes]:
    """The first photographs in which the network finds something."""
    chosen: list[bytes] = []
    for data in photos:
        if len(chosen) < MOST_PHOTOGRAPHS and detect(model, [data])[0]:
            chosen.append(data)
    return chosen


def changes() -> list[str]:
    model = detector()
    photos = with_detections(model, list(photographs(JUDGING).values()))
    found: dict[float | None, list[Found]] = {}
    for factor in (None, *FACTORS):
        found[factor] = []
    for edge in LONG_EDGES:
        for data in photos:
            picture = enlarged(data, edge)
            for factor in (None, *FACTORS):
                model.factor = factor
                threshold = None if factor is None else 0.05
                found[factor] += detect(model, [picture], score_threshold=threshold)
    full = found[None]
    return [_row(factor, agreement(full, found[factor])) for factor in FACTORS]


def _row(factor: float, same: Agreement) -> str:
    return (
        f"| {factor * SIDE:.0f} | {same.found} | {same.kept} | {same.in_place / same.found:.1%} |"
        f" {same.mean_score:.4f} | {same.score:.3f} |"
    )


def main() -> None:
    """Times, compares, and writes the result."""
    logging.disable(logging.WARNING)
    busy = load()
    with tempfile.TemporaryDirectory() as folder:
        times = speeds(folder)
    lines = [
        "# Decoding JPEGs",
        "",
        f"{machine()}, {busy}; `make bench-decode` measures it again. CPU ms from a file's bytes (quality {QUALITY}, 4:2:0) to"
        f" {SIDE} x {SIDE} pixels,",
        f"best of {RUNS}; **in bold** what a worker does; Pillow {PIL.__version__} (libjpeg-turbo), {', '.join(CANDIDATES)}.",
        "",
        f"| decoder | {' | '.join(SIZES)} |",
        f"|---|{'---|' * len(SIZES)}",
        *times,
        "",
        "What scaled decoding does to the bundled network's detections (score ≥ 0.5) in"
        f" {MOST_PHOTOGRAPHS} photographs of {', '.join(JUDGING)},",
        f"each with a long edge of {' and of '.join(map(str, LONG_EDGES))} pixels, against decoding in full. *In place*: the boxes"
        " overlap by 0.9.",
        "",
        "| scaled to at least | detections | kept | in place | mean change of score | largest |",
        "|---|---|---|---|---|---|",
        *changes(),
        "",
    ]
    print("\n".join(lines))
    (RESULTS / "decode.md").write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
