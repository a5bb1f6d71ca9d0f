"""An API and workers as an operator runs them: processes that share nothing but broker, state and storage."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx2 as httpx

import inferq
from faults.nodes import Broker, StateNode
from faults.processes import Process, short_folder
from system.served import eventually, free_port

TESTS = Path(__file__).resolve().parents[1]
WORKER = Path(__file__).with_name("worker_process.py")
SLOTS = 2
START_SECONDS = 60


def clean_environment(folder: Path) -> dict[str, str]:
    """The environment without settings of whoever runs the tests; all files go below `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INFERQ_")}
    kept.pop("PYTEST_CURRENT_TEST", None)
    source = Path(inferq.__file__).parents[1]
    return kept | {
        "PYTHONPATH": os.pathsep.join((str(source), str(TESTS))),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "TMPDIR": str(folder),
    }


class Deployment:
    """One API process and some workers; ends all of them on leaving."""

    def __init__(
        self,
        broker: Broker,
        state: StateNode,
        *,
        settings: Mapping[str, str] | None = None,
        storage: Path | None = None,
    ) -> None:
        self.folder = short_folder()
        self.storage = storage or self.folder / "storage"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.workers: list[Process] = []
        self._environment = (
            clean_environment(self.folder)
            | {
                "INFERQ_BROKER_URL": broker.url,
                "INFERQ_REDIS_URL": state.url,
                "INFERQ_STORAGE_URL": self.storage.as_uri(),
                "INFERQ_DATA_DIR": str(self.folder / "data"),
                "INFERQ_LOG_FORMAT": "json",
                "INFERQ_CONCURRENCY": str(SLOTS),
                "INFERQ_PORT": self.url.rpartition(":")[2],
                "INFERQ_MIN_FREE_DISK_BYTES": "0",
            }
            | dict(settings or {})
        )
        self.api = Process(
            [sys.executable, "-m", "inferq", "api"],
            environment=self._environment,
            folder=self.folder,
            name="api",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(failed=kind is not None)

    def close(self, *, failed: bool) -> None:
        """Ends all processes; their logs stay after a failure where `INFERQ_TEST_KEEP` asks for them."""
        for process in (*self.workers, self.api):
            process.end()
        if not (failed and "INFERQ_TEST_KEEP" in os.environ):
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, workers: int) -> Self:
        """Starts the API and workers together, and waits until all are ready."""
        self.api.start()
        for _ in range(workers):
            self.add_worker()
        self.wait_ready()
        return self

    def start_api(self) -> None:
        """Starts the API, again on the same port, and waits until it answers."""
        self.api.start()
        self._wait_api()

    def add_worker(self, settings: Mapping[str, str] | None = None) -> Process:
        """Starts one more worker, without waiting for it."""
        worker = Process(
            [sys.executable, str(WORKER)],
            environment=self._environment | dict(settings or {}),
            folder=self.folder,
            name=f"worker-{len(self.workers)}",
        )
        self.workers.append(worker.start())
        return worker

    def wait_ready(self) -> None:
        """Returns once the API and all workers are ready."""
        self._wait_api()
        for worker in self.workers:
            self.wait_worker(worker)

    def wait_worker(self, worker: Process) -> None:
        """Returns once the last start of a worker has its models registered."""
        eventually(lambda: self._worker_ready(worker), seconds=START_SECONDS)

    def tend(self) -> None:
        """Starts workers that have died again, as any supervisor does."""
        for worker in self.workers:
            if not worker.alive:
                worker.start()

    def stop_workers(self) -> None:
        """Has all workers finish and end."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(START_SECONDS)

    def logged(self, event: str) -> list[dict[str, object]]:
        """Log lines of an event, of all processes."""
        found = []
        for process in (self.api, *self.workers):
            lines = (line for line in process.output.splitlines() if f'"{event}"' in line)
            found += [json.loads(line) for line in lines if line.startswith("{")]
        return found

    def _wait_api(self) -> None:
        eventually(self._api_ready, seconds=START_SECONDS)

    def _api_ready(self) -> bool:
        assert self.api.alive, self.api.output
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def _worker_ready(self, worker: Process) -> bool:
        assert worker.alive, worker.output
        ready = (line for line in worker.output.splitlines() if '"worker_ready"' in line)
        return any(f"-{worker.pid}-" in line for line in ready)
