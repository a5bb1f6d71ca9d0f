"""What calls of the state store cost while ever more predictions wait, and what upkeep, the append-only file and expiry cost then.

The queue is filled through the store's own scripts, many to a round trip; a real Valkey holds it.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis
from harness import DONE, MODEL, Server, draft, valkey
from typing_extensions import override

from inferq.api.viewer import Viewer
from inferq.models.card import read_card
from inferq.models.catalogue import bundled_folder
from inferq.models.register import RegisteredCard
from inferq.predictions.lists import UNFINISHED, Filter, PredictionLists
from inferq.predictions.record import Attempt
from inferq.predictions.repairs import Message, Repairs
from inferq.predictions.store import Limits, PredictionStore
from inferq.settings import Settings
from inferq.state import connect
from inferq.upkeep.loop import Upkeep
from inferq.upkeep.parts import Parts

ROUND_TRIP = 500
SAMPLES = 300
TICKS = 5
PAGE = 50
PING_SECONDS = 0.002
NO_LIMIT = 10**9
HOUR = timedelta(hours=1)
EXPIRED = 20_000
QUEUE = f"inferq:queued:{MODEL}"
Cells = dict[str, float]


class _Piped(PredictionStore):
    """Sends what it is asked for many at a time, and answers with what the first call was answered."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client, Limits(max_queued=NO_LIMIT, max_in_flight=NO_LIMIT))
        self._pipe = client.pipeline(transaction=False)
        self._first: dict[str, Any] = {}

    @override
    def _call(self, script: str, *args: Any) -> Any:
        if script not in self._first:
            self._first[script] = super()._call(script, *args)
        else:
            self._scripts[script](args=args, client=self._pipe)
        return self._first[script]

    def send(self) -> None:
        """Has the server do what was asked for."""
        self._pipe.execute()


class _PipedRepairs(Repairs):
    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self._pipe = client.pipeline(transaction=False)

    @override
    def _call(self, script: str, *args: Any) -> Any:
        self._scripts[script](args=args, client=self._pipe)

    def send(self) -> None:
        """Has the server do what was asked for."""
        self._pipe.execute()


def fill(client: redis.Redis, count: int) -> list[str]:
    """Has so many predictions accepted and published; returns their ids."""
    store, repairs = _Piped(client), _PipedRepairs(client)
    ids = []
    for number in range(1, count + 1):
        made = draft()
        store.accept(made)
        repairs.published(Message(made.task_id, MODEL))
        ids.append(made.task_id)
        if number % ROUND_TRIP == 0 or number == count:
            store.send()
            repairs.send()
    return ids


def _ping(url: str, pipe: Connection) -> None:
    client = connect(url)
    waits = []
    pipe.send("ready")
    while not pipe.poll(PING_SECONDS):
        started = time.perf_counter()
        client.ping()
        waits.append((time.perf_counter() - started) * 1e3)
    pipe.send(waits)


@contextmanager
def others_waiting(url: str) -> Iterator[list[float]]:
    """Milliseconds that another process's calls wait meanwhile; the list is filled at the end."""
    waits: list[float] = []
    mine, theirs = multiprocessing.Pipe()
    pinger = multiprocessing.get_context("spawn").Process(target=_ping, args=(url, theirs))
    pinger.start()
    mine.recv()
    try:
        yield waits
    finally:
        mine.send("stop")
        waits += mine.recv()
        pinger.join()


