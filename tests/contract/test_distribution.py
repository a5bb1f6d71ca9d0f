"""The wheel and the sdist: what is in them, and that the wheel alone predicts, without this checkout and without Node.

They are built here, unless INFERQ_TEST_DIST names a folder that holds them (`make dist` tries what it has built).
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from conftest import require
from inferq import __version__
from inferq.api.web import WEB_DIST
from system.served import Served

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"
MOST_BYTES = 16_000_000
MODEL = "inferq/models/zoo/ssdlite-mobilenet-v2-coco"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, and the wheel that was built from nothing but that sdist."""
    given = os.environ.get("INFERQ_TEST_DIST")
    if given:
        return ROOT / given
    require((WEB_DIST / "index.html").is_file(), "the web build")
    folder = tmp_path_factory.mktemp("dist")
    build = [UV, "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", folder, ROOT], check=True, env=alone(UV.parent))
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return dist / f"inferq-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def wheel_files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that holds the wheel and what it asks for, of the versions that we pin."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    python = folder / "bin/python"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install = [UV, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, "--constraint", ROOT / "requirements/run.txt", wheel], check=True)
    return folder / "bin"


@pytest.fixture(scope="module")
def installed_served(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("of-the-wheel") / "data"
    server = Served(data, program=["env", f"PATH={installed}", str(installed / "inferq")])
    try:
        yield server.ready()
    finally:
        server.stop()


def alone(folder: Path) -> dict[str, str]:
    """An environment in which nothing but this folder's programs can be run by name: no Node above all."""
    return os.environ | {"PATH": str(folder)}


def test_the_wheel_holds_the_page_the_model_and_their_licences(wheel_files: set[str]):
    manifest = json.loads((WEB_DIST / ".vite/manifest.json").read_text())
    page = {
        name
        for entry in manifest.values()
        for name in (entry["file"], *entry.get("css", ()), *entry.get("assets", ()))
    }
    assert len(page) > 10
    wanted = {f"inferq/web_dist/{name}" for name in page | {"index.html", "docs.html"}}
    wanted |= {
        f"{MODEL}/model.toml",
        f"{MODEL}/model.onnx",
        f"{MODEL}/int8.onnx",
        "inferq/py.typed",
    }
    wanted |= {"inferq/render/fonts/NotoSans-OFL.txt", "inferq/web_dist/licenses.md"}
    wanted |= {f"inferq-{__version__}.dist-info/licenses/LICENSE"}
    assert wanted - wheel_files == set()


def test_the_wheel_holds_nothing_else(wheel: Path, wheel_files: set[str]):
    assert {name.split("/")[0] for name in wheel_files} == {
        "inferq",
        f"inferq-{__version__}.dist-info",
    }
    unwanted = re.compile(r"node_modules|__pycache__|(^|/)tests?/|\.map$|\.tsx?$|\.env$|\.key$")
    assert [name for name in wheel_files if unwanted.search(name)] == []
    assert wheel.stat().st_size < MOST_BYTES


def test_the_sdist_holds_what_it_takes_to_build_and_test_and_no_more(dist: Path):
    with tarfile.open(dist / f"inferq-{__version__}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "Makefile", "LICENSE", "web/package-lock.json"} <= names
    assert {"requirements/run.txt", "tests/conftest.py", "src/inferq/web_dist/index.html"} <= names
    unwanted = re.compile(r"node_modules|__pycache__|(^|/)\.env$|^data/|web/screenshots")
    assert [name for name in names if unwanted.search(name)] == []


def test_it_predicts_by_command_from_an_environment_of_its_own(
    installed: Path, installed_served: Served, photo_files: dict[str, Path], tmp_path: Path
):
    where = [installed / "python", "-c", "import inferq; print(inferq.__file__)"]
    module = subprocess.run(where, capture_output=True, text=True, check=True).stdout
    assert module.startswith(str(installed.parent))
    done = subprocess.run(
        [installed / "inferq", "predict", "--format", "jsonl", photo_files["chelsea"]],
        cwd=tmp_path, env=alone(installed) | installed_served.environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["result"]["detections"]
    assert found["label"] == "cat"


def test_its_page_is_whole_and_gets_boxes(installed_served: Served):
    with httpx.Client(base_url=installed_served.url, timeout=30) as browser:
        page = browser.get("/")
        loaded = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
        assert len(loaded) >= 2
        assert {browser.get(name).status_code for name in loaded} == {200}
        asked = {"Origin": installed_served.url}
        demo = browser.get("/api/v1/auth/session").json()["demo"]
        assert browser.post("/api/v1/auth/session", json=demo, headers=asked).status_code == 200
        sample = browser.get("/samples/cat.jpg").content
        answered = browser.post(
            "/api/v1/predictions",
            files={"image": ("cat.jpg", sample)},
            headers=asked | {"Prefer": "wait=20"},
        )
    assert answered.json()["state"] == "succeeded", answered.text
    assert answered.json()["result"]["detections"][0]["label"] == "cat"
