"""inferq and what a user might pick instead, under one load on one machine: `make bench`.

Each contender runs the same model on the same photographs and has to find the same. In each round every one of them is
started, driven and ended in turn. Writes benchmarks/results/peers.json and peers.md, and the plots in docs/images.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import processes
from calls import ACCEPTED_THEN
from contenders import CONTENDERS, Contender
from site_ import HERE, Site

sys.path.insert(0, str(HERE.parent))
import page
from harness import RESULTS, load, machine

from inferq.load import run
from inferq.load.figures import Figures
from inferq.load.phases import REFUSED, Phase, closed_loop, open_loop
from photos import PHOTOS, jpeg

CLIENTS = (1, 8, 32, 128)
RATES = (20.0, 50.0)
START_SECONDS = 180
KILL_CLIENTS = 32
GIVE_UP_SECONDS = 20.0
SCORE, PIXELS = 0.001, 1.0
"""How far a contender's detections may be from the bare loop's."""
PLOTS = HERE / ".venvs" / "plots" / "bin" / "python"
IMAGES = HERE.parents[1] / "docs" / "images"


class Bare:
    """The bare loop, in a process of its own."""

    def __init__(self, photos: Path) -> None:
        """Starts it, and waits until its model is warm."""
        self._process = subprocess.Popen(
            [sys.executable, HERE / "bare.py", photos],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(HERE.parents[1] / "src")},
        )
        self.detections: list[list[dict[str, Any]]] = self._read()

    def run(self, seconds: float) -> dict[str, float]:
        """Photographs a second, and CPU milliseconds of each."""
        print(seconds, file=self._process.stdin, flush=True)
        measured: dict[str, float] = self._read()
        return measured

    def end(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()

    def _read(self) -> Any:
        line = next(iter(self._process.stdout or ()), "")
        return json.loads(line)


class Round:
    """One contender in one round."""

    def __init__(self, name: str, photos: Sequence[bytes], wanted: Sequence[Any]) -> None:
        self._name = name
        self._contender: Contender = CONTENDERS[name]
        self._photos, self._wanted = photos, wanted
        self.phases: list[dict[str, Any]] = []
        self.kill: dict[str, Any] | None = None
        self.start_seconds = 0.0

    def measure(self, plan: argparse.Namespace, *, kill: bool) -> dict[str, Any]:
        """Starts it, measures, and ends it."""
        began = time.perf_counter()
        with Site(self._contender) as site:
            run(self._until_ready(site))
            self.start_seconds = time.perf_counter() - began
            run(self._drive(site, plan))
            if kill:
                run(self._kill(site, plan.give_up))
        return {
            "name": self._name,
            "start_seconds": self.start_seconds,
            "phases": self.phases,
            "kill": self.kill,
        }

    async def _until_ready(self, site: Site) -> None:
        """Waits until it answers, and holds what it finds against the bare loop's."""
        deadline = time.monotonic() + START_SECONDS
        last: Exception | None = None
        while True:
            if not site.alive() or time.monotonic() > deadline:
                told = f"{self._name} did not start:\n{site.output[-4000:]}"
                raise RuntimeError(told) from last
            try:
                async with self._contender.call(site, self._photos) as caller:
                    found = [await caller.detections(n) for n in range(len(self._photos))]
                break
            except Exception as error:  # noqa: BLE001 - whatever a server does that is not ready yet
                last = error
                await asyncio.sleep(0.2)
        for ours, theirs in zip(self._wanted, found, strict=True):
            check_agreement(self._name, ours, theirs)

    async def _drive(self, site: Site, plan: argparse.Namespace) -> None:
        seconds = max(plan.seconds, self._contender.least_seconds)
        warm_up = min(1.0, seconds / 4)
        # Every process of it has to have its model, and pages, before anything counts.
        async with self._contender.call(site, self._photos) as caller:
            await closed_loop(caller, clients=8, seconds=1.0)
            for clients in plan.clients:
                await self._phase(
                    site,
                    lambda n=clients: closed_loop(
                        caller, clients=n, seconds=seconds, warm_up=warm_up
                    ),
                )
        later = self._contender.later or self._contender.call
        async with later(site, self._photos) as caller:
            for rate in plan.rates:
                await self._phase(
                    site, lambda r=rate: open_loop(caller, rate=r, seconds=seconds, warm_up=warm_up)
                )

    async def _phase(self, site: Site, drive: Callable[[], Awaitable[Phase]]) -> None:
        before = site.processes()
        phase = await drive()
        after = site.processes()
        succeeded = max(1, sum(sample.told is not None for sample in phase.samples))
        spent = processes.cpu_ms(before, after, self._contender.parts)
        measured = asdict(Figures.of(phase)) | {
            "cpu_ms": {name: ms / succeeded for name, ms in spent.items()},
            "memory_bytes": processes.memory_bytes(after),
        }
        self.phases.append(measured)
        print(
            f"  {phase.name} {phase.value:g}: {measured['per_second']:.1f}/s,"
            f" CPU {sum(measured['cpu_ms'].values()):.1f} ms, failed {measured['failed'] or 0}",
            flush=True,
        )

    async def _kill(self, site: Site, give_up: float) -> None:
        """Kills its processes under load, one after the other, and counts what became of the requests."""
        later = self._contender.later or self._contender.call
        each = max(4.0, self._contender.least_seconds)
        async with later(site, self._photos) as caller:
            driving = asyncio.create_task(
                closed_loop(
                    caller,
                    clients=KILL_CLIENTS,
                    seconds=each * len(self._contender.victims) + 2,
                    give_up=give_up + self._contender.least_seconds,
                )
            )
            killing = asyncio.create_task(self._kill_each(site, each))
            while not driving.done():
                await asyncio.to_thread(site.tend)
                await asyncio.sleep(0.2)
            phase, killed = await driving, await killing
        self.kill = _became(phase, killed)
        print(f"  kill: {self.kill}", flush=True)

    async def _kill_each(self, site: Site, seconds: float) -> list[str]:
        killed = []
        for word in self._contender.victims:
            before = site.processes()
            await asyncio.sleep(seconds / 2)
            after = site.processes()
            pid = (
                next(process.pid for process in after if word in process.command)
                if word
                else processes.busiest(before, after)
            )
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            command = next(process.command for process in after if process.pid == pid)
            killed.append(" ".join(Path(part).name for part in command.split()))
            await asyncio.sleep(seconds / 2)
        return killed


