"""The tutorial's programs do what they say, against a real server, also while its API dies and comes back."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from conftest import require
from system.served import Served

TUTORIAL = Path(__file__).parents[2] / "docs/tutorial"
SCRIPTS = ("follow.mjs", "follow.py")
MOST_LINES = 40
SECONDS = 90


def command(script: str) -> list[str]:
    """What starts a script of the tutorial."""
    if script.endswith(".py"):
        return [sys.executable, str(TUTORIAL / script)]
    node = shutil.which("node")
    require(node, "Node")
    return [str(node), str(TUTORIAL / script)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running server."""
    server = Served(tmp_path_factory.mktemp("tutorial") / "data")
    try:
        yield server.ready()
    finally:
        server.stop()


@pytest.fixture
def served(running: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """A running server without predictions."""
    every = {"filter": {"state": ["queued", "running", "succeeded", "failed", "canceled"]}}
    url = f"{running.url}/api/v1/predictions/delete"
    httpx.post(url, json=every, headers=running.headers).raise_for_status()
    monkeypatch.setenv("INFERQ_API_KEY", running.key)
    return running


def counts(server: Served) -> dict[str, int]:
    """How many predictions stand in each state, of the batch that was made last; empty where there is none."""
    with httpx.Client(base_url=f"{server.url}/api/v1", headers=server.headers) as api:
        newest = api.get("/predictions", params={"limit": 1}).json()["items"]
        return api.get(f"/batches/{newest[0]['batch']}").json()["counts"] if newest else {}


def check(server: Served, folder: Path) -> None:
    """A hundred were made, some canceled, and the others are in the data set, with what is on them."""
    found = counts(server)
    assert sum(found.values()) == 100
    assert 1 <= found["canceled"] <= 10
    assert found["succeeded"] == 100 - found["canceled"]
    coco = json.loads((folder / "batch.coco.json").read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    labels = {names[annotation["category_id"]] for annotation in coco["annotations"]}
    assert len(coco["images"]) == found["succeeded"]
    assert {"cat", "cup", "person"} <= labels


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_program_of_the_tutorial_does_what_it_says(
    served: Served, photo_files: dict[str, Path], tmp_path: Path, script: str
):
    photographs = photo_files["chelsea"].parent
    done = subprocess.run(
        [*command(script), str(photographs), served.url],
        cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    check(served, tmp_path)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_program_of_the_tutorial_goes_on_behind_what_it_has_seen_when_the_api_dies(
    served: Served, photo_files: dict[str, Path], tmp_path: Path, script: str
):
    worker = served.child("inferq worker")
    os.kill(worker, signal.SIGSTOP)
    with subprocess.Popen(
        [*command(script), str(photo_files["chelsea"].parent), served.url],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as program:  # fmt: skip
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "90 to follow\n"
            os.kill(worker, signal.SIGCONT)
            first = program.stdout.readline()
            os.kill(served.child("inferq api"), signal.SIGKILL)
            # Not `communicate`: what was read together with the first line would be lost to it.
            output = first + program.stdout.read()
            program.wait(SECONDS)
        finally:
            os.kill(worker, signal.SIGCONT)
            program.kill()
    assert program.returncode == 0, output
    assert output.count("succeeded") == 90
    check(served, tmp_path)


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_programs_are_short_and_the_page_tells_of_them(script: str):
    lines = [line.strip() for line in (TUTORIAL / script).read_text().splitlines()]
    assert len([line for line in lines if line and not line.startswith("//")]) <= MOST_LINES
    assert f"]({script})" in (TUTORIAL / "README.md").read_text()
