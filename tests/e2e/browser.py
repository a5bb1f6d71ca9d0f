"""A real Chromium that takes the steps of a file in web/e2e/."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from conftest import require
from system.served import Served

WEB = Path(__file__).parents[2] / "web"


def run_in_browser(steps: str, server: Served, *, photos: Iterable[Path], results: Path) -> None:
    """Takes the steps against a server; an assertion that fails tells what the browser said."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    require(chromium, "Chromium")
    require(
        (WEB / "node_modules").is_dir() and shutil.which("npx"), "the web client's node_modules"
    )
    environment = os.environ | {
        "INFERQ_E2E_URL": server.url,
        "INFERQ_E2E_CHROMIUM": str(chromium),
        "INFERQ_E2E_PHOTOS": ",".join(map(str, photos)),
    }
    done = subprocess.run(
        ["npx", "playwright", "test", steps, "--output", str(results / "results")],
        cwd=WEB, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
