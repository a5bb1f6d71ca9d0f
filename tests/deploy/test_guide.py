"""A new operator follows docs/deploy.md: the commands of its section on Compose, word for word, in order, in a fresh copy.

Each test goes on from where the one before it has stopped.

`docker` is ours there (`docker.py`): it understands these commands alone, and has the tests' engine do them.
"""

import os
import pty
import re
import select
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from deploy.compose_file import ROOT
from deploy.docker import Docker
from deploy.dockerfile import DEFAULT_PATH, Image
from deploy.engine import Engine
from photos import jpeg
from system.served import eventually

PAGE = ROOT / "docs/deploy.md"
SESSION = "/api/v1/auth/session"
PATIENCE = 180.0
ANN = "correct horse battery staple"

pytestmark = pytest.mark.timeout(600)


def commands() -> list[tuple[str, str]]:
    """The blocks of shell commands of the page's section on Compose, each with the heading that it stands under."""
    (section,) = re.findall(r"(?ms)^## Compose$(.*?)^## ", PAGE.read_text())
    heading, found = "Compose", []
    for title, block in re.findall(r"(?ms)^### ([^\n]+)$|^```sh\n(.*?)^```$", section):
        heading = title or heading
        if block:
            found.append((heading, block))
    return found


def copy(folder: Path) -> Path:
    """A fresh copy of the checkout."""
    listing = ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy2(ROOT / name, folder / name)
    return folder


class Operator:
    """Somebody at a terminal in the copy, and the programs of this machine that ask the system."""

    def __init__(self, engine: Engine, docker: Docker) -> None:
        self.engine = engine
        self._docker = docker
        self._blocks = iter(commands())
        self.password, self.key = "", ""
        self.first: dict[str, Any] = {}

    def follow(self, heading: str, *, typing: Sequence[tuple[str, str]] = ()) -> str:
        """Runs the page's next block, which stands under this heading; returns what it printed.

        Args:
            heading: Where the block has to stand.
            typing: What is asked for at the end of what the terminal shows, and what is typed then.
        """
        where, block = next(self._blocks)
        assert where == heading, block
        keyboard, terminal = pty.openpty()
        shell = subprocess.Popen(
            ["ip", "netns", "exec", self.engine.machine, "setsid", "--ctty", "sh", "-euc", block],
            cwd=self.engine.checkout, env={"PATH": f"{self._docker.bin}:{DEFAULT_PATH}", "HOME": "/root"},
            stdin=terminal, stdout=terminal, stderr=terminal,
        )  # fmt: skip
        os.close(terminal)
        shown, waiting = "", list(typing)
        while data := _read(keyboard):
            shown += data
            if waiting and shown.endswith(waiting[0][0]):
                os.write(keyboard, f"{waiting.pop(0)[1]}\n".encode())
        os.close(keyboard)
        try:
            assert shell.wait(10) == 0, shown
        finally:
            shell.kill()
        return shown

    def done(self) -> bool:
        """Whether the page has no further block."""
        return next(self._blocks, None) is None

    @contextmanager
    def client(self, url: str = "http://localhost", **options: object) -> Iterator[httpx.Client]:
        """A client on the operator's machine."""
        with (
            self.engine.on_the_machine(),
            httpx.Client(base_url=url, timeout=40, **options) as made,
        ):
            yield made

    @property
    def headers(self) -> dict[str, str]:
        """What a request with the operator's key carries."""
        return {"Authorization": f"Bearer {self.key}"}

    def post(self, **headers: str) -> dict[str, Any]:
        """A photograph's prediction, as it is answered."""
        with self.client(headers=self.headers | headers) as client:
            image = {"image": ("chelsea.jpg", jpeg("chelsea"))}
            prediction: dict[str, Any] = client.post("/api/v1/predictions", files=image).json()
        return prediction

    def predict(self) -> dict[str, Any]:
        """A photograph's prediction, at its end."""
        prediction = self.post(Prefer="wait=30")
        assert "cat" in {found["label"] for found in prediction["result"]["detections"]}
        return prediction

    def certify(self, name: str) -> ssl.SSLContext:
        """Puts a certificate where the page says; returns what trusts it."""
        folder = self.engine.checkout / "deploy/compose/tls"
        folder.mkdir()
        command = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},DNS:localhost",
            "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        (folder / "privkey.pem").chmod(0o644)
        return ssl.create_default_context(cafile=folder / "fullchain.pem")


