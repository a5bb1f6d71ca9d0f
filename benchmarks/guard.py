"""Whether a prediction costs more than it did a commit ago: CPU of this checkout against another, in turns.

Both run on one machine at one time, with the libraries that are installed here; each round measures one and the other
under the same load, and the ratios of the rounds are judged by their median, so that other work on the machine hits both.
Run: make bench-guard; `ARGS="--against COMMIT --rounds 9"` compares otherwise. Exit status 1: 10 % more. Linux only.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import processes

from inferq.load import run
from inferq.load.deployment import Deployment, Payload
from inferq.load.phases import Phase, closed_loop
from photos import PHOTOS, jpeg
from system.served import Served

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1.10
CLIENTS = 16
HOT = ("inferq worker", "inferq api", "valkey-server")


class Side:
    """One checkout's `inferq up`."""

    def __init__(self, folder: Path, source: Path, mark: str) -> None:
        environment = {"PYTHONPATH": str(source), processes.MARK: mark}
        self.mark = mark
        self.served = Served(folder, environment=environment).ready()

    def cpu_ms(self, seconds: float) -> tuple[float, dict[str, float]]:
        """CPU milliseconds a prediction of what is on its way: all, and by process."""
        names = {word: word for word in HOT}
        before = self._processes()
        phase = run(self._load(seconds))
        spent = processes.cpu_ms(before, self._processes(), names)
        done = sum(sample.told is not None for sample in phase.samples)
        if done < len(phase.samples):
            raise RuntimeError("a prediction failed, so that its cost says nothing")
        costs = {name: spent[name] / done for name in HOT}
        return sum(costs.values()), costs

    def _processes(self) -> list[processes.Process]:
        return processes.marked(self.mark, [self.served.process.pid])

    async def _load(self, seconds: float) -> Phase:
        photos = [Payload(jpeg(name), "image/jpeg", "a.jpg") for name in PHOTOS]
        async with Deployment(self.served.url, self.served.key, photos, wait=True) as deployment:
            return await closed_loop(deployment, clients=CLIENTS, seconds=seconds)


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """A working tree of a commit; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="inferq-guard-") as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", tree, commit], check=True)
        try:
            # The page is built, not committed; what it looks like costs a prediction nothing.
            (tree / "src/inferq/web_dist").symlink_to(ROOT / "src/inferq/web_dist")
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", tree], check=True)


def main() -> None:
    """Measures, prints, and exits with 1 where it costs more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", default="HEAD~1", help="a commit")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="inferq-guard-")))
        trees = [ROOT, stack.enter_context(checkout(given.against))]
        sides = []
        for name, tree in zip(("new", "old"), trees, strict=True):
            sides.append(Side(folder / name, tree / "src", f"guard-{name}-{os.getpid()}"))
            stack.callback(sides[-1].served.stop)
        for side in sides:
            side.cpu_ms(2.0)  # what is loaded by the first predictions is no part of the comparison
        ratios = []
        for number in range(given.rounds):
            order = sides if number % 2 else sides[::-1]
            measured = {id(side): side.cpu_ms(given.seconds) for side in order}
            (new, parts), (old, parts_before) = (measured[id(side)] for side in sides)
            ratios.append(new / old)
            shown = ", ".join(
                f"{name} {parts[name]:.2f} / {parts_before[name]:.2f}" for name in HOT
            )
            print(
                f"{new:.2f} / {old:.2f} ms a prediction = {ratios[-1]:.3f}  ({shown})", flush=True
            )
    ratio = statistics.median(ratios)
    print(f"median {ratio:.3f} ({min(ratios):.3f}-{max(ratios):.3f}); at most {LIMIT:.2f}")
    sys.exit(ratio > LIMIT)


if __name__ == "__main__":
    main()
