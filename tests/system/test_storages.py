"""Inputs on a server: the API saves them there and a worker reads them, both processes of one `inferq up`."""

import threading
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from storage.conftest import SITES, Site, s3_url  # noqa: F401 - a fixture
from system.served import Served, eventually

SETTINGS = {"INFERQ_STORAGE_TIMEOUT": "3", "AWS_EC2_METADATA_DISABLED": "true"}
COUNT = 40


@pytest.fixture(params=["s3", "webhdfs"])
def remote(request: pytest.FixtureRequest) -> Iterator[Site]:
    yield from SITES[request.param](request)


@pytest.fixture
def server(remote: Site, data_dir, monkeypatch) -> Iterator[Served]:
    for name, value in (SETTINGS | remote.settings).items():
        monkeypatch.setenv(name, value)
    server = Served(data_dir)
    yield server.ready()
    server.stop()


def test_predictions_are_made_of_what_lies_on_a_server_and_outlast_its_outage(
    server: Served, remote: Site, photo
):
    ended = []

    def predict_all() -> None:
        with server.client() as client:
            ended.extend(client.map([photo["chelsea"]] * COUNT))

    with httpx.Client(base_url=server.url, headers=server.headers, timeout=30) as http:
        crowd = threading.Thread(target=predict_all)
        crowd.start()
        eventually(lambda: len(ended) > 2, seconds=60)
        remote.proxy.hang()
        answer = eventually(lambda: _refusal(http, photo["coffee"]), seconds=60)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert http.get("/healthz").status_code == 200
        assert len(ended) < COUNT
        remote.proxy.open()
        crowd.join(100)
        assert {prediction.state for prediction in ended} == {"succeeded"}
        assert len(ended) == COUNT
        labels = {prediction.result.detections[0].label for prediction in ended}
        assert labels == {"cat"}
        path = f"/api/v1/predictions/{ended[0].task_id}"
        assert http.get(f"{path}/image").content == photo["chelsea"]
        assert http.get(f"{path}/preview").headers["Content-Type"] == "image/webp"
        assert http.get(f"{path}/preview").status_code == 200
        assert http.delete(path).status_code == 204
    assert not (server.data_dir / "storage").exists()


def _refusal(http: httpx.Client, data: bytes) -> httpx.Response | None:
    answer = http.post("/api/v1/predictions", content=data, headers={"Content-Type": "image/jpeg"})
    return None if answer.is_success else answer