def _read(keyboard: int) -> str:
    """What a terminal shows next; empty once nobody has it open any more, or nothing comes."""
    try:
        if not select.select([keyboard], [], [], PATIENCE)[0]:
            return ""
        return os.read(keyboard, 65536).decode(errors="replace")
    except OSError:
        return ""


@pytest.fixture(scope="module")
def operator(
    images: dict[str, Image], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    checkout = copy(tmp_path_factory.mktemp("guide") / "inferq")
    with (
        Engine(images, checkout=checkout, publishes=True) as engine,
        Docker(engine).answering() as docker,
    ):
        yield Operator(engine, docker)


def test_two_commands_lead_from_a_clone_to_boxes(operator: Operator):
    shown = operator.follow("Compose")
    url, password = re.search(r"open (\S+) and sign in as admin, password (\S+)", shown).groups()
    assert url == "http://localhost"
    operator.password = password
    with operator.client() as client:
        assert client.post(SESSION, json={"username": "admin", "password": password}).is_success
        made = client.post("/api/v1/auth/keys", json={"label": "tests"})
    operator.key = made.json()["key"]
    operator.first = operator.predict()


def test_a_user_is_added_who_can_sign_in(operator: Operator):
    shown = operator.follow("Compose", typing=[("Password: ", ANN), ("confirmation: ", ANN)])
    assert "ann may use this deployment as user" in shown
    assert ANN not in shown
    assert "Workers" in shown
    with operator.client() as client:
        assert client.post(SESSION, json={"username": "ann", "password": ANN}).is_success


def test_the_example_of_settings_changes_nothing(operator: Operator):
    running = {container.init for container in operator.engine.containers}
    operator.follow("What can be set")
    assert {container.init for container in operator.engine.containers} == running


def test_others_reach_it_by_tls(operator: Operator):
    trusting = operator.certify("inferq.example")
    operator.follow("For others to reach: profile `tls`")
    with operator.client("https://localhost", verify=trusting) as client:
        answer = client.post(SESSION, json={"username": "ann", "password": ANN})
    assert "Secure" in answer.headers["Set-Cookie"]


def test_flower_shows_a_worker_and_a_task_behind_a_password(operator: Operator):
    operator.follow("Celery's own monitor: profile `flower`")
    with operator.client("http://localhost:5555") as client:
        assert eventually(lambda: _status(client), seconds=60) == 401
        client.auth = ("admin", operator.password)
        # What happened before it listened is not told to it.
        eventually(lambda: client.get("/workers?json=1").json()["data"], seconds=60)
        task_id = operator.predict()["task_id"]
        eventually(lambda: _task(client, task_id).get("state") == "SUCCESS", seconds=60)
        assert _task(client, task_id)["worker"].startswith("inferq-worker-")


def test_workers_are_added_while_it_runs(operator: Operator):
    operator.follow("Changing it while it runs")
    workers = {container.sandbox.name for container in operator.engine.of("worker")}
    assert workers == {"worker-1", "worker-2", "worker-3"}


def test_a_backup_brings_back_users_results_and_what_waited(operator: Operator):
    for worker in operator.engine.of("worker"):
        operator.engine.stop(worker)
    waiting = operator.post()
    operator.follow("Backups")
    operator.follow("Backups")
    with operator.client(headers=operator.headers) as client:
        again = client.get(operator.first["links"]["self"]).json()
        assert again["result"] == operator.first["result"]
        assert client.get(operator.first["links"]["preview"]).is_success
        waited = client.get(waiting["links"]["self"], headers={"Prefer": "wait=30"}).json()
    assert (waited["state"], waited["attempts"]) == ("succeeded", 1)
    with operator.client() as client:
        assert client.post(SESSION, json={"username": "ann", "password": ANN}).is_success


def test_stopped_it_keeps_what_it_wrote_unless_told_to_remove_it(operator: Operator):
    operator.follow("Stopping it")
    assert operator.engine.containers == []
    assert operator.engine.volume("storage").exists()
    operator.follow("Stopping it")
    assert not operator.engine.volume("storage").exists()
    assert operator.done()


def _status(client: httpx.Client) -> int | None:
    try:
        return client.get("/api/tasks").status_code
    except httpx.TransportError:
        return None


def _task(client: httpx.Client, task_id: str) -> dict[str, Any]:
    task: dict[str, Any] = client.get("/api/tasks").json().get(task_id) or {}
    return task
