"""Whose CPU and memory `make bench` counts, on processes of our own. Linux only."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from system.served import eventually

if not Path("/proc/self/smaps_rollup").exists():
    pytest.skip("there is no /proc as of Linux", allow_module_level=True)

FILE = Path(__file__).parents[2] / "benchmarks/peers/processes.py"
SPEC = spec_from_file_location("bench_processes", FILE)
assert SPEC
assert SPEC.loader
processes = module_from_spec(SPEC)
sys.modules[SPEC.name] = processes
SPEC.loader.exec_module(processes)

BUSY = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\ntime.sleep(60)"
# Two ticks more than is asked for: the kernel rounds user and system time down to 10 ms each.
PARENT = f"""
import subprocess, sys
marked = subprocess.Popen([sys.executable, "-c", {BUSY.format(0.42)!r}, "one"], start_new_session=True)
subprocess.Popen([sys.executable, "-c", {BUSY.format(0.12)!r}, "two"], env={{}})  # as Redis, which writes over its own
marked.wait()
"""


@pytest.fixture
def mark() -> Iterator[str]:
    mark = secrets.token_hex(8)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], env=os.environ | {processes.MARK: mark}
    )
    yield mark
    parent.kill()
    processes.end_all(mark)
    parent.wait()


def used(mark: str) -> dict[str, float]:
    return processes.cpu_ms([], processes.marked(mark), {" one": "one", " two": "two"})


def test_all_that_a_contender_starts_is_counted_and_ended(mark: str):
    eventually(lambda: used(mark).get("one", 0) >= 400 and used(mark).get("two", 0) >= 100)
    found = processes.marked(mark)
    assert len(found) == 3
    assert "one" in next(p.command for p in found if p.pid == processes.busiest([], found))
    assert 5e6 < processes.memory_bytes(found) < 500e6
    processes.end_all(mark)
    time.sleep(0.1)
    assert not [p for p in found if Path(f"/proc/{p.pid}").exists() and p.seconds and alive(p.pid)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
