"""Several models and versions at once, and what a running server takes up, from outside."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inferq.client import Client
from inferq.errors import ServerUnreachable
from inferq.models.catalogue import bundled_folder
from models.folders import copied_model
from system.served import Served, eventually, free_port

BUNDLED = "ssdlite-mobilenet-v2-coco@1"
BLOCKER = """
import sys

class NoRuntime:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("onnxruntime", "tensorflow"):
            raise ImportError(f"{name} is not installed here")

def no_model_files(event, arguments):
    if event == "open" and str(arguments[0]).endswith((".onnx", "model.toml")):
        raise FileNotFoundError(arguments[0])

sys.meta_path.insert(0, NoRuntime())
sys.addaudithook(no_model_files)
"""


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of model folders that servers and commands started here know."""
    monkeypatch.setenv("INFERQ_MODELS_DIR", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def serve(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Starts a server that is stopped after the test; commands find no workers but its own."""
    # pytest's own folders are too deep for a unix socket on some machines.
    folder = tempfile.mkdtemp(prefix="inferq-test-")
    monkeypatch.setenv("TMPDIR", folder)
    started: list[Served] = []

    def start(*arguments: str) -> Served:
        started.append(Served(data_dir, *arguments))
        return started[-1].ready()

    yield start
    for server in started:
        server.stop()
    shutil.rmtree(folder)


def workers(client: Client) -> dict[str, int]:
    """How many workers serve each model."""
    return {f"{card['name']}@{card['version']}": card["workers"] for card in client.models()}


@contextmanager
def api_process(environment: dict[str, str], folder: Path) -> Iterator[str]:
    """The URL of an `inferq api` of its own."""
    port = free_port()
    command = [sys.executable, "-m", "inferq", "api", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        with Client(url) as client:
            eventually(lambda: _answers(client))
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _answers(client: Client) -> bool:
    try:
        return bool(client.ready())
    except ServerUnreachable:
        return False


def test_two_models_and_two_versions_of_one_answer_each_for_itself(
    models_dir: Path, serve, photo: dict[str, bytes]
):
    copied_model(models_dir / "net-1", name="net", version="1")
    copied_model(models_dir / "net-2", name="net", version="2")
    server = serve("--workers", "2")
    models = [BUNDLED, "net@1", "net@2", "net"]
    with server.client() as client:
        eventually(lambda: workers(client) == {BUNDLED: 2, "net@1": 2, "net@2": 2})
        handles = [
            client.submit(photo["chelsea"], model=models[index % len(models)])
            for index in range(200)
        ]
        made = Counter(
            (models[index % len(models)], str(prediction.model), found.label)
            for index, prediction in enumerate(handle.result(60) for handle in handles)
            for found in prediction.result.detections
        )
        no_model = client.predict(photo["chelsea"])
    assert made == {
        (BUNDLED, BUNDLED, "cat"): 50,
        ("net@1", "net@1", "cat of net@1"): 50,
        ("net@2", "net@2", "cat of net@2"): 50,
        ("net", "net@2", "cat of net@2"): 50,
    }
    assert str(no_model.model) == BUNDLED


def test_a_worker_serves_only_what_it_was_asked_for_and_what_nobody_serves_stays_listed(
    models_dir: Path, data_dir: Path, serve, photo: dict[str, bytes]
):
    copied_model(models_dir / "net-1", name="net", version="1")
    copied_model(models_dir / "net-2", name="net", version="2")
    first = serve("net")
    with first.client() as client:
        assert workers(client) == {"net@1": 1, "net@2": 1}
    first.stop()
    with serve("net@2").client() as client:
        assert workers(client) == {"net@1": 0, "net@2": 1}
        waiting = client.submit(photo["chelsea"], model="net@1")
        assert client.predict(photo["chelsea"], model="net@2").state == "succeeded"
        place = client.get(waiting.task_id)
    assert place.state == "queued"
    assert place.queue.reason == "no_worker"


def test_a_folder_with_a_slip_does_not_keep_the_others_from_being_served(models_dir: Path, serve):
    (copied_model(models_dir / "slip", name="slip") / "model.onnx").unlink()
    copied_model(models_dir / "net", name="net")
    server = serve()
    with server.client() as client:
        assert workers(client) == {BUNDLED: 1, "net@1": 1}
    assert "model_left_out" in server.output
    assert "model.onnx is missing" in server.output


def test_a_reload_takes_up_new_folders_and_loses_nothing(
    models_dir: Path, serve, photo: dict[str, bytes]
):
    server = serve()
    worker = server.child("inferq worker")
    with server.client() as client:
        handles = [client.submit(photo["chelsea"]) for _ in range(60)]
        eventually(lambda: client.get(handles[0].task_id).state == "succeeded")
        copied_model(models_dir / "net", name="net")
        os.kill(worker, signal.SIGHUP)
        eventually(lambda: workers(client).get("net@1"))
        ended = [handle.wait(60) for handle in handles]
        late = client.predict(photo["chelsea"], model="net")
    assert {prediction.state for prediction in ended} == {"succeeded"}
    assert {prediction.attempts for prediction in ended} == {1}
    assert late.result.detections[0].label == "cat of net@1"
    assert server.child("inferq worker") == worker
    assert "child_died" not in server.output


def test_a_reload_that_could_not_start_again_is_refused(
    models_dir: Path, serve, photo: dict[str, bytes]
):
    folder = copied_model(models_dir / "net", name="net")
    server = serve("net")
    (folder / "model.toml").write_text("name = ")
    os.kill(server.child("inferq worker"), signal.SIGHUP)
    eventually(lambda: "reload_refused" in server.output)
    with server.client() as client:
        assert client.predict(photo["chelsea"], model="net").state == "succeeded"


def test_the_api_needs_neither_model_files_nor_a_runtime(
    models_dir: Path, serve, photo: dict[str, bytes], tmp_path: Path
):
    blocker = tmp_path / "blocker"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text(BLOCKER)
    copied_model(models_dir / "net", name="net")
    server = serve()
    conf = (server.data_dir / "valkey" / "valkey.conf").read_text()
    secret = conf.split("requirepass ")[1].split()[0]
    environment = os.environ | {
        "PYTHONPATH": str(blocker),
        "INFERQ_MODELS_DIR": str(tmp_path / "nowhere"),
        "INFERQ_REDIS_URL": f"redis+socket://:{secret}@{server.data_dir}/valkey/valkey.sock?virtual_host=0",
        "INFERQ_STORAGE_URL": (server.data_dir / "storage").as_uri(),
        "INFERQ_DEMO": "true",
    }
    for statement in ("import onnxruntime", f"open({str(models_dir / 'net' / 'model.toml')!r})"):
        tried = subprocess.run([sys.executable, "-c", statement], env=environment, check=False)
        assert tried.returncode, "the blocker blocks nothing"
    with (
        api_process(environment, tmp_path) as url,
        Client(url, server.key, timeout=20) as client,
    ):
        assert workers(client) == {BUNDLED: 1, "net@1": 1}
        prediction = client.predict(photo["chelsea"], model="net")
        assert prediction.result.detections[0].label == "cat of net@1"
        assert client.annotated(prediction.task_id)


def test_a_file_is_added_to_the_running_server_and_its_card_shown(
    models_dir: Path, serve, photo: dict[str, bytes], tmp_path: Path, monkeypatch
):
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"thing {number}\n" for number in range(1, 91)))
    server = serve()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    added = inferq(
        "add", str(bundled_folder() / "model.onnx"), "--name", "net",
        "--output-format", "ssd", "--labels", str(labels),
    )  # fmt: skip
    assert "served now" in added
    with server.client() as client:
        prediction = client.predict(photo["chelsea"], model="net")
    assert prediction.result.detections[0].label == "thing 17"
    assert "net@1" in inferq("list")
    assert inferq("list") == inferq()
    shown = inferq("show", "net")
    assert "90: thing 1, thing 2" in shown
    assert "score_threshold" in shown
    assert f"serves {BUNDLED}, net@1" in inferq("reload")


def inferq(*arguments: str) -> str:
    """What `inferq models …` prints."""
    return subprocess.run(
        [sys.executable, "-m", "inferq", "models", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "160"},
    ).stdout
