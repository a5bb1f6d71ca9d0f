"""The processes of a contender, however it starts them: each carries a mark in its environment. Linux only."""

import os
import signal
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "INFERQ_BENCH_PEER"
TICK = os.sysconf("SC_CLK_TCK")
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
RUNTIME = "onnxruntime"


@dataclass(frozen=True, slots=True)
class Process:
    """One of them, and the CPU seconds that it has used so far."""

    pid: int
    parent: int
    command: str
    seconds: float


def marked(mark: str, roots: Collection[int] = ()) -> list[Process]:
    """All living processes that carry a mark, those of some ids, and all that either has started.

    Redis and Valkey write their titles over their environment.
    """
    wanted = f"{MARK}={mark}".encode()
    everything = {process.pid: process for process in _all()}
    found = {pid for pid in everything if pid in roots or wanted in _environment(pid)}
    while more := {p.pid for p in everything.values() if p.parent in found} - found:
        found |= more
    return [everything[pid] for pid in found]


def cpu_ms(
    before: list[Process], after: list[Process], names: Mapping[str, str]
) -> dict[str, float]:
    """CPU milliseconds between two looks, by the name of the first word that a command line holds.

    A process without such a word is `model` if ONNX Runtime is loaded in it and it was busy, else `rest`.
    """
    used = {process.pid: process.seconds for process in before}
    spent: defaultdict[str, float] = defaultdict(float)
    for process in after:
        ms = (process.seconds - used.get(process.pid, 0.0)) * 1e3
        name = next((name for word, name in names.items() if word in process.command), None)
        spent[name or ("model" if _runs_the_model(process.pid) else "rest")] += ms
    return dict(spent)


def memory_bytes(processes: list[Process]) -> int:
    """What they take of the memory together (PSS: what several share is counted once)."""
    total = 0
    for process in processes:
        with suppress(*GONE):
            for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def busiest(before: list[Process], after: list[Process]) -> int:
    """The process that has used most CPU between two looks: whatever runs the model."""
    used = {process.pid: process.seconds for process in before}
    return max(after, key=lambda process: process.seconds - used.get(process.pid, 0.0)).pid


def end_all(mark: str, seconds: float = 5.0) -> None:
    """Ends all that carry a mark, at last by SIGKILL."""
    deadline = time.monotonic() + seconds
    number = signal.SIGTERM
    while left := marked(mark):
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)
        time.sleep(0.3)
        if time.monotonic() > deadline:
            number = signal.SIGKILL


def _all() -> Iterator[Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(*GONE):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if fields[0] == "Z" or int(folder.name) == os.getpid():
                continue
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            seconds = (int(fields[11]) + int(fields[12])) / TICK
            yield Process(int(folder.name), int(fields[1]), command, seconds)


def _environment(pid: int) -> bytes:
    with suppress(*GONE):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def _runs_the_model(pid: int) -> bool:
    with suppress(*GONE):
        return RUNTIME in Path(f"/proc/{pid}/maps").read_text()
    return False