def check_agreement(name: str, ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    """Raises where a contender does not find what the bare loop finds."""
    same = len(ours) == len(theirs) and all(
        a["label"] == b["label"]
        and abs(a["score"] - b["score"]) <= SCORE
        and all(abs(a["box"][edge] - b["box"][edge]) <= PIXELS for edge in a["box"])
        for a, b in zip(ours, theirs, strict=True)
    )
    if not same:
        raise RuntimeError(f"{name} finds {theirs} where the bare loop finds {ours}")


def _became(phase: Phase, killed: Sequence[str]) -> dict[str, Any]:
    """What became of the requests of a phase in which processes were killed."""
    errors = Counter(sample.error for sample in phase.samples if sample.error)
    turned_away = errors.pop(REFUSED, 0)
    lost = sum(
        count
        for error, count in errors.items()
        if error.startswith((ACCEPTED_THEN, "no end", "event stream"))
    )
    return {
        "killed": list(killed),
        "sent": len(phase.samples) - turned_away,
        "results": sum(sample.told is not None for sample in phase.samples),
        "broken_off": sum(errors.values()) - lost,
        "turned_away": turned_away,
        "no_end": lost,
        "errors": dict(errors),
        "longest_ms": max((s.ended - s.due) * 1e3 for s in phase.samples if s.told),
    }


def main() -> None:
    """Measures, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each phase")
    parser.add_argument("--clients", type=int, nargs="*", default=CLIENTS)
    parser.add_argument("--rates", type=float, nargs="*", default=RATES)
    parser.add_argument("--only", nargs="*", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--no-kill", action="store_true")
    parser.add_argument(
        "--give-up",
        type=float,
        default=GIVE_UP_SECONDS,
        help="seconds to wait for an end after a kill",
    )
    parser.add_argument("--results", type=Path, default=RESULTS / "peers.json")
    plan = parser.parse_args()
    found: dict[str, Any] = {"machine": machine(), "load": load(), "rounds": [], "bare": []}
    found["busy"] = os.getloadavg()[0] > len(os.sched_getaffinity(0))
    found["plan"] = {"rounds": plan.rounds, "seconds": plan.seconds, "give_up": plan.give_up}
    photos = [jpeg(name) for name in PHOTOS]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="inferq-bench-") as folder, ExitStack() as stack:
        for number, photo in enumerate(photos):
            Path(folder, f"{number}.jpg").write_bytes(photo)
        bare = Bare(Path(folder))
        stack.callback(bare.end)
        for number in range(plan.rounds):
            found["bare"].append(bare.run(2 * plan.seconds))
            print(f"round {number + 1}, {time.monotonic() - began:.0f} s: {found['bare'][-1]}")
            for name in plan.only:
                needs = CONTENDERS[name].needs
                if needs is not None and not needs.exists():
                    print(f"{name}: left out, its environment is missing (make bench-setup)")
                    continue
                print(f"{name}, {time.monotonic() - began:.0f} s", flush=True)
                last = number == plan.rounds - 1 and not plan.no_kill
                one = Round(name, photos, bare.detections)
                found["rounds"].append({"round": number, **one.measure(plan, kill=last)})
    plan.results.write_text(json.dumps(found, indent=1) + "\n")
    plan.results.with_suffix(".md").write_text(page.page(found, CONTENDERS))
    if PLOTS.exists() and plan.results.parent == RESULTS:
        subprocess.run([PLOTS, HERE / "plots.py", plan.results, IMAGES], check=True)
    print(f"{time.monotonic() - began:.0f} s; {plan.results.with_suffix('.md')}")


if __name__ == "__main__":
    main()
