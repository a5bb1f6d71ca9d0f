"""What `Client.map` keeps in memory while a hundred thousand inputs pass through it, in their order.

The server is the tests' pretended one in a process of its own: it answers at once, so that the client is what is measured.
Run: python benchmarks/client_map.py; it writes benchmarks/results/client-map.md.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from harness import RESULTS, machine

from inferq import Client

TESTS = Path(__file__).resolve().parents[1] / "tests"
MARKS = (1_000, 10_000, 100_000)


def serve(pipe: Connection) -> None:
    """Serves until it is ended; everything succeeds at once."""
    sys.path.insert(0, str(TESTS))
    from client.pretend import PretendServer  # noqa: PLC0415 - of the tests, found by the line above

    server = PretendServer()
    server.ends_at_once = True
    pipe.send(server.url)
    pipe.recv()


def resident_mib() -> float:
    """What this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def inputs(count: int) -> Iterator[bytes]:
    """Pictures, made as they are taken."""
    for number in range(count):
        yield number.to_bytes(4, "big") * 1_000


def measure() -> tuple[list[float], float]:
    """Memory after each mark (MiB), and inputs a second."""
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    found = []
    started = time.perf_counter()
    with Client(mine.recv()) as client:
        for number, _ in enumerate(client.map(inputs(MARKS[-1])), start=1):
            if number in MARKS:
                found.append(resident_mib())
    per_second = MARKS[-1] / (time.perf_counter() - started)
    mine.send("end")
    process.join()
    return found, per_second


def main() -> None:
    """Measures, prints, and writes the result."""
    lines = [
        "# What a map keeps in memory",
        "",
        f"{machine()}, shared by client and server. `Client.map` over {MARKS[-1]:,} inputs of 4 kB, 64 on their way at a"
        " time; the client's resident memory (MiB) after so many results. `make bench-client-map` runs it again.",
        "",
        "| results | " + " | ".join(f"{mark:,}" for mark in MARKS) + " | inputs a second |",
        "|---|" + "---|" * (len(MARKS) + 1),
    ]
    found, per_second = measure()
    cells = " | ".join(f"{mib:.1f}" for mib in found)
    lines.append(f"| in order | {cells} | {per_second:,.0f} |")
    print(lines[-1], flush=True)
    (RESULTS / "client-map.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
