"""Makes a release: version, changelog, every check, the files to publish, a commit and a tag. It pushes nothing.

Run by `make release VERSION=1.2.3`; `release.py notes 1.2.3` prints what the changelog says of a version. Exit
status: 0 done, 1 a check failed and everything is as it was, 2 refused before anything was changed.
"""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = ROOT / "src/inferq/__init__.py"
CHANGELOG = ROOT / "CHANGELOG.md"
PACKAGE = ROOT / "web/package.json"
LOCK = ROOT / "web/package-lock.json"

BRANCH = "main"
FORM = re.compile(r"(\d+)\.(\d+)\.(\d+)")
ASSIGNED = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
UNRELEASED = "## Unreleased"
STEPS = ("gen", "check", "test", "dist", "sbom")
"""What has to succeed, as targets of `make`: first what the version is written into, last what is published."""

FAILED, REFUSED = 1, 2
USAGE = "make release VERSION=1.2.3"


class RefusedError(Exception):
    """This release cannot be made; the message says why, and what to do."""


def main(arguments: list[str]) -> int:
    """Makes a release, or prints the notes of one."""
    try:
        if arguments[:1] == ["notes"]:
            print(notes(arguments[1]))
            return 0
        version = arguments[0] if arguments else ""
        require_releasable(version)
    except RefusedError as refused:
        print(refused, file=sys.stderr)
        return REFUSED
    if not prepared(version):
        return FAILED
    git("commit", "--quiet", "--all", "--message", f"Release {version}")
    git("tag", "--annotate", f"v{version}", "--cleanup=verbatim", "--message", notes(version))
    print(
        f"Released {version} into dist/. To publish it: git push --atomic origin {BRANCH} v{version}"
    )
    return 0


def prepared(version: str) -> bool:
    """Writes the version down and makes what is published; where that fails or is interrupted, all is as it was."""
    done = False
    try:
        write_version(version)
        for step in STEPS:
            if subprocess.run(["make", step], cwd=ROOT, check=False).returncode:
                print(f"`make {step}` failed; no release was made.", file=sys.stderr)
                return False
        done = True
    finally:
        if not done:
            git("checkout", "--quiet", "--", ".")
    return done


def require_releasable(version: str) -> None:
    """Looks at everything that can be wrong before it costs half an hour of tests.

    Raises:
        RefusedError: The version is none, not newer, or taken; the checkout is not what would be published; or there
            is nothing to release.
    """
    if not FORM.fullmatch(version):
        raise RefusedError(f"Name the version: {USAGE}")
    if git("status", "--porcelain"):
        raise RefusedError("Something is not committed: `git status` shows it.")
    branch = git("branch", "--show-current")
    if branch != BRANCH:
        raise RefusedError(f"Releases are made on {BRANCH}, this is {branch or 'no branch'}.")
    if git("tag", "--list", f"v{version}"):
        raise RefusedError(f"There is a tag v{version} already.")
    released = [
        numbers(tag[1:]) for tag in git("tag", "--list", "v*").split() if FORM.match(tag[1:])
    ]
    if any(numbers(version) < other for other in released) or numbers(version) < numbers(current()):
        raise RefusedError(f"{version} is older than what there is: {current()}.")
    if not section(UNRELEASED):
        raise RefusedError(f"Nothing stands under “{UNRELEASED}” in {CHANGELOG.name}.")


def write_version(version: str) -> None:
    """Puts the version where it stands by hand; `make gen` writes it into the rest."""
    VERSION.write_text(ASSIGNED.sub(f'__version__ = "{version}"', VERSION.read_text()))
    for path in (PACKAGE, LOCK):
        content = json.loads(path.read_text())
        content["version"] = version
        if path == LOCK:
            content["packages"][""]["version"] = version
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    heading = f"{UNRELEASED}\n\n## {version} - {datetime.now(UTC):%Y-%m-%d}"
    CHANGELOG.write_text(CHANGELOG.read_text().replace(UNRELEASED, heading, 1))


def notes(version: str) -> str:
    """What the changelog says of the version of this checkout.

    Raises:
        RefusedError: It is another version, or the changelog does not speak of it.
    """
    if version != current():
        raise RefusedError(f"This is {current()}, not {version}.")
    found = section(f"## {version} - ")
    if not found:
        raise RefusedError(f"{CHANGELOG.name} says nothing of {version}.")
    return found


def section(heading: str) -> str:
    """What stands in the changelog below the heading that begins like this."""
    text = re.search(
        rf"^{re.escape(heading)}[^\n]*\n(.*?)(?=^## |\Z)",
        CHANGELOG.read_text(),
        re.MULTILINE | re.DOTALL,
    )
    return text[1].strip() if text else ""


def current() -> str:
    """The version of this checkout."""
    assigned = ASSIGNED.search(VERSION.read_text())
    if assigned is None:
        raise RefusedError(f"{VERSION.name} assigns no __version__.")
    return assigned[1]


def numbers(version: str) -> tuple[int, ...]:
    """A version in a form that sorts."""
    return tuple(int(part) for part in version.split("."))


def git(*arguments: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
