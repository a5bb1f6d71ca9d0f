"""From a finished record to the event at a listener, with one to a thousand listeners on one API process.

The driver finishes predictions in a process of its own, as a worker would; listeners are sockets of this process; both
read the machine's one monotonic clock. Run: python benchmarks/push.py; it writes benchmarks/results/push.md.
"""

import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.connection import Connection

from harness import DONE, RESULTS, ann, draft, machine, serving, valkey

from inferq.predictions.record import Attempt
from inferq.predictions.store import PredictionStore
from inferq.state import connect

LISTENERS = (1, 100, 1000)
FINISHES, PER_SECOND = 300, 60
TO_ALL_FINISHES, TO_ALL_PER_SECOND = 25, 5
BYTES_AT_ONCE = 2**20


def finish_all(url: str, task_ids: Sequence[str], per_second: float, pipe: Connection) -> None:
    """Finishes predictions at an even pace; sends when each was finished."""
    store = PredictionStore(connect(url))
    attempts = [Attempt.new(task_id, "w") for task_id in task_ids]
    for attempt in attempts:
        store.claim(attempt, max_attempts=3)
    pipe.send("ready")
    pipe.recv()
    finished = {}
    begin = time.monotonic()
    for number, attempt in enumerate(attempts):
        time.sleep(max(0.0, begin + number / per_second - time.monotonic()))
        store.finish(attempt, DONE, retention=timedelta(hours=1))
        finished[attempt.task_id] = time.monotonic()
    pipe.send(finished)


class Listener:
    """One open event stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.heard: dict[str, float] = {}

    @classmethod
    async def open(cls, port: int, path: str, key: str) -> "Listener":
        """Connects, and waits for the first event."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=BYTES_AT_ONCE)
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}"
        writer.write(f"{head}\r\n\r\n".encode())
        listener = cls(reader, writer)
        while not (await reader.readline()).startswith(b"data: "):
            pass
        return listener

    async def listen(self) -> None:
        """Notes when each success is heard of, until it is cancelled or the stream ends."""
        succeeded = False
        while line := await self._reader.readline():
            if line == b"event: succeeded\n":
                succeeded = True
            elif succeeded and line.startswith(b"data: "):
                now = time.monotonic()
                self.heard[json.loads(line[6:])["task_id"]] = now
                succeeded = False

    def close(self) -> None:
        """Closes the connection."""
        self._writer.close()


async def measure(url: str, port: int, count: int, *, everyone: bool) -> tuple[list[float], int]:
    """Milliseconds of each event, and how many events there should have been."""
    client = connect(url)
    user, key = ann(client)
    store = PredictionStore(client)
    finishes, per_second = (
        (TO_ALL_FINISHES, TO_ALL_PER_SECOND) if everyone else (FINISHES, PER_SECOND)
    )
    drafts = [draft(user.user_id) for _ in range(finishes if everyone else max(count, finishes))]
    for made in drafts:
        store.accept(made)
    ids = [made.task_id for made in drafts]
    paths = (
        ["/api/v1/events"] * count
        if everyone
        else [f"/api/v1/predictions/{task_id}/events" for task_id in ids[:count]]
    )
    listeners = [await Listener.open(port, path, key) for path in paths]
    tasks = [asyncio.create_task(listener.listen()) for listener in listeners]
    targets = ids[:finishes] if everyone else ids[: min(count, finishes)]
    mine, theirs = multiprocessing.Pipe()
    driver = multiprocessing.get_context("spawn").Process(
        target=finish_all, args=(url, targets, per_second, theirs)
    )
    driver.start()
    await asyncio.to_thread(mine.recv)
    await asyncio.sleep(1)
    mine.send("go")
    finished = await asyncio.to_thread(mine.recv)
    await asyncio.sleep(2)
    driver.join()
    for task in tasks:
        task.cancel()
    for listener in listeners:
        listener.close()
    for task_id in ids:
        store.delete(task_id)
    waits = [
        (at - finished[task_id]) * 1e3
        for listener in listeners
        for task_id, at in listener.heard.items()
        if task_id in finished
    ]
    return waits, len(targets) * (count if everyone else 1)


def row(name: str, waits: Sequence[float], expected: int) -> str:
    """A line of the table."""
    ordered = sorted(waits)
    p50, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    return (
        f"| {name} | {len(ordered):,} of {expected:,} | {p50:.1f} | {p99:.1f} | {ordered[-1]:.1f} |"
    )


def main() -> None:
    """Measures, prints, and writes the result."""
    lines = [
        "# From a finished record to a listener",
        "",
        f"{machine()}, which API, Valkey, driver and all listeners share; one API process.",
        f"To one of its own: {FINISHES} predictions (or as many as there are listeners) finish, {PER_SECOND} a second,"
        " while all others wait and are told their places. To all: every listener hears of each of"
        f" {TO_ALL_FINISHES} predictions, which finish {TO_ALL_PER_SECOND} a second. Milliseconds from the moment at"
        " which `finish` has returned. `make bench-push` runs it again.",
        "",
        "| listeners | events heard | p50 | p99 | most |",
        "|---|---|---|---|---|",
    ]
    with valkey() as server, serving(server.url) as api:
        for count in LISTENERS:
            for everyone in (False, True):
                kind = "each to all predictions" if everyone else "each to one of its own"
                waits, expected = asyncio.run(
                    measure(server.url, api.port, count, everyone=everyone)
                )
                lines.append(row(f"{count:,}, {kind}", waits, expected))
                print(lines[-1], flush=True)
    (RESULTS / "push.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
