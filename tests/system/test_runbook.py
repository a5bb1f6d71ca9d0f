"""A new operator's way: something is broken, an alert fires, its page names a command, and that shows the cause."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2 as httpx
import pytest

from conftest import require
from faults.nodes import StateNode
from faults.processes import Process
from inferq.accounts.store import AccountStore
from people import person
from photos import jpeg
from system.alerting import RULES, alerts
from system.served import eventually, free_port

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operate.md").read_text()
MODEL = "probe@1"
PROBE = """
import os
from PIL import Image
from inferq import Model

class Probe(Model):
    def infer(self, inputs: list[Image.Image]) -> list[dict[str, int]]:
        if any(image.width == 600 for image in inputs):
            os.abort()
        return [{"width": image.width} for image in inputs]
"""
POISON, HARMLESS = "coffee", "chelsea"
COMMAND_SECONDS = 60


class Deployment:
    """A state store, an API and a worker, each started by itself, with one log; and their operator."""

    def __init__(self, folder: Path, state: StateNode) -> None:
        self.state = state
        self.folder = folder
        self.storage = folder / "data" / "storage"
        (folder / "probe").mkdir()
        (folder / "probe" / "model.py").write_text(PROBE)
        self._port = free_port()
        self._ports = {"api": free_port(), "worker": free_port()}
        with state.client() as client:
            self._headers = person(AccountStore(client)).headers
        self._settings = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "INFERQ_REDIS_URL": state.url,
            "INFERQ_DATA_DIR": str(folder / "data"),
            "INFERQ_LOG_FORMAT": "json",
            "INFERQ_MIN_FREE_DISK_BYTES": "0",
            "INFERQ_MAX_ATTEMPTS": "2",
            "INFERQ_PORT": str(self._port),
            "INFERQ_URL": f"http://127.0.0.1:{self._port}",
            "COLUMNS": "200",
        }
        self.api, self.worker = (
            Process(
                [sys.executable, "-m", "inferq", *words],
                environment=self._settings | {"INFERQ_METRICS_PORT": str(self._ports[words[0]])},
                folder=folder,
                name="inferq",
            )
            for words in (["api"], ["worker", str(folder / "probe")])
        )

    def start(self) -> None:
        """Starts API and worker, and waits until the model is served."""
        self.api.start()
        self.worker.start()
        eventually(lambda: self.post(HARMLESS).get("state") == "succeeded", seconds=60)

    def post(self, name: str, *, wait: int = 10) -> dict:
        """Sends a photograph and waits for its end; a problem where it is refused, nothing where nobody answers."""
        try:
            answer = httpx.post(
                f"http://127.0.0.1:{self._port}/api/v1/predictions",
                params={"model": MODEL},
                content=jpeg(name),
                headers=self._headers | {"Content-Type": "image/jpeg", "Prefer": f"wait={wait}"},
                timeout=40,
            )
        except httpx.TransportError:
            return {}
        return answer.json()

    def scrape(self) -> str:
        """All metrics, as Prometheus has them: it adds to each series who told it."""
        told = []
        for job, process in (("api", self.api), ("worker", self.worker)):
            if process.alive:
                text = httpx.get(f"http://127.0.0.1:{self._ports[job]}/metrics").text
                told.append(re.sub(r"(?m)^(\w+)(?:\{(.*)\})? ", rf'\1{{\2,job="{job}"}} ', text))
        return "".join(told).replace("{,", "{")

    def follow_runbook(self, alert: str) -> str:
        """What an operator sees who runs the commands of the page that an alert leads to."""
        rule = RULES.read_text().partition(f"alert: {alert}\n")[2]
        found = re.search(r"runbook: docs/operate.md#(\w+)", rule)
        assert found is not None
        section = re.search(rf"(?ims)^### {found[1]}\n(.*?)(?=^### |\Z)", PAGE)
        assert section is not None
        block = re.search(r"(?s)```sh\n(.*?)```", section[1])
        assert block is not None
        told = [
            subprocess.run(
                ["bash", "-c", line], cwd=self.folder, env=self._settings,
                capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
            )
            for line in block[1].splitlines()
        ]  # fmt: skip
        return "".join(ran.stdout + ran.stderr for ran in told)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One that works."""
    require(shutil.which("redis-cli"), "redis-cli (Debian's package redis-tools)")
    with ExitStack() as stack:
        state = StateNode()
        stack.callback(state.close)
        state.start()
        made = Deployment(tmp_path_factory.mktemp("runbook"), state)
        stack.callback(made.api.end)
        stack.callback(made.worker.end)
        made.start()
        yield made


