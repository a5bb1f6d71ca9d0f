"""Upgrade and rollback of a running deployment: API and worker of two versions side by side, with clients at work.

The previous version is the last release that this checkout came from, built from git's history.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx
import pytest

from conftest import require
from faults.nodes import RabbitNode, StateNode
from faults.processes import Process, short_folder
from inferq.accounts.store import AccountStore
from inferq.client import Client
from inferq.errors import InferqError
from inferq.predictions.record import Prediction
from people import person
from photos import PHOTOS
from system.served import PROGRAM, eventually, free_port

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"
BEFORE_RELEASES = "a8b0de897e8e1322867e2543f392e5e11bd5cf2f"
"""Where there is no release yet: a version that deployments ran."""
CLIENTS = 16
EACH_STAGE = 32
PATIENCE = 120


def git(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program `inferq` of the previous version, with the packages that it pinned."""
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD").stdout.strip()
    commit = tag or BEFORE_RELEASES
    folder = tmp_path_factory.mktemp("previous")
    if git("archive", "--output", folder / "source.tar", commit).returncode:
        pytest.skip(f"{commit} is not in this checkout's history")
    source, venv = folder / "source", folder / "venv"
    shutil.unpack_archive(folder / "source.tar", source, filter="data")
    build = [UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", folder, source], check=True)
    (wheel,) = folder.glob("inferq-*.whl")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    install = [UV, "pip", "install", "--quiet", "--python", venv / "bin/python", wheel]
    subprocess.run([*install, "--constraint", source / "requirements/run.txt"], check=True)
    return str(venv / "bin/inferq")


@dataclass
class Fleet:
    """One API and one worker of a version each, on RabbitMQ and Valkey; either is replaced while the other goes on."""

    environment: dict[str, str]
    folder: Path
    url: str
    api: Process | None = None
    worker: Process | None = None
    started: int = 0
    ended: list[int] = field(default_factory=list)

    def replace_worker(self, *program: str) -> None:
        """As orchestrators do: the new one is ready before the old one is told to go."""
        started = self._process(program, "worker").start()
        eventually(lambda: self._worker_ready(started), seconds=PATIENCE)
        if self.worker:
            self._stop(self.worker)
        self.worker = started

    def replace_api(self, *program: str) -> None:
        """On the same port, for which the old one has to go first."""
        if self.api:
            self._stop(self.api)
        self.api = self._process(program, "api").start()
        eventually(self._api_ready, seconds=PATIENCE)

    def end(self) -> None:
        """Ends both at once."""
        for process in (self.worker, self.api):
            if process:
                process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _process(self, program: tuple[str, ...], part: str) -> Process:
        self.started += 1
        name = f"{part}-{self.started}"
        return Process(
            [*program, part], environment=self.environment, folder=self.folder, name=name
        )

    def _stop(self, process: Process) -> None:
        process.terminate()
        self.ended.append(process.wait(PATIENCE))

    def _api_ready(self) -> bool:
        assert self.api is not None
        assert self.api.alive, self.api.output
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False

    def _worker_ready(self, worker: Process) -> bool:
        assert worker.alive, worker.output
        return '"worker_ready"' in worker.output


@pytest.fixture
def state() -> Iterator[StateNode]:
    node = StateNode("state")
    try:
        yield node.start()
    finally:
        node.close()


@pytest.fixture
def broker() -> Iterator[RabbitNode]:
    require(shutil.which("rabbitmq-server"), "RabbitMQ")
    node = RabbitNode()
    try:
        yield node.start()
    finally:
        node.close()


@pytest.fixture
def fleet(state: StateNode, broker: RabbitNode) -> Iterator[Fleet]:
    folder, port = short_folder(), free_port()
    settings = {
        "INFERQ_BROKER_URL": broker.url,
        "INFERQ_REDIS_URL": state.url,
        "INFERQ_STORAGE_URL": (folder / "storage").as_uri(),
        "INFERQ_DATA_DIR": str(folder / "data"),
        "INFERQ_LOG_FORMAT": "json",
        "INFERQ_PORT": str(port),
        "INFERQ_MIN_FREE_DISK_BYTES": "0",
    }
    fleet = Fleet(os.environ | settings, folder, f"http://127.0.0.1:{port}")
    try:
        yield fleet
    finally:
        fleet.end()


class Crowd:
    """Clients that predict one photograph after another, as applications do."""

    def __init__(self, url: str, key: str, photo: bytes) -> None:
        self.done: list[Prediction] = []
        self.errors: list[InferqError | TimeoutError] = []
        self._access = (url, key)
        self._photo = photo
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """They start, and finish what they have begun in the end."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def go_on(self) -> None:
        """Returns once they have got some more results."""
        enough = len(self.done) + EACH_STAGE
        eventually(lambda: self.errors or len(self.done) >= enough, seconds=PATIENCE)

    def _run(self) -> None:
        with Client(*self._access, timeout=PATIENCE) as client:
            while not self._stop.is_set():
                try:
                    self.done.append(client.predict(self._photo, wait=PATIENCE))
                except (InferqError, TimeoutError) as error:
                    self.errors.append(error)
                    return


@pytest.mark.timeout(900)
def test_versions_work_side_by_side_up_and_back_and_nothing_is_lost(
    previous: str, fleet: Fleet, state: StateNode, photo: dict[str, bytes]
):
    fleet.replace_worker(previous)
    fleet.replace_api(previous)
    with state.client() as connection:
        key = person(AccountStore(connection)).key
    crowd = Crowd(fleet.url, key, photo["chelsea"])
    with crowd.at_work():
        crowd.go_on()
        for replace, program in (
            (fleet.replace_worker, PROGRAM),
            (fleet.replace_api, PROGRAM),
            (fleet.replace_worker, (previous,)),
            (fleet.replace_api, (previous,)),
        ):
            replace(*program)
            crowd.go_on()
    assert crowd.errors == []
    assert fleet.ended == [0, -signal.SIGTERM, 0, 0], (
        "as they should: in the version before, uvicorn ended the API by the signal itself"
    )
    with Client(fleet.url, key) as client:
        kept = {prediction.task_id: prediction for prediction in client.list()}
    assert len(kept) == len(crowd.done), "each was accepted once"
    for seen in crowd.done:
        assert kept[seen.task_id].state == "succeeded"
        assert kept[seen.task_id].result == seen.result
        assert [found.label for found in seen.result.detections] == [PHOTOS["chelsea"][0]]
