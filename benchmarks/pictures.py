"""What drawing pictures costs, and whether it holds up those who submit: an API process of its own, a Valkey of its own.

Run: python benchmarks/pictures.py; it writes benchmarks/results/pictures.md. Load goes to loopback alone.
"""

import io
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from harness import ann
from PIL import Image
from skimage import data

from inferq.embedded.valkey import configure_valkey
from inferq.models.card import read_card
from inferq.models.catalogue import bundled_folder
from inferq.models.register import ModelRegister, RegisteredCard
from inferq.predictions.record import Attempt, Box, Detection, DetectionsResult, State
from inferq.predictions.store import Outcome, PredictionStore
from inferq.render import annotate, preview
from inferq.state import connect

RESULTS = Path(__file__).parent / "results" / "pictures.md"
SIZES = {"640 x 424": (640, 424), "24 megapixels (6000 x 4000)": (6000, 4000)}
REPEATS, SUBMITS, IN_FLIGHT = 7, 100, 50
DEADLINE_SECONDS = 60


def photograph(size: tuple[int, int]) -> bytes:
    """A cat as JPEG of a size, with the grain that a camera's own pixels would have at it."""
    image = Image.fromarray(data.chelsea()).resize(size, Image.Resampling.BICUBIC)
    grain = Image.effect_noise(size, 24).convert("RGB")
    buffer = io.BytesIO()
    Image.blend(image, grain, 0.08).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def detections(size: tuple[int, int]) -> tuple[Detection, ...]:
    """Ten boxes on a picture of a size."""
    width, height = size
    return tuple(
        Detection(
            label="cat",
            class_id=17 + n,
            score=0.9 - n / 20,
            box=Box(
                x_min=width * n / 20,
                y_min=height * n / 20,
                x_max=width * (0.5 + n / 20),
                y_max=height * (0.5 + n / 20),
            ),
        )
        for n in range(10)
    )


def median_ms(call: Callable[[], object]) -> float:
    """Median milliseconds of a call, after one that warms up."""
    call()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)


def measure_rendering() -> list[str]:
    """A table of milliseconds, one thread, nothing beside it."""
    rows = ["| picture | preview 320 | preview 1280 | preview 2560 | annotated, 10 boxes |"]
    rows.append("|---|---|---|---|---|")
    for name, size in SIZES.items():
        photo, boxes = photograph(size), detections(size)
        times = [
            median_ms(lambda photo=photo, side=side: preview(photo, side))
            for side in (320, 1280, 2560)
        ]
        times.append(median_ms(lambda photo=photo, boxes=boxes: annotate(photo, boxes)))
        rows.append(f"| {name} | {' | '.join(f'{ms:.0f}' for ms in times)} |")
    return rows


class Api:
    """An `inferq api` of its own, with a finished prediction on a large picture."""

    def __init__(self, folder: Path) -> None:
        valkey = configure_valkey(folder, None)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = os.environ | {
            "INFERQ_REDIS_URL": valkey.url,
            "INFERQ_DATA_DIR": str(folder),
            "INFERQ_PORT": str(port),
            "INFERQ_LOG_LEVEL": "error",
        }
        self.predictions = f"http://127.0.0.1:{port}/api/v1/predictions"
        self._processes = [subprocess.Popen(valkey.command)]
        self.state = connect(valkey.url)
        wait_for(self.state.ping)
        command = [sys.executable, "-m", "inferq", "api"]
        self._processes.append(subprocess.Popen(command, env=environment))
        wait_for(lambda: httpx2.get(f"http://127.0.0.1:{port}/healthz").is_success)
        card = RegisteredCard.of(read_card(bundled_folder()))
        self.headers = {"Authorization": f"Bearer {ann(self.state)[1]}"}
        ModelRegister(self.state).register("worker", slots=1, free=0, cards=[card])

    def finished(self, size: tuple[int, int]) -> str:
        """The URL of a prediction that has found ten things."""
        files = {"image": ("large.jpg", photograph(size))}
        answer = httpx2.post(self.predictions, files=files, headers=self.headers, timeout=30)
        task_id = answer.json()["task_id"]
        store, attempt = PredictionStore(self.state), Attempt.new(task_id, "worker")
        store.claim(attempt, max_attempts=3)
        outcome = Outcome(State.SUCCEEDED, result=DetectionsResult(detections=detections(size)))
        store.finish(attempt, outcome, retention=timedelta(hours=1))
        return f"{self.predictions}/{task_id}"

    def stop(self) -> None:
        """Ends both processes."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait(30)


def wait_for(check: Callable[[], object]) -> None:
    """Waits until something answers."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            if check():
                return
        except Exception:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def submit_times(api: Api) -> list[float]:
    """Milliseconds of submits, one after the other, ten a second: so that queueing among them does not count."""
    photo, times = photograph(SIZES["640 x 424"]), []
    with httpx2.Client(timeout=60, headers=api.headers) as client:
        for _ in range(SUBMITS):
            started = time.perf_counter()
            client.post(api.predictions, files={"image": ("a.jpg", photo)}).raise_for_status()
            times.append((time.perf_counter() - started) * 1e3)
            time.sleep(0.05)
    return sorted(times)


@contextmanager
def renders_in_flight(url: str, headers: dict[str, str], drawn: list[float]) -> Iterator[None]:
    """So many requests for an annotated picture at any moment; the times of those answered are added to `drawn`."""
    stop = threading.Event()

    def ask(first: int) -> None:
        query = first
        with httpx2.Client(timeout=120, headers=headers) as client:
            while not stop.is_set():
                started = time.perf_counter()
                client.get(f"{url}/annotated", params={"score_threshold": query % 97 / 100})
                drawn.append((time.perf_counter() - started) * 1e3)
                query += IN_FLIGHT

    with ThreadPoolExecutor(IN_FLIGHT) as callers:
        for number in range(IN_FLIGHT):
            callers.submit(ask, number)
        try:
            yield
        finally:
            stop.set()


def measure_submits() -> list[str]:
    """A table of submit times without and with drawings in flight."""
    folder = Path(tempfile.mkdtemp(prefix="inferq-bench-"))
    api = Api(folder)
    drawn: list[float] = []
    try:
        url = api.finished(SIZES["24 megapixels (6000 x 4000)"])
        submit_times(api)
        alone = submit_times(api)
        with renders_in_flight(url, api.headers, drawn):
            time.sleep(1)
            beside = submit_times(api)
    finally:
        api.stop()
        shutil.rmtree(folder)
    rows = ["| submit of the small picture | median ms | 95th percentile ms |", "|---|---|---|"]
    for name, times in (("nothing else", alone), (f"{IN_FLIGHT} annotated 24 MP", beside)):
        rows.append(
            f"| {name} | {statistics.median(times):.1f} | {times[int(len(times) * 0.95)]:.1f} |"
        )
    rows += ["", f"One of the {IN_FLIGHT} waited {statistics.median(drawn) / 1e3:.1f} s (median)."]
    return rows


def cpu_model() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def main() -> None:
    """Measures, prints, and writes the result."""
    lines = [
        "# What drawing pictures costs",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {cpu_model()}, {os.cpu_count()} cores, client and Valkey on the same"
        f" (load before: {os.getloadavg()[0]:.1f}); medians of {REPEATS}, {SUBMITS} submits."
        " `make bench-pictures` runs it again.",
        "",
        "Milliseconds to render, one thread:",
        "",
        *measure_rendering(),
        "",
        "Submits while pictures are drawn (two at once, the rest waits):",
        "",
        *measure_submits(),
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
