"""`make release` in a checkout of its own, whose `make` writes down what it was asked for instead of doing it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("tools/release.py", "src/inferq/__init__.py", "web/package.json", "web/package-lock.json")
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n### Added\n\n- Much.\n\n## 0.0.1 - 2026-01-02\n\n- Little.\n"
)
NEW = "7.8.9"
MAKEFILE = """\
.DEFAULT:
\t@echo $@ >> .asked
\t@test $@ != "$(FAILING)"
"""


class Checkout:
    """A clone of what a release touches, committed on `main`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in FILES:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        (root / "CHANGELOG.md").write_text(CHANGELOG)
        (root / "Makefile").write_text(MAKEFILE)
        (root / ".gitignore").write_text(".asked\n")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("config", "user.name", "A maintainer")
        self.git("config", "user.email", "maintainer@example.org")
        self.commit()

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "As it was")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def release(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        command = ["env", *(f"{name}={value}" for name, value in environment.items())]
        return subprocess.run(
            [*command, sys.executable, "tools/release.py", *arguments],
            cwd=self.root, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_release_is_checked_committed_and_tagged(checkout: Checkout):
    done = checkout.release(NEW)
    assert done.returncode == 0, done.stderr
    asked = (checkout.root / ".asked").read_text().split()
    assert asked == ["gen", "check", "test", "dist", "sbom"]
    assert checkout.git("log", "-1", "--format=%s") == f"Release {NEW}"
    assert checkout.git("status", "--porcelain") == ""
    assert checkout.git("rev-parse", f"v{NEW}^{{commit}}") == checkout.git("rev-parse", "HEAD")
    assert "### Added\n\n- Much." in checkout.git(
        "tag", "--list", "--format=%(contents)", f"v{NEW}"
    )
    assert checkout.git("diff", "--numstat", "HEAD~").split("\n") == [
        "2\t0\tCHANGELOG.md",
        "1\t1\tsrc/inferq/__init__.py",
        "2\t2\tweb/package-lock.json",
        "1\t1\tweb/package.json",
    ]
    assert f'__version__ = "{NEW}"' in (checkout.root / "src/inferq/__init__.py").read_text()
    lock = json.loads((checkout.root / "web/package-lock.json").read_text())
    assert (lock["version"], lock["packages"][""]["version"]) == (NEW, NEW)
    changelog = (checkout.root / "CHANGELOG.md").read_text()
    assert re.search(r"## Unreleased\n\n## 7\.8\.9 - \d{4}-\d\d-\d\d\n\n### Added", changelog)
    assert checkout.release("notes", NEW).stdout == "### Added\n\n- Much.\n"
    assert checkout.release("notes", "7.8.8").returncode == 2
    again = checkout.release("7.9.0")
    assert (again.returncode, "Nothing stands under" in again.stderr) == (2, True)


def test_what_fails_leaves_no_trace(checkout: Checkout):
    before = checkout.git("rev-parse", "HEAD")
    done = checkout.release(NEW, FAILING="test")
    assert done.returncode == 1
    assert "`make test` failed" in done.stderr
    assert checkout.git("status", "--porcelain") == ""
    assert (checkout.git("rev-parse", "HEAD"), checkout.git("tag")) == (before, "")


def uncommitted(checkout: Checkout) -> None:
    (checkout.root / "new.py").write_text("")


def tagged(checkout: Checkout) -> None:
    checkout.git("tag", f"v{NEW}")


def newer(checkout: Checkout) -> None:
    checkout.git("tag", "v7.10.0")


def elsewhere(checkout: Checkout) -> None:
    checkout.git("switch", "--quiet", "--create", "idea")


@pytest.mark.parametrize(
    ("version", "spoil", "message"),
    [
        (NEW, uncommitted, "Something is not committed"),
        (NEW, tagged, "There is a tag v7.8.9 already"),
        (NEW, newer, "7.8.9 is older"),
        (NEW, elsewhere, "Releases are made on main, this is idea"),
        ("0.0.2", Checkout.commit, "0.0.2 is older"),
        ("7.8", Checkout.commit, "Name the version: make release VERSION=1.2.3"),
        ("", Checkout.commit, "Name the version"),
    ],
)
def test_it_refuses(checkout: Checkout, version: str, spoil, message: str):
    spoil(checkout)
    before = checkout.git("rev-parse", "HEAD")
    done = checkout.release(version)
    assert done.returncode == 2
    assert message in done.stderr
    assert checkout.git("rev-parse", "HEAD") == before
    assert not (checkout.root / ".asked").exists()
