"""`inferq up` from outside: real photographs in, detections out; what dies comes back, nothing is left behind."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from celery import Celery
from celery.result import AsyncResult
from PIL import Image

from inferq.client import Client
from inferq.errors import NotAnImage, UnknownModel
from inferq.predictions.record import Prediction
from photos import PHOTOS, pixels
from system.served import Served, descendants, eventually, running

LEAST_IOU = 0.7


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photograph_gets_the_label_and_the_box_that_a_person_would_give_it(
    served: Served, photo_files: dict[str, Path], name: str
):
    label, drawn_by_eye, reason = PHOTOS[name]
    with served.client() as client:
        prediction = client.predict(photo_files[name])
    best = prediction.result.detections[0]
    assert best.label == label, reason
    assert best.score > 0.6
    assert best.box.iou(drawn_by_eye) > LEAST_IOU, reason


def test_curl_posts_a_photograph_and_waits_for_its_end(
    served: Served, photo_files: dict[str, Path]
):
    url = f"{served.url}/api/v1/predictions"
    key = ["-H", f"Authorization: Bearer {served.key}"]
    posted = subprocess.run(
        ["curl", "-si", *key, "-F", f"image=@{photo_files['chelsea']}", url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert posted.startswith("HTTP/1.1 202 Accepted")
    (location,) = [
        line.split(": ")[1] for line in posted.splitlines() if line.lower().startswith("location:")
    ]
    got = subprocess.run(
        ["curl", "-s", *key, "-H", "Prefer: wait=10", f"{served.url}{location}"],
        capture_output=True,
        check=True,
    ).stdout
    assert json.loads(got)["state"] == "succeeded"
    assert json.loads(got)["result"]["detections"][0]["label"] == "cat"


def test_the_client_takes_bytes_files_pictures_and_arrays(served: Served, photo):
    with served.client() as client:
        sources = [
            photo["chelsea"],
            io.BytesIO(photo["chelsea"]),
            Image.open(io.BytesIO(photo["chelsea"])),
            np.asarray(pixels("chelsea")),
        ]
        handles = [client.submit(source, batch="kinds", score_threshold=0.6) for source in sources]
        for handle in handles:
            prediction = handle.result(20)
            assert prediction.batch == "kinds"
            assert prediction.parameters["score_threshold"] == 0.6
            assert [d.label for d in prediction.result.detections] == ["cat"]


def test_the_client_raises_the_servers_problems_as_typed_errors(served: Served):
    with served.client() as client:
        with pytest.raises(NotAnImage, match="no picture"):
            client.submit(b"nothing of the kind")
        with pytest.raises(UnknownModel):
            client.submit(pixels("chelsea"), model="nonesuch")


def test_updates_are_told_while_waiting(served: Served, photo):
    seen: list[str] = []
    with served.client() as client:
        client.submit(photo["coffee"]).wait(20, on_update=lambda update: seen.append(update.state))
    assert seen[-1] == "succeeded"


def test_any_celery_client_gets_the_result_by_the_task_id(served: Served, photo):
    conf = (served.data_dir / "valkey" / "valkey.conf").read_text()
    secret = conf.split("requirepass ")[1].split()[0]
    url = f"redis+socket://:{secret}@{served.data_dir}/valkey/valkey.sock?virtual_host=0"
    with served.client() as client:
        prediction = client.predict(photo["chelsea"])
    app = Celery("anything", backend=url)
    result = AsyncResult(prediction.task_id, app=app).get(timeout=10)
    assert result == prediction.result.model_dump(mode="json")
    app.close()


def test_inferq_predict_finds_the_server_from_any_folder(
    served: Served, photo_files: dict[str, Path], tmp_path: Path
):
    environment = os.environ | {
        "XDG_CONFIG_HOME": str(served.data_dir.parent / "config"),
    }
    command = [
        sys.executable,
        "-m",
        "inferq",
        "predict",
        "--format",
        "jsonl",
        "--save-annotated",
        "out",
    ]
    done = subprocess.run(
        [*command, *map(str, photo_files.values())],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    labels = [
        json.loads(line)["result"]["detections"][0]["label"] for line in done.stdout.splitlines()
    ]
    assert labels == [PHOTOS[name][0] for name in photo_files]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{name}-annotated.jpg" for name in photo_files
    )


@pytest.mark.parametrize(
    ("words", "finds"),
    [
        (("status", "--json"), '"models": ["ssdlite-mobilenet-v2-coco@1"]'),
        (("doctor",), "ok    workers"),
        (("failed", "list"), "Nothing has failed"),
    ],
)
def test_what_looks_at_a_deployment_finds_the_server_from_any_folder(
    served: Served, tmp_path: Path, words: tuple[str, ...], finds: str
):
    environment = os.environ | {"XDG_CONFIG_HOME": str(served.data_dir.parent / "config")}
    done = subprocess.run(
        [sys.executable, "-m", "inferq", *words],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert finds in done.stdout


def test_the_worker_lets_api_and_valkey_go_first_on_busy_cores(served: Served):
    own = os.getpriority(os.PRIO_PROCESS, served.process.pid)
    niceness = {
        name: os.getpriority(os.PRIO_PROCESS, served.child(name)) - own
        for name in ("inferq worker", "valkey-server", "inferq api")
    }
    assert niceness == {"inferq worker": 10, "valkey-server": 0, "inferq api": 0}


@pytest.mark.parametrize("name", ["inferq worker", "valkey-server", "inferq api"])
def test_whatever_is_killed_comes_back_and_the_next_prediction_succeeds(
    served: Served, photo, name: str
):
    victim = served.child(name)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: served.child(name) != victim)
    with served.client() as client:
        assert client.predict(photo["chelsea"], wait=30).state == "succeeded"


def test_a_second_one_on_the_same_data_says_so_and_exits(served: Served):
    second = Served(served.data_dir)
    assert second.process.wait(20) == 2
    assert f"inferq already runs on {served.data_dir}" in second.output
    assert served.url in second.output


def test_a_busy_port_names_the_way_out(served: Served, data_dir: Path):
    second = Served(data_dir, port=served.port)
    assert second.process.wait(20) == 2
    assert f"make run PORT={served.port + 1}" in second.output


def test_results_survive_a_stop_and_a_start(data_dir: Path, photo):
    first = Served(data_dir).ready()
    with first.client() as client:
        prediction = client.predict(photo["chelsea"])
    assert first.stop(signal.SIGINT) == 0
    second = Served(data_dir).ready()
    try:
        with second.client() as client:
            assert client.get(prediction.task_id) == prediction
            assert client.annotated(prediction.task_id)
    finally:
        second.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_behind_however_it_ends(data_dir: Path, number: signal.Signals):
    server = Served(data_dir).ready()
    children = descendants(server.process.pid)
    assert len(children) == 3
    status = server.stop(number)
    assert status == (0 if number is not signal.SIGKILL else -signal.SIGKILL)
    eventually(lambda: not set(children) & set(running()))
    assert not list(data_dir.glob("valkey/valkey.sock"))


def test_a_very_long_path_does_not_break_the_socket(tmp_path: Path, photo):
    server = Served(tmp_path / ("long-" * 30) / "data").ready()
    try:
        with server.client() as client:
            assert client.predict(photo["chelsea"]).state == "succeeded"
    finally:
        assert server.stop() == 0


def test_a_broken_model_stops_the_start_with_a_reason(data_dir: Path, tmp_path: Path):
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "model.toml").write_text("name = 'broken'")
    server = Served(data_dir, str(folder))
    assert server.process.wait(30) == 2
    assert "is not a valid card" in server.output


def test_a_worker_killed_in_the_middle_of_its_work_loses_nothing(served: Served, photo):
    with served.client() as client:
        handles = [client.submit(photo["chelsea"], batch="killed") for _ in range(40)]
        eventually(lambda: client.get(handles[0].task_id).state == "succeeded")
        os.kill(served.child("inferq worker"), signal.SIGKILL)
        ended = [handle.wait(60) for handle in handles]
    assert {prediction.state for prediction in ended} == {"succeeded"}
    assert max(prediction.attempts for prediction in ended) <= 2


def test_killed_whole_and_started_again_it_goes_on_where_it_was(tmp_path: Path, photo):
    first = Served(tmp_path / "data").ready()
    with first.client() as client:
        handles = [client.submit(photo["chelsea"]) for _ in range(20)]
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(10)
    again = Served(tmp_path / "data", port=first.port).ready()
    try:
        with again.client() as client:
            states = {client.get(h.task_id).state for h in handles}
            assert states <= {"queued", "running", "succeeded"}
            ended = [eventually(lambda h=h: _ended(client, h.task_id)) for h in handles]
        assert {prediction.state for prediction in ended} == {"succeeded"}
    finally:
        again.stop()


def test_a_worker_that_is_frozen_is_replaced(served: Served, photo):
    victim = served.child("inferq worker")
    os.kill(victim, signal.SIGSTOP)
    eventually(lambda: served.child("inferq worker") != victim, seconds=60)
    assert "gave no sign of life" in served.output
    with served.client() as client:
        assert client.predict(photo["chelsea"], wait=30).state == "succeeded"


def _ended(client: Client, task_id: str) -> Prediction | None:
    prediction = client.get(task_id)
    return prediction if prediction.state.is_terminal else None
