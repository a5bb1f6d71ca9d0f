"""What it costs to write one photograph and read it back, by protocol, in turns; servers are processes beside this one.

Writes benchmarks/results/storages.md. Run: make bench-storages
"""

import hashlib
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import s3fs
from harness import RESULTS, machine

from inferq.predictions.record import new_task_id
from inferq.settings import Settings
from inferq.storage import Access, Storage
from inferq.telemetry import configure_logging

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from photos import jpeg
from storage.servers import KEY, SECRET, WebHdfsServer, s3_server

ROUNDS = 40
TURNS = 10


@dataclass
class Way:
    """One protocol, and what its turns took: milliseconds of each round."""

    name: str
    storage: Storage
    write: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def serve_webhdfs(ready: Connection) -> None:
    """Serves until the process is ended."""
    server = WebHdfsServer()
    ready.send(server.port)
    ready.recv()


@contextmanager
def webhdfs_server() -> Iterator[int]:
    """A WebHDFS server in a process of its own; yields its port."""
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve_webhdfs, args=(theirs,), daemon=True)
    process.start()
    yield mine.recv()
    process.terminate()
    process.join()


def main() -> None:
    """Measures and writes the page."""
    configure_logging(Settings(log_level="error"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, port = stack.enter_context(s3_server()), stack.enter_context(webhdfs_server())
        keys = {"key": KEY, "secret": SECRET}
        s3fs.S3FileSystem(endpoint_url=url, **keys).mkdir("bench")
        ways = [
            Way("`file://`", Storage((folder / "a").as_uri())),
            Way("`file://` with fsync", Storage((folder / "b").as_uri(), Access(fsync=True))),
            Way("`s3://`", Storage("s3://bench/x", Access(endpoint=url, **keys))),
            Way("`webhdfs://`", Storage(f"webhdfs://127.0.0.1:{port}/x", Access(key="bench"))),
        ]
        photo = jpeg("chelsea")
        for way in ways:
            way.storage.prove()
        for number in range(ROUNDS + 1):
            for way in ways if number % 2 else reversed(ways):
                _measure(way, photo, counts=number > 0)
    _write(ways, len(photo))


def _measure(way: Way, photo: bytes, *, counts: bool) -> None:
    sha256 = hashlib.sha256(photo).hexdigest()
    keys = [Storage.key(new_task_id()) for _ in range(TURNS)]
    cpu, started = time.process_time(), time.perf_counter()
    for key in keys:
        way.storage.write(key, photo)
    written = time.perf_counter()
    for key in keys:
        way.storage.read(key, sha256=sha256)
    ended = time.perf_counter()
    if counts:
        way.write.append(1e3 * (written - started) / TURNS)
        way.read.append(1e3 * (ended - written) / TURNS)
        way.cpu.append(1e3 * (time.process_time() - cpu) / TURNS)


def _write(ways: list[Way], size: int) -> None:
    rows = "\n".join(
        f"| {way.name} | {statistics.median(way.write):.2f} | {statistics.median(way.read):.2f}"
        f" | {statistics.median(way.cpu):.2f} |"
        for way in ways
    )
    (RESULTS / "storages.md").write_text(
        f"""# What storages cost

Measured by `make bench-storages` on {machine()}. A photograph of {size / 1000:.0f} KB is written and read back, with its
checksum looked at, {ROUNDS} rounds of {TURNS} in turns. The servers are those of the tests (moto; a WebHDFS of ours), in
processes of their own on the same machine: their time is in the first two columns, and is not what a real one takes.
*CPU* is this process's alone, for both together: what a submit in the API and a read in a worker cost beside the server.

| | write, ms | read, ms | CPU, ms |
|---|---|---|---|
{rows}

Medians of the rounds. An S3 storage takes one request each way, a WebHDFS one three to write (two-step create, rename)
and two to read.
"""
    )


if __name__ == "__main__":
    main()