class Deployment:
    """A state store, and what API and workers have of it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.url = server.url
        self.client = connect(server.url)
        self.client.config_set("maxmemory", 0)
        settings = Settings(
            redis_url=server.url, data_dir=folder, max_queued=NO_LIMIT, max_in_flight=NO_LIMIT
        )
        self.parts = Parts.create(settings)
        self.upkeep = Upkeep(self.parts)
        self.lists = PredictionLists(self.client)
        self._card = RegisteredCard.of(
            read_card(bundled_folder()).model_copy(
                update={"name": MODEL.name, "version": MODEL.version}
            )
        )

    def seem_served(self, *, free: int = 2) -> None:
        """Registers a worker with so many of its two slots free: upkeep then looks at the head of its queue."""
        self.parts.register.register("host-1-abcdef", slots=2, free=free, cards=[self._card])


def _timed(times: dict[str, list[float]], step: str, call: Callable[[], object]) -> None:
    started = time.perf_counter()
    call()
    times.setdefault(step, []).append((time.perf_counter() - started) * 1e3)


def calls(deployment: Deployment) -> Cells:
    """Median milliseconds of each call, while as many wait as before: one comes, the oldest goes."""
    parts, client = deployment.parts, deployment.client
    viewer = Viewer(parts)
    times: dict[str, list[float]] = {}
    deployment.seem_served()
    waiting = client.zcard(QUEUE)
    for number in range(SAMPLES):
        made = draft()
        _timed(times, "accept", lambda made=made: parts.store.accept(made))
        message = Message(made.task_id, MODEL)
        _timed(times, "published", lambda message=message: parts.repairs.published(message))
        place = number * waiting // SAMPLES
        somewhere = client.zrange(QUEUE, place, place)[0]
        _timed(
            times,
            "status, with the place in the queue",
            lambda task_id=somewhere: viewer.by_id([task_id]),
        )
        _timed(
            times,
            f"list, first page of {PAGE}",
            lambda: deployment.lists.page("ann", Filter(), limit=PAGE),
        )
        _timed(
            times,
            f"list, {PAGE} of those unfinished",
            lambda: deployment.lists.page("ann", Filter(states=UNFINISHED), limit=PAGE),
        )
        _timed(times, "`GET /queue`", viewer.loads)
        attempt = Attempt.new(client.zrange(QUEUE, 0, 0)[0], "host-1-abcdef")
        _timed(
            times,
            "claim",
            lambda attempt=attempt: parts.store.claim(attempt, max_attempts=3, publish=1),
        )
        _timed(times, "renew", lambda attempt=attempt: parts.store.renew([attempt]))
        _timed(
            times,
            "finish",
            lambda attempt=attempt: parts.store.finish(attempt, DONE, retention=HOUR),
        )
    return {step: statistics.median(values) for step, values in times.items()}


def ticks(deployment: Deployment) -> Cells:
    """Milliseconds of upkeep's tick, once a second as in a deployment."""
    times: dict[str, list[float]] = {}
    with others_waiting(deployment.url) as waits:
        for step, free in TICKS * (
            ("upkeep's tick, workers have slots free", 2),
            ("upkeep's tick, all slots are taken", 0),
        ):
            deployment.seem_served(free=free)
            _timed(times, step, deployment.upkeep.tick)
            time.sleep(1)
    medians = {step: statistics.median(values) for step, values in times.items()}
    return medians | {"longest wait of another call beside it": max(waits)}


def lost_messages(deployment: Deployment) -> str:
    """What upkeep does if the broker has lost the message of everything that waits."""
    client, parts = deployment.client, deployment.parts
    # As if a message had come that was published after all of them.
    client.hset("inferq:arrived", str(MODEL), client.get("inferq:sequence"))
    took, found = [], 0
    with others_waiting(deployment.url) as waits:
        for _ in range(TICKS):
            deployment.seem_served()
            started = time.perf_counter()
            found += parts.repairs.find_missing(str(MODEL), ROUND_TRIP)
            took.append((time.perf_counter() - started) * 1e3)
            time.sleep(0.2)
    return (
        f"The broker has lost every message: a look finds {ROUND_TRIP} in {max(took):.0f} ms at most, once a second;"
        f" calls of others wait {max(waits):.0f} ms at most."
    )


