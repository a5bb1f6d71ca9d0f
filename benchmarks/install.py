"""How long a newcomer waits: from `pip install` of the wheel in an empty environment to the first boxes.

Run after `make dist`: python benchmarks/install.py; it writes benchmarks/results/install.md. pip and uv download
everything anew, from whatever index they are configured for.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness import RESULTS, load, machine

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
UV = Path(sys.executable).parent / "uv"
PARTS = {
    "inferq/models/zoo/": "the bundled model",
    "inferq/render/fonts/": "fonts for labels",
    "inferq/web_dist/": "the web page",
    "inferq/": "code",
}


def built() -> Path:
    """The wheel of `make dist`."""
    (wheel,) = (ROOT / "dist").glob("inferq-*.whl")
    return wheel


def contents(wheel: Path) -> list[str]:
    """Rows of a table: what takes how much of the wheel."""
    sizes: Counter[str] = Counter()
    files: Counter[str] = Counter()
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = entry.filename
            part = next(
                (PARTS[start] for start in PARTS if name.startswith(start)), "metadata and licences"
            )
            sizes[part] += entry.compress_size
            files[part] += 1
    return [f"| {part} | {files[part]} | {size / 1e6:.2f} |" for part, size in sizes.most_common()]


class Newcomer:
    """An empty folder, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}
        # Whatever else is installed here is none of theirs, and nothing is cached.
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("INFERQ_")
        } | {
            "PATH": "/usr/bin:/bin",
            "UV_CACHE_DIR": str(folder / "uv"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }

    def does(self, what: str, command: Sequence[str | Path]) -> str:
        """Runs one command, and notes how long it took."""
        with self._clock(what):
            done = subprocess.run(
                command, cwd=self.folder, env=self.environment, check=True, stdout=subprocess.PIPE
            )
        return done.stdout.decode()

    def serves(self, what: str, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        """Starts a server, and notes how long it took until it said that it is ready."""
        log = self.folder / "server.log"
        with self._clock(what):
            with log.open("w") as output:
                server = subprocess.Popen(
                    command, cwd=self.folder, env=self.environment, stdout=output, stderr=output
                )
            while "inferq is ready" not in log.read_text():
                if server.poll() is not None:
                    raise RuntimeError(log.read_text())
                time.sleep(0.02)
        return server

    @contextmanager
    def _clock(self, what: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[what] = time.perf_counter() - started
        print(f"{what}: {self.seconds[what]:.1f} s", flush=True)

    def rows(self) -> list[str]:
        """Rows of a table, with their sum."""
        steps = [f"| {what} | {seconds:.1f} |" for what, seconds in self.seconds.items()]
        return [*steps, f"| **together** | **{sum(self.seconds.values()):.1f}** |"]


def require_cat(line: str) -> None:
    """Looks whether boxes are there at all."""
    (found,) = json.loads(line)["result"]["detections"]
    if found["label"] != "cat":
        raise RuntimeError(f"no cat was found: {found}")


def by_pip(wheel: Path, photo: Path, folder: Path) -> list[str]:
    """pip in an empty virtual environment, up, predict."""
    newcomer = Newcomer(folder)
    programs = folder / "venv/bin"
    newcomer.does("`python -m venv`", [sys.executable, "-m", "venv", folder / "venv"])
    install = [programs / "python", "-m", "pip", "install", "--quiet", "--no-cache-dir", wheel]
    newcomer.does("`pip install` of the wheel, nothing cached", install)
    options = ["up", "--port", "8765", "--data-dir", folder / "data"]
    server = newcomer.serves("`inferq up`, until it is ready", [programs / "inferq", *options])
    try:
        predict = [programs / "inferq", "predict", "--format", "jsonl", photo]
        require_cat(newcomer.does("`inferq predict photo.jpg`, until boxes are there", predict))
    finally:
        server.terminate()
        server.wait()
    return newcomer.rows()


def by_uvx(wheel: Path, photo: Path, folder: Path) -> list[str]:
    """uvx alone, which installs what it runs."""
    newcomer = Newcomer(folder)
    uvx = [UV, "tool", "run", "--quiet", "--python", sys.executable, "--from", wheel, "inferq"]
    options = ["up", "--port", "8766", "--data-dir", folder / "data"]
    server = newcomer.serves(
        "`uvx --from … inferq up`, nothing cached, until it is ready", [*uvx, *options]
    )
    try:
        predict = [*uvx, "predict", "--format", "jsonl", photo]
        require_cat(newcomer.does("`uvx --from … inferq predict photo.jpg`", predict))
    finally:
        server.terminate()
        server.wait()
    return newcomer.rows()


def main() -> None:
    """Measures, prints, and writes the result."""
    sys.path.insert(0, str(TESTS))
    from photos import jpeg  # noqa: PLC0415 - of the tests, found by the line above

    wheel = built()
    lines = [
        "# From `pip install` to the first boxes",
        "",
        f"{machine()}, {load()}. The wheel of `make dist`, outside any checkout, without Node; what it depends on comes from"
        " a package index near by. `make bench-install` runs it again.",
        "",
        f"`{wheel.name}`, {wheel.stat().st_size / 1e6:.1f} MB:",
        "",
        "| what | files | MB |",
        "|---|---|---|",
        *contents(wheel),
    ]
    for name, measure in (("pip", by_pip), ("uvx", by_uvx)):
        folder = Path(tempfile.mkdtemp(prefix="inferq-bench-"))
        photo = folder / "photo.jpg"
        photo.write_bytes(jpeg("chelsea"))
        rows = measure(wheel, photo, folder)
        shutil.rmtree(folder)
        lines += ["", f"| {name} | seconds |", "|---|---|", *rows]
    (RESULTS / "install.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
