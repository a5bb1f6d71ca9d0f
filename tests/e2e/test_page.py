"""The page in a real Chromium against a real `inferq up`; the steps themselves are in web/e2e/."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from conftest import require
from photos import TURNED_HEIC, encoded, pixels
from system.served import Served

WEB = Path(__file__).parents[2] / "web"


def other_formats(folder: Path) -> dict[str, Path]:
    """Pictures that browsers cannot show themselves."""
    made = {
        "turned.heic": TURNED_HEIC,
        "coffee.tif": encoded(Image.fromarray(pixels("coffee")), "TIFF"),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in made}


@pytest.mark.timeout(900)
def test_the_page_works_in_a_real_browser(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, photo_files: dict[str, Path]
):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    require(chromium, "Chromium")
    require(
        (WEB / "node_modules").is_dir() and shutil.which("npx"), "the web client's node_modules"
    )
    files = photo_files | other_formats(tmp_path)
    server = Served(tmp_path_factory.mktemp("page") / "data").ready()
    try:
        environment = os.environ | {
            "INFERQ_E2E_URL": server.url,
            "INFERQ_E2E_CHROMIUM": str(chromium),
            "INFERQ_E2E_PHOTOS": json.dumps({name: str(path) for name, path in files.items()}),
            "INFERQ_E2E_SUPERVISOR": str(server.process.pid),
        }
        done = subprocess.run(
            ["npx", "playwright", "test", "--output", str(tmp_path / "results")],
            cwd=WEB, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        server.stop()
    assert done.returncode == 0, done.stdout + done.stderr
