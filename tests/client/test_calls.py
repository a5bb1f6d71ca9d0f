"""What a user of either client sees when answers are lost, refused or late."""

import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel

from client.pretend import PretendServer
from inferq import File
from inferq.client import Client
from inferq.errors import (
    AttemptTimeout,
    DiskFull,
    InferqError,
    NotFound,
    PredictionCanceled,
    QueueFull,
    ServerUnreachable,
    SetupError,
    TooManyInFlight,
    UnsupportedFormat,
)
from inferq.predictions.record import State


def test_a_prediction_is_made_once_although_its_answer_is_lost_twice(
    server: PretendServer, client: Any
):
    server.lose_answers = 2
    handle = client.submit(b"picture")
    assert server.count("POST", "/predictions") == 3
    assert list(server.predictions) == [handle.task_id]


@pytest.mark.parametrize("error", [TooManyInFlight, QueueFull, DiskFull])
def test_a_server_without_room_is_waited_for_as_long_as_it_says(
    server: PretendServer, client: Any, error: type[InferqError]
):
    server.refusals.append((error("Later."), 1))
    began = time.monotonic()
    client.submit(b"picture")
    assert 1 <= time.monotonic() - began < 2
    assert len(server.predictions) == 1


def test_a_wait_longer_than_the_time_out_is_refused_at_once_with_the_seconds(
    server: PretendServer, client: Any
):
    server.refusals.append((QueueFull("Much later."), 60))
    began = time.monotonic()
    with pytest.raises(QueueFull, match="Much later") as raised:
        client.submit(b"picture")
    assert raised.value.retry_after == 60
    assert time.monotonic() - began < 1


def test_what_is_wrong_with_the_request_is_raised_at_once_and_typed(
    server: PretendServer, client: Any
):
    server.refusals.append((UnsupportedFormat("No such format."), None))
    with pytest.raises(UnsupportedFormat, match="No such format"):
        client.submit(b"picture")
    assert server.count("POST", "/predictions") == 1


def test_a_proxy_that_answers_for_a_server_that_is_away_is_waited_out(
    server: PretendServer, client: Any
):
    server.bare_refusals.extend([502, 503, 504])
    assert client.submit(b"picture").task_id in server.predictions


def test_a_delete_whose_answer_is_lost_has_worked(server: PretendServer, client: Any):
    task_id = client.submit(b"picture").task_id
    server.lose_answers = 1
    client.delete(task_id)
    assert not server.predictions
    with pytest.raises(NotFound):
        client.delete(task_id)


def test_a_wait_tells_of_each_change_and_survives_lost_answers(server: PretendServer, client: Any):
    handle = client.submit(b"picture")
    seen: list[str] = []

    def heard(prediction: Any) -> None:
        seen.append(prediction.state)
        if prediction.state == "running":
            server.lose_answers = 2
            server.move(handle.task_id, State.SUCCEEDED)

    server.move(handle.task_id, State.RUNNING)
    assert handle.wait(10, on_update=heard).state == "succeeded"
    assert seen == ["running", "succeeded"]
    assert handle.latest.state == "succeeded"


def test_a_wait_that_ends_too_early_can_be_taken_up_again(server: PretendServer, client: Any):
    handle = client.submit(b"picture")
    with pytest.raises(TimeoutError, match="still queued"):
        handle.wait(0.1)
    server.move(handle.task_id, State.SUCCEEDED)
    assert handle.result().state == "succeeded"


def test_failed_and_canceled_predictions_raise_typed_errors(server: PretendServer, client: Any):
    failed, canceled = client.submit(b"picture"), client.submit(b"picture")
    server.fail(failed.task_id, AttemptTimeout("Took too long."))
    assert canceled.cancel().state == "canceled"
    with pytest.raises(AttemptTimeout, match="Took too long"):
        failed.result()
    with pytest.raises(PredictionCanceled):
        canceled.result()
    assert failed.wait().state == "failed"


def test_predict_follows_a_prediction_that_the_first_answer_did_not_end(
    server: PretendServer, client: Any
):
    def finish() -> None:
        server.until(lambda: server.count("GET", "/predictions/"))
        server.move(server.unfinished()[0], State.SUCCEEDED)

    thread = threading.Thread(target=finish)
    thread.start()
    assert client.predict(b"picture", wait=10).state == "succeeded"
    thread.join()


