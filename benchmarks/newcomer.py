"""Times a newcomer's way by the README's commands: from a fresh clone to the first prediction, and to a model of one's own.

The clone is made of this checkout's last commit; packages and Node come from where this machine has them (caches, index), which
the page says. It needs a free port 8000, for that is the README's.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import RESULTS, load, machine
from skimage import data, io

ROOT = Path(__file__).parents[1]
RESULT = RESULTS / "newcomer.md"
PORT = 8000
SECONDS = 900


def main() -> None:
    if _listens():
        sys.exit(f"port {PORT} is taken, and the README's commands are for that one")
    conditions = f"{machine()}, {load()}"
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        steps = [*walk(Path(folder) / "inferq")]
    RESULT.write_text(page(steps, conditions))
    print(RESULT.read_text())


def walk(clone: Path) -> Iterator[tuple[str, float]]:
    """Each step of the way, and the seconds it took."""
    began = time.monotonic()

    def lap(what: str) -> tuple[str, float]:
        nonlocal began
        seconds, began = time.monotonic() - began, time.monotonic()
        return what, seconds

    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    yield lap("`git clone`")
    io.imsave(clone / "photo.jpg", data.chelsea(), check_contrast=False)
    run, curls = blocks(clone / "README.md", "make run", "KEY=")
    with up(clone, command(run, "make run")):
        yield lap(
            "`make run`, until it serves: virtual environment, packages, Node packages, page, start"
        )
        require(prediction(clone, curls), label="cat")
        yield lap("the README's two curl commands: the first prediction")
    new, serve, ask = blocks(clone / "docs/own-code.md", *["inferq models new"] * 3)
    shell(clone, command(new, "inferq models new"))
    yield lap(f"`{command(new, 'inferq models new')}`")
    with up(clone, command(serve, "inferq up")):
        yield lap(f"`{command(serve, 'inferq up')}`, until it serves")
        require(json.loads(shell(clone, command(ask, "curl"))), label="dark")
        yield lap("the page's curl command: a prediction of one's own code")


def require(prediction: dict, *, label: str) -> None:
    """Ends everything where a prediction is not what it should be."""
    result = prediction["result"] or {}
    found = [each["label"] for each in result.get("detections") or result.get("classes") or ()]
    if label not in found:
        sys.exit(f"{label} is not in {prediction}")


def blocks(page: Path, *begins: str) -> list[str]:
    """The blocks of shell code on a page that begin with these words."""
    found = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [next(block for block in found if block.startswith(begin)) for begin in begins]


def command(block: str, begin: str) -> str:
    """The first command of a block that begins so, without what is said of it."""
    line = next(line for line in block.splitlines() if line.startswith(begin))
    return line.partition("  #")[0].strip()


def prediction(clone: Path, block: str) -> dict:
    """What the README's two curl commands tell in the end; the first one's id goes where the README says TASK_ID."""
    key, submit, wait = (line for line in block.splitlines() if line and not line.startswith("#"))
    accepted = json.loads(shell(clone, f"{key}\n{submit}"))
    return json.loads(shell(clone, f"{key}\n{wait.replace('TASK_ID', accepted['task_id'])}"))


def shell(clone: Path, line: str) -> str:
    """Runs a line in the clone, with its commands at hand."""
    path = f"{clone / '.venv/bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"curl() {{ command curl -sS \"$@\"; }}\n{line}"],
        cwd=clone, env=os.environ | {"PATH": path}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


@contextmanager
def up(clone: Path, line: str) -> Iterator[None]:
    """A command that serves until it is ended; goes on once it does."""
    path = f"{clone / '.venv/bin'}:{os.environ['PATH']}"
    log = clone.parent / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=clone, env=os.environ | {"PATH": path},
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        end = time.monotonic() + SECONDS
        while "inferq is ready" not in log.read_text():
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{line} did not serve:\n{log.read_text()}")
            time.sleep(0.05)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _listens() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def page(steps: list[tuple[str, float]], conditions: str) -> str:
    """The result page."""
    rows = "\n".join(f"| {what} | {seconds:.1f} |" for what, seconds in steps)
    first = sum(seconds for _, seconds in steps[:3])
    whole = sum(seconds for _, seconds in steps)
    return f"""\
# A newcomer's way

{conditions}. The commands of README and
[own code](../../docs/own-code.md), in a fresh clone; packages come from this machine's caches where it has them, else from the index.
`make bench-newcomer` runs it again.

| step | seconds |
|---|---|
{rows}

From clone to first prediction: **{first:.0f} s**. From clone to a model of one's own that is served: **{whole:.0f} s**.
"""


if __name__ == "__main__":
    main()
