"""A real Chromium that takes the steps of files in web/e2e/."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from conftest import require
from inferq.accounts.store import AccountStore
from inferq.embedded.valkey import configured_url
from inferq.state import connect
from people import person
from system.served import Served

WEB = Path(__file__).parents[2] / "web"


def run_in_browser(
    steps: Iterable[str], server: Served, *, photos: Mapping[str, Path], results: Path
) -> None:
    """Takes the steps of some files against a server; an assertion that fails tells what the browser said."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    require(chromium, "Chromium")
    require(
        (WEB / "node_modules").is_dir() and shutil.which("npx"), "the web client's node_modules"
    )
    environment = os.environ | {
        "INFERQ_E2E_URL": server.url,
        "INFERQ_E2E_CHROMIUM": str(chromium),
        "INFERQ_E2E_PHOTOS": json.dumps({name: str(path) for name, path in photos.items()}),
        "INFERQ_E2E_SUPERVISOR": str(server.process.pid),
        "INFERQ_E2E_OTHER_KEY": _key_of_another(server),
    }
    done = subprocess.run(
        ["npx", "playwright", "test", *steps, "--output", str(results / "results")],
        cwd=WEB, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _key_of_another(server: Served) -> str:
    """An API key of somebody else than whom the browser signs in."""
    url = configured_url(server.data_dir / "valkey")
    assert url
    with connect(url) as state:
        return person(AccountStore(state), "ann").key
