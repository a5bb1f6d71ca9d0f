"""What must not be in a checkout: secrets, paths of one machine, hosts of a registry; and what must fit together."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("no git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize(
    "pattern",
    [
        r"/(?:home|root|Users|work)/[a-z]",
        r"-----BEGIN [A-Z ]*PRIVATE KEY",
        r"AKIA[0-9A-Z]{16}",
        r"registry\.npmjs|files\.pythonhosted|pypi\.org/simple",
    ],
)
def test_no_file_holds(pattern: str):
    guilty = [
        path.relative_to(ROOT)
        for path in tracked()
        if path.suffix not in {".onnx", ".png"} and path != Path(__file__)
        if re.search(pattern, path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert guilty == []


def test_lock_files_name_no_host_to_download_from():
    assert '"resolved"' not in (ROOT / "web/package-lock.json").read_text()
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in lock.read_text(), lock.name
    run = (ROOT / "requirements/run.txt").read_text()
    assert run.count("--hash=sha256:") > run.count("==")


def test_the_licence_is_apache_2_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()