def test_a_list_is_read_page_by_page_as_far_as_it_is_wanted(server: PretendServer, client: Any):
    made = [client.submit(b"picture").task_id for _ in range(5)]
    assert [prediction.task_id for prediction in client.list(state="queued")] == made
    assert server.count("GET", "/predictions") == 3
    assert [prediction.task_id for prediction in client.list(limit=3)] == made[:3]
    assert server.count("GET", "/predictions") == 5


def test_a_rerun_gives_a_handle_of_its_own_and_is_made_once(server: PretendServer, client: Any):
    first = client.submit(b"picture")
    server.lose_answers = 1
    again = client.rerun(first.task_id, model="other", score_threshold=0.2)
    assert again.task_id != first.task_id
    assert len(server.predictions) == 2
    assert server.bodies[-1] == b'{"model":"other","parameters":{"score_threshold":0.2}}'


def test_an_export_is_there_whole_or_not_at_all(server: PretendServer, client: Any, tmp_path: Path):
    path = tmp_path / "set.zip"
    server.lose_answers = 2
    client.export(path, "coco", images=True, state=["succeeded", "failed"])
    asked = {"format": ["coco"], "images": ["true"], "state": ["succeeded", "failed"]}
    assert json.loads(path.read_bytes()) == asked
    server.refusals.append((UnsupportedFormat("No such format."), None))
    with pytest.raises(UnsupportedFormat):
        client.export(tmp_path / "other")
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_server_calls_say_so_within_their_time_out():
    began = time.monotonic()
    with Client("http://127.0.0.1:1", timeout=0.5) as client:
        with pytest.raises(ServerUnreachable, match=r"http://127\.0\.0\.1:1: .*refused"):
            client.submit(b"picture")
        with pytest.raises(ServerUnreachable):
            client.ready()
    assert time.monotonic() - began < 2


def test_a_url_that_is_none_is_refused_with_a_reason():
    with pytest.raises(SetupError, match="begin with http"):
        Client("localhost:8000")


def test_paths_files_pictures_and_arrays_arrive_as_their_bytes(
    server: PretendServer, client: Any, tmp_path: Path
):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"from a path")
    array = np.zeros((2, 3, 3), dtype=np.uint8)
    for source in (path, str(path), io.BytesIO(b"from a file"), array, Image.fromarray(array)):
        client.submit(
            source, metadata={"a": [1]}, classes=["cat", "dog"], callback_url="https://a.example/"
        )
    bodies = server.bodies
    assert b"from a path" in bodies[0]
    assert b'filename="photo.jpg"' in bodies[0]
    assert b'name="metadata"\r\n\r\n{"a": [1]}' in bodies[0]
    assert b'name="callback_url"\r\n\r\nhttps://a.example/' in bodies[0]
    assert bodies[0].count(b'name="classes"') == 2
    assert b"from a path" in bodies[1]
    assert b"from a file" in bodies[2]
    assert b"\x89PNG" in bodies[3]
    assert b"\x89PNG" in bodies[4]
    with pytest.raises(TypeError, match="no input"):
        client.submit(object())


class Row(BaseModel):
    x: float = 1.5


def test_json_and_files_arrive_with_their_media_types(server: PretendServer, client: Any):
    for source in ({"x": 1.5}, [1, 2], 1.5, Row(), [Row()]):
        client.submit(source)
    client.submit(File(b"hello", media_type="text/plain", filename="letter.txt"))
    told = [body.partition(b"\r\n--")[0] for body in server.bodies]
    assert all(b"Content-Type: application/json" in body for body in server.bodies[:5])
    assert [body.rpartition(b"\r\n\r\n")[2].partition(b"\r\n")[0] for body in told[:5]] == [
        b'{"x":1.5}', b"[1,2]", b"1.5", b'{"x":1.5}', b'[{"x":1.5}]',
    ]  # fmt: skip
    assert b'filename="letter.txt"\r\nContent-Type: text/plain\r\n\r\nhello' in server.bodies[5]


def test_a_notebook_shows_what_is_known_without_asking_the_server(
    server: PretendServer, client: Any
):
    handle = client.submit(b"picture")
    asked = len(server.requests)
    assert "<b>image</b> on any@1: queued" in handle._repr_html_()
    assert len(server.requests) == asked