def append_only_file(deployment: Deployment) -> str:
    """What rewriting the append-only file costs those who call meanwhile."""
    client = deployment.client
    before = client.info("persistence")["aof_current_size"]
    started = time.monotonic()
    with others_waiting(deployment.url) as waits:
        client.bgrewriteaof()
        while client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.2)
        took = time.monotonic() - started
    info = client.info("stats")
    after = client.info("persistence")["aof_current_size"]
    ordered = sorted(waits)
    return (
        f"The append-only file is rewritten (Valkey does so by itself when it has doubled): {took:.0f} s in a process of"
        f" its own, {before / 1e9:.2f} GB before, {after / 1e9:.2f} GB after; the fork stops Valkey for"
        f" {info['latest_fork_usec'] / 1e3:.0f} ms; calls of others wait {ordered[len(ordered) // 2]:.2f} ms (median),"
        f" {ordered[int(len(ordered) * 0.99)]:.1f} ms (99 %), {ordered[-1]:.0f} ms (longest)."
    )


def expiry(deployment: Deployment) -> str:
    """How fast upkeep forgets what has expired all at once, blobs included, while the queue is as long as it is."""
    parts, client = deployment.parts, deployment.client
    store = _Piped(client)
    ids = client.zrange(QUEUE, 0, EXPIRED - 1)
    keys = [parts.store.get(ids[0]).input_key.replace(ids[0], task_id) for task_id in ids]  # type: ignore[union-attr]
    for key in keys:
        parts.storage.write(key, b"input")
    for number, task_id in enumerate(ids, start=1):
        attempt = Attempt.new(task_id, "w")
        store.claim(attempt, max_attempts=3)
        store.send()
        store.finish(attempt, DONE, retention=timedelta(0))
        if number % ROUND_TRIP == 0 or number == len(ids):
            store.send()
    gone = time.monotonic()
    with others_waiting(deployment.url) as waits:
        deployment.upkeep.start()
        while parts.repairs.expired(1) or parts.repairs.garbage_waiting():
            time.sleep(0.05)
        took = time.monotonic() - gone
        deployment.upkeep.stop()
    ordered = sorted(waits)
    return (
        f"{EXPIRED:,} results expire at once: upkeep of one process has forgotten them, with their blobs, in {took:.0f} s"
        f" ({EXPIRED / took:,.0f}/s); calls of others wait {ordered[int(len(ordered) * 0.99)]:.1f} ms (99 %),"
        f" {ordered[-1]:.0f} ms (longest)."
    )


def measure(sizes: Sequence[int]) -> list[str]:
    """The section's lines."""
    columns: list[Cells] = []
    notes: list[str] = []
    with valkey() as server, TemporaryDirectory() as folder:
        deployment = Deployment(server, Path(folder))
        client = deployment.client
        empty = client.info("memory")["used_memory"]
        for size in sizes:
            started = time.monotonic()
            fill(client, size - client.zcard(QUEUE))
            print(f"{size:,} wait after {time.monotonic() - started:.0f} s", flush=True)
            columns.append(calls(deployment) | ticks(deployment))
            columns[-1]["memory of Valkey, MB"] = client.info("memory")["used_memory"] / 1e6
            print(columns[-1], flush=True)
        each = (client.info("memory")["used_memory"] - empty) / sizes[-1]
        notes.append(
            f"A prediction that waits takes {each:,.0f} bytes of Valkey's memory, all indexes counted."
        )
        notes.append(lost_messages(deployment))
        notes.append(append_only_file(deployment))
        notes.append(expiry(deployment))
    rows = [
        f"| {step} | " + " | ".join(f"{column[step]:.2f}" for column in columns) + " |"
        for step in columns[0]
    ]
    return [
        f"One owner's predictions wait; medians of {SAMPLES} calls (of {TICKS} ticks), milliseconds.",
        "",
        "| waiting | " + " | ".join(f"{size:,}" for size in sizes) + " |",
        "|---|" + "---|" * len(sizes),
        *rows,
        "",
        *(f"- {note}" for note in notes),
    ]
