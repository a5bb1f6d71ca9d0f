"""What webhooks cost predictions: none named, fifty receivers that hang, one that answers; and what a row costs.

One process does both, as a worker does: it runs predictions through the pipeline with the bundled model, and upkeep
sends. Hanging receivers are listening sockets whose connections nobody reads; the one that answers is a process of its
own. Run: python benchmarks/webhooks.py; it writes benchmarks/results/webhooks.md.
"""

import dataclasses
import hashlib
import io
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path

from harness import DONE, RESULTS, draft, machine, valkey
from PIL import Image
from skimage import data
from typing_extensions import override

from inferq.models.base import Context
from inferq.models.catalogue import bundled_folder, load_models
from inferq.predictions.deliveries import DeliveryState
from inferq.predictions.record import Attempt, Draft, Input, ModelReference, new_task_id
from inferq.predictions.store import PredictionStore
from inferq.settings import Settings
from inferq.state import connect
from inferq.telemetry import configure_logging
from inferq.upkeep.loop import Upkeep
from inferq.upkeep.parts import Parts
from inferq.worker.pipeline import Pipeline, Workplace
from inferq.worker.slots import Slots

ROUNDS, PREDICTIONS, HANGING = 6, 50, 50
ROWS = 2_000
OWNER = "ann"


def photograph() -> bytes:
    """A photograph of a cup of coffee, 600 x 400."""
    file = io.BytesIO()
    Image.fromarray(data.coffee()).save(file, "JPEG", quality=90)
    return file.getvalue()


def answer_all(pipe: Connection) -> None:
    """A receiver that answers at once; sends its port."""

    class Handler(BaseHTTPRequestHandler):
        @override
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        @override
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_port)
    server.serve_forever()


@contextmanager
def answering() -> Iterator[str]:
    """The URL of that receiver."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=answer_all, args=(theirs,), daemon=True
    )
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}/"
    process.terminate()
    process.join()


@contextmanager
def hanging() -> Iterator[Sequence[str]]:
    """URLs of receivers that take a connection and never say a word."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(HANGING)
        ]
        yield [f"http://127.0.0.1:{server.getsockname()[1]}/" for server in servers]


class Worker:
    """A worker without Celery: its pipeline, and upkeep beside it."""

    def __init__(self, url: str, folder: Path) -> None:
        settings = Settings(redis_url=url, data_dir=folder, webhook_loopback=True)
        self.parts = Parts.create(settings)
        (model,) = load_models([bundled_folder()], Context())
        self._model = ModelReference.parse(model.card.reference)
        self._pipeline = Pipeline(
            self.parts.store,
            self.parts.storage,
            models={model.card.reference: model},
            workplace=Workplace("host-1-abc", self.parts.policy, Slots(1)),
        )
        self._photo = photograph()
        self._parameters = {"score_threshold": 0.5, "iou_threshold": 0.5, "max_detections": 100}

    def run(self, urls: Sequence[str | None]) -> tuple[list[float], float]:
        """Milliseconds of each of some predictions, and CPU milliseconds of this process for one."""
        names = cycle(urls)
        ids = [self._accept(next(names)) for _ in range(PREDICTIONS)]
        times, cpu = [], time.process_time()
        for task_id in ids:
            started = time.perf_counter()
            self._pipeline.run(task_id)
            times.append((time.perf_counter() - started) * 1e3)
        return times, (time.process_time() - cpu) * 1e3 / PREDICTIONS

    def forget(self) -> None:
        """Forgets all predictions, and with them what is still to be told."""
        for task_id in self.parts.client.zrange(f"inferq:owned:{OWNER}", 0, -1):
            self.parts.store.delete(task_id)

    def delivered(self) -> int:
        """How many were told."""
        found, _ = self.parts.deliveries.page(OWNER, DeliveryState.DELIVERED, limit=10_000)
        return len(found)

    def _accept(self, callback_url: str | None) -> str:
        task_id = new_task_id()
        key = self.parts.storage.key(task_id)
        self.parts.storage.write(key, self._photo)
        given = Input(
            media_type="image/jpeg",
            width=600,
            height=400,
            bytes=len(self._photo),
            sha256=hashlib.sha256(self._photo).hexdigest(),
        )
        made = Draft(
            task_id=task_id,
            owner=OWNER,
            model=self._model,
            input=given,
            input_key=key,
            parameters=dict(self._parameters, classes=None),
            metadata={},
            callback_url=callback_url,
        )
        self.parts.store.accept(made)
        return task_id


def rows(url: str) -> list[str]:
    """Lines of a table: what finishing costs with a receiver and without, in turn."""
    store = PredictionStore(connect(url))
    times: dict[str | None, list[float]] = {None: [], "https://receiver.example/told": []}
    for _ in range(ROWS):
        for callback, some in times.items():
            made = dataclasses.replace(draft(), callback_url=callback)
            store.accept(made)
            attempt = Attempt.new(made.task_id, "w")
            store.claim(attempt, max_attempts=3)
            started = time.perf_counter()
            store.finish(attempt, DONE, retention=timedelta(hours=1))
            some.append((time.perf_counter() - started) * 1e3)
    return [
        f"| {'a receiver' if callback else 'none'} | {statistics.median(some):.3f} |"
        for callback, some in times.items()
    ]


def measure(worker: Worker, kinds: dict[str, Sequence[str | None]]) -> dict[str, list[str]]:
    """The cells of each kind's row, of rounds that follow each other in turn."""
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    costs: dict[str, list[float]] = {kind: [] for kind in kinds}
    told: dict[str, int] = {}
    for _ in range(ROUNDS):
        for kind, urls in kinds.items():
            some, cost = worker.run(urls)
            times[kind] += some
            costs[kind].append(cost)
            told[kind] = told.get(kind, 0) + worker.delivered()
            worker.forget()
    return {
        kind: [
            f"{sorted(times[kind])[len(times[kind]) // 10]:.1f}",
            f"{statistics.median(times[kind]):.1f}",
            f"{statistics.median(costs[kind]):.1f}",
            str(told[kind]),
        ]
        for kind in kinds
    }


def report(line: Callable[[str], None]) -> None:
    """Measures, and hands over the page line by line."""
    with tempfile.TemporaryDirectory() as folder, valkey() as server:
        row_lines = rows(server.url)
        connect(server.url).flushall()
        worker = Worker(server.url, Path(folder))
        upkeep = Upkeep(worker.parts)
        upkeep.start()
        with answering() as good, hanging() as bad:
            kinds = {"none": [None], f"{HANGING} that hang": bad, "one that answers": [good]}
            worker.run([good])  # what the first delivery loads is no part of the comparison
            worker.forget()
            cells = measure(worker, kinds)
        upkeep.stop()
    line("# What webhooks cost predictions\n")
    line(
        f"{machine()}; one process runs predictions one after the other with the bundled model while its upkeep sends;"
        f" {ROUNDS} rounds of {PREDICTIONS} each in turn; load average {os.getloadavg()[0]:.0f}. `make bench-webhooks` runs it again.\n"
    )
    line("| receivers | 10th percentile ms | median ms | CPU ms of the process | told meanwhile |")
    line("|---|---|---|---|---|")
    for kind, cell in cells.items():
        line(f"| {kind} | {' | '.join(cell)} |")
    line(f"\nTo finish one prediction in the state store ({ROWS} each):\n")
    line("| receiver | median ms |\n|---|---|")
    for one in row_lines:
        line(one)


def main() -> None:
    """Measures, prints, and writes the result."""
    configure_logging(Settings(log_level="error"))
    lines: list[str] = []
    report(lines.append)
    (RESULTS / "webhooks.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
