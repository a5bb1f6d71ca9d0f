"""Flower on the broker of a running deployment, asked as a browser asks it."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

import httpx2 as httpx
import pytest

from conftest import require
from system.served import PROGRAM, Served, eventually, free_port

ADMIN = ("admin", "correct horse battery staple")


@pytest.mark.timeout(200)
def test_flower_shows_what_the_workers_do(tmp_path: Path, photo: dict[str, bytes], monkeypatch):
    require(find_spec("flower"), "Flower")
    server = Served(tmp_path / "data", environment={"INFERQ_CELERY_EVENTS": "true"}).ready()
    monkeypatch.setenv("INFERQ_ADMIN_PASSWORD", ADMIN[1])
    port = free_port()
    flower = subprocess.Popen(
        [*PROGRAM, "flower", "--port", str(port), "--data-dir", str(server.data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    page = httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=ADMIN)
    try:
        eventually(lambda: _answers(page), seconds=60)
        assert httpx.get(f"http://127.0.0.1:{port}/api/tasks").status_code == 401
        with server.client() as client:
            task_id = client.predict(photo["chelsea"]).task_id
        eventually(lambda: _state(page, task_id) == "SUCCESS", seconds=60)
        (worker,) = {task["worker"] for task in page.get("/api/tasks").json().values()}
        assert worker.startswith("inferq-")
        assert page.post(f"/api/task/revoke/{task_id}").status_code in {403, 405}
    finally:
        page.close()
        flower.terminate()
        told, _ = flower.communicate(timeout=30)
        server.stop()
    assert ADMIN[1] not in told


def _answers(page: httpx.Client) -> bool:
    try:
        return page.get("/tasks").status_code == 200
    except httpx.TransportError:
        return False


def _state(page: httpx.Client, task_id: str) -> str | None:
    task = page.get("/api/tasks").json().get(task_id)
    return task and task["state"]