def test_a_state_store_that_is_nearly_full(deployment: Deployment):
    scrapes = [deployment.scrape()]
    used = deployment.state.memory_used()
    deployment.state.limit_memory(int(used / 0.9))
    try:
        eventually(lambda: deployment.post(HARMLESS, wait=0).get("code") == "queue_full")
        scrapes.append(deployment.scrape())
        assert alerts(scrapes) == {"InferqRefusing"}
        assert "InferqStateFull" in alerts(scrapes, after=6)
        seen = deployment.follow_runbook("InferqStateFull")
    finally:
        deployment.state.limit_memory(0)
    eventually(lambda: deployment.post(HARMLESS).get("state") == "succeeded")
    assert re.search(r"used_memory_human:[\d.]+M\s+maxmemory_human:[\d.]+M", seen), seen


def test_a_storage_that_cannot_be_written(deployment: Deployment):
    scrapes = [deployment.scrape()]
    aside = deployment.storage.with_name("aside")
    deployment.storage.rename(aside)
    deployment.storage.write_text("no folder")
    try:
        assert deployment.post(HARMLESS)["code"] == "storage_unavailable"
        scrapes.append(deployment.scrape())
        assert "InferqStorageAway" in alerts(scrapes)
        seen = deployment.follow_runbook("InferqStorageAway")
    finally:
        deployment.storage.unlink()
        aside.rename(deployment.storage)
    assert re.search(rf"WRONG storage +.*{re.escape(str(deployment.storage))}", seen), seen


def test_no_worker_of_a_model_is_left(deployment: Deployment):
    scrapes = [deployment.scrape()]
    deployment.worker.kill()
    waiting = deployment.post(HARMLESS, wait=0)
    assert waiting["state"] == "queued"
    eventually(lambda: f'inferq_workers{{model="{MODEL}",job="api"}} 0.0' in deployment.scrape())
    scrapes.append(deployment.scrape())
    assert alerts(scrapes) == {"InferqNoWorker"}
    seen = deployment.follow_runbook("InferqNoWorker")
    assert re.search(rf"{MODEL} .*no worker serves it", seen), seen
    deployment.worker.start()
    eventually(lambda: deployment.post(HARMLESS).get("state") == "succeeded", seconds=60)


def test_an_input_that_ends_its_workers(deployment: Deployment):
    scrapes = [deployment.scrape()]
    stop = threading.Event()
    supervisor = threading.Thread(target=_start_again, args=(deployment.worker, stop))
    supervisor.start()
    try:
        poison = deployment.post(POISON, wait=30)
        assert poison["error"]["code"] == "attempts_exhausted", poison
        scrapes.append(deployment.scrape())
        assert "InferqWorkersDying" in alerts(scrapes)
        seen = deployment.follow_runbook("InferqWorkersDying")
    finally:
        stop.set()
        supervisor.join()
    lost = [line for line in seen.splitlines() if '"attempt_lost"' in line]
    assert [poison["task_id"] in line for line in lost] == [True, True], seen


def _start_again(worker: Process, stop: threading.Event) -> None:
    """What `inferq up` or an orchestrator does."""
    while not stop.wait(0.1):
        if not worker.alive:
            worker.start()
