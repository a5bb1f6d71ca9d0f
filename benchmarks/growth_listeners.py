"""Ten thousand clients that wait, on one API process: what each takes, what they cost while nothing happens, how soon they hear.

Each waits for a prediction of its own, by Server-Sent Events or by long polling; the listeners are one process, the
driver that finishes predictions as a worker would is another.
"""

import asyncio
import multiprocessing
import re
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection

from growth_queue import NO_LIMIT
from harness import DONE, ann, draft, own_bytes, server_seconds, serving, valkey
from typing_extensions import override

from inferq.predictions.record import Attempt
from inferq.predictions.repairs import Message, Repairs
from inferq.predictions.store import Limits, PredictionStore
from inferq.state import connect

FINISHES, PER_SECOND = 300, 30
OPENED_AT_ONCE = 64
IDLE_SECONDS = 30.0
"""As long as those that poll wait: then each has asked again once."""
LAST_SECONDS = 10.0
USUAL_FILES = 1024
"""Open files that a shell's processes may have, on most systems, unless they ask for more."""
WAIT = b"Prefer: wait=30\r\n"
LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")
SUCCEEDED = re.compile(rb'"state": ?"succeeded"')


@dataclass(frozen=True, slots=True)
class Site:
    """One `inferq api`, and what leads to it."""

    port: int
    pid: int
    redis_url: str
    key: str
    owner: str


class Stream(asyncio.Protocol):
    """One open event stream."""

    def __init__(self, path: str, key: str) -> None:
        self.opened = asyncio.get_running_loop().create_future()
        self.heard: float | None = None
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        self._head = head.encode()
        self._rest = b""

    def ask(self, preference: bytes = b"") -> None:
        """Sends its request."""
        self.transport.write(self._head + preference + b"\r\n")

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.ask()

    @override
    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        text, self._rest = self._rest + data, data[-32:]
        if not self.opened.done() and b"\nevent: " in text:
            self.opened.set_result(None)
        if self.heard is None and b"\nevent: succeeded" in text:
            self.heard = now

    @override
    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed before its first event"))


class Poll(Stream):
    """One client that looks, then asks to be told of the end: again whenever half a minute has passed without one."""

    @override
    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._rest += data
        head, found, body = self._rest.partition(b"\r\n\r\n")
        length = LENGTH.search(head + b"\r\n")
        if not found or length is None or len(body) < int(length[1]):
            return
        self._rest = b""
        if not self.opened.done():
            self.opened.set_result(None)
        if SUCCEEDED.search(body):
            self.heard = now
        else:
            self.ask(WAIT)


WAYS: dict[str, tuple[type[Stream], str]] = {
    "SSE": (Stream, "/api/v1/predictions/{}/events"),
    "long polling": (Poll, "/api/v1/predictions/{}"),
}


@contextmanager
def site() -> Iterator[Site]:
    """An API process with a Valkey of its own, started with as few open files as a shell's processes may have."""
    with valkey() as server:
        client = connect(server.url)
        client.config_set("maxmemory", 0)
        user, key = ann(client)
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        usual = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (USUAL_FILES, hard))
        settings = {"INFERQ_MAX_IN_FLIGHT": str(NO_LIMIT)}
        with serving(server.url, settings, prepare=usual) as api:
            yield Site(api.port, api.pid, server.url, key, user.user_id)


async def open_all(api: Site, way: str, ids: Sequence[str]) -> list[Stream]:
    """Opens a listener for each prediction, a few at a time."""
    protocol, path = WAYS[way]
    turns = asyncio.Semaphore(OPENED_AT_ONCE)
    loop = asyncio.get_running_loop()

    async def open_one(task_id: str) -> Stream:
        async with turns:
            make: Callable[[], Stream] = lambda: protocol(path.format(task_id), api.key)  # noqa: E731
            _, stream = await loop.create_connection(make, "127.0.0.1", api.port)
            await stream.opened
            return stream

    return await asyncio.gather(*map(open_one, ids))


def run_all(url: str, task_ids: Sequence[str], pipe: Connection) -> None:
    """Starts and finishes predictions at an even pace, as a worker would; sends when each was finished."""
    store = PredictionStore(connect(url))
    store.ping()
    pipe.send("ready")
    pipe.recv()
    finished = {}
    begin = time.monotonic()
    for number, task_id in enumerate(task_ids):
        time.sleep(max(0.0, begin + number / PER_SECOND - time.monotonic()))
        attempt = Attempt.new(task_id, "w")
        store.claim(attempt, max_attempts=3)
        store.finish(attempt, DONE, retention=timedelta(hours=1))
        finished[task_id] = time.monotonic()
    pipe.send(finished)


async def idle_cost(api: Site) -> float:
    """The share of one CPU that the API takes while all wait."""
    before = server_seconds(api.pid)
    await asyncio.sleep(IDLE_SECONDS)
    return (server_seconds(api.pid) - before) / IDLE_SECONDS


async def wake(api: Site, listeners: Sequence[Stream], ids: Sequence[str]) -> list[float]:
    """Milliseconds from the end of some predictions until their listeners heard."""
    step = max(1, len(ids) // FINISHES)
    chosen = dict(zip(ids[::step], listeners[::step], strict=True))
    mine, theirs = multiprocessing.Pipe()
    driver = multiprocessing.get_context("spawn").Process(
        target=run_all, args=(api.redis_url, list(chosen), theirs)
    )
    driver.start()
    await asyncio.to_thread(mine.recv)
    await asyncio.sleep(1)
    mine.send("go")
    finished = await asyncio.to_thread(mine.recv)
    await asyncio.to_thread(driver.join)
    await asyncio.sleep(LAST_SECONDS)
    return [
        (each.heard - finished[task_id]) * 1e3
        for task_id, each in chosen.items()
        if each.heard is not None
    ]


async def row(api: Site, way: str, count: int) -> str:
    """A line of the table."""
    client = connect(api.redis_url)
    store = PredictionStore(client, Limits(max_queued=NO_LIMIT, max_in_flight=NO_LIMIT))
    repairs = Repairs(client)
    ids = []
    for _ in range(count):
        made = draft(api.owner)
        store.accept(made)
        repairs.published(Message(made.task_id, made.model))
        ids.append(made.task_id)
    empty = own_bytes(api.pid)
    began = time.monotonic()
    listeners = await open_all(api, way, ids)
    opened = time.monotonic() - began
    await asyncio.sleep(2)
    each = (own_bytes(api.pid) - empty) / count
    share = await idle_cost(api)
    waits = sorted(await wake(api, listeners, ids))
    for listener in listeners:
        listener.transport.close()
    for task_id in ids:
        store.delete(task_id)
    expected = len(ids[:: max(1, len(ids) // FINISHES)])
    times = (
        f"{statistics.median(waits):.1f} | {waits[int(len(waits) * 0.99)]:.0f} | {waits[-1]:.0f}"
        if waits
        else "- | - | -"
    )
    return f"| {count:,} by {way} | {opened:.1f} | {each / 1e3:.0f} | {share:.0%} | {len(waits)} of {expected} | {times} |"


def measure(counts: Sequence[int]) -> list[str]:
    """The section's lines."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    rows = []
    for way in WAYS:
        for count in counts:
            with site() as api:
                rows.append(asyncio.run(row(api, way, count)))
                print(rows[-1], flush=True)
    return [
        "Each client waits for a prediction of its own, all on one API process, which shares the machine with Valkey, the"
        f" driver and all clients. {FINISHES} of the predictions are run, {PER_SECOND} a second, which moves all others up"
        " in the queue; from the moment at which `finish` has returned until the client has read the event, or the answer. Who"
        " polls asks with `Prefer: wait=30`, and again after each half minute: that is what those cost while nothing happens.",
        "",
        "| clients | s to open all | kB of the API's memory each | of one CPU while nothing happens | events heard | p50 ms | p99 ms | most ms |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
    ]
