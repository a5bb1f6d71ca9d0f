"""What a prediction costs beyond its decoding, inference and postprocessing: CPU by process, at saturation.

`inferq up` as anyone starts it (embedded Valkey, bundled model) takes turns, round by round, with the bare loop: the
same model on the same photographs in two threads, without any server. Linux only.
Run: python benchmarks/overhead.py; it writes benchmarks/results/overhead.md. With `--against`, another checkout takes its
turns, too, and the budget says what each line was there.
"""

import argparse
import multiprocessing
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import NamedTuple

import orjson
from harness import RESULTS, load, machine, server_seconds
from steps import Step

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from photos import PHOTOS, jpeg
from system.served import Served

ROUNDS = 7
SECONDS = 6.0
SETTLE_SECONDS = 1.5
CONNECTIONS = 24
FEWEST = 5
STEP_ROUNDS = 3
AIM, MOST = 4.0, 6.0
PROCESSES = ("bare", "api", "worker", "valkey", "supervisor")
REST = {
    "API": "HTTP, routing, the event loop, waking those who wait, handing over between threads",
    "worker": "Celery and kombu, metrics, handing over between threads, what others leave of the caches",
}
PAGE = """\
# What a prediction costs beyond its model

{machine}; {busy}. `make bench-overhead` runs it again.
`inferq up` with its embedded Valkey and the bundled model, kept busy by {connections} connections that post a photograph (raw JPEG,
`Prefer: wait`) and post the next one once they have the result; in turn, {rounds} times for {seconds:.0f} s, with the bare loop: the same model on
the same photographs in as many threads as there are cores. CPU is that of whole processes, from /proc."""
BUDGET = """\
Each step by itself, a thousand times in a row in one thread, on a Valkey of its own (median of {rounds}); what is left of a process's CPU is
its last line. Steps cost more beside others, whose caches and locks they share: that is in the last lines, too."""
SPAWN = multiprocessing.get_context("spawn")


class Client:
    """A closed loop on as many connections as there are clients: each sends its next photograph once it has a result.

    One process that does no more than it must, so that it takes little from what is measured.
    """

    def __init__(self, port: int, key: str, connections: int) -> None:
        self.done: Synchronized[int] = SPAWN.Value("Q", 0)
        self._go = SPAWN.Event()
        self._process = SPAWN.Process(
            target=_drive, args=(port, key, connections, self.done, self._go), daemon=True
        )
        self._process.start()
        self.pid = int(self._process.pid or 0)

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Keeps the server busy; returns when it has answered everything."""
        self._go.set()
        try:
            yield
        finally:
            self._go.clear()
            before = -1
            while before != (before := self.done.value):
                time.sleep(0.5)

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.join()


class _Line:
    """One connection: what is still to be sent, and what has come of the answer."""

    def __init__(self, port: int, requests: Sequence[bytes], first: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._next = first
        self._answer = b""

    def send(self) -> None:
        self._answer = b""
        self.socket.sendall(self._requests[self._next % len(self._requests)])
        self._next += 1

    def receive(self) -> bool:
        """Whether the answer is whole."""
        got = self.socket.recv(65536)
        if not got:
            raise RuntimeError("the server has closed the connection")
        self._answer += got
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end:
            return False
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return False
        if not head.startswith(b"HTTP/1.1 200") or b'"state":"succeeded"' not in body:
            raise RuntimeError(self._answer.decode())
        return True


def _drive(
    port: int, key: str, connections: int, done: "Synchronized[int]", go: "threading.Event"
) -> None:
    """What the client's process does."""
    requests = [
        (
            f"POST /api/v1/predictions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: image/jpeg\r\nPrefer: wait=30\r\nContent-Length: {len(photo)}\r\n\r\n"
        ).encode()
        + photo
        for photo in map(jpeg, PHOTOS)
    ]
    while True:
        go.wait()
        with selectors.DefaultSelector() as busy:
            for first in range(connections):
                line = _Line(port, requests, first)
                busy.register(line.socket, selectors.EVENT_READ, line)
                line.send()
            while busy.get_map():
                for ready, _ in busy.select():
                    if ready.data.receive():
                        done.value += 1
                        if go.is_set():
                            ready.data.send()
                        else:
                            busy.unregister(ready.fileobj)
                            ready.data.socket.close()


class Bare:
    """The loop without a server, in a process of its own that waits meanwhile."""

    def __init__(self) -> None:
        self._pipe, other = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_loop, args=(other,), daemon=True)
        self._process.start()
        self._pipe.recv()

    def run(self, seconds: float) -> tuple[float, float]:
        """Photographs a second, and CPU milliseconds of each."""
        self._pipe.send(seconds)
        answer: tuple[float, float] = self._pipe.recv()
        return answer

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.join()


def _loop(pipe: Connection) -> None:
    """What the bare loop's process does."""
    from inferq.models.catalogue import bundled_folder, load_models  # noqa: PLC0415 - ONNX Runtime
    from inferq.settings import Settings  # noqa: PLC0415
    from inferq.worker.context import worker_context  # noqa: PLC0415
    from inferq.worker.cpus import available_cpus  # noqa: PLC0415

    (model,) = load_models([bundled_folder()], worker_context(Settings(batching="off")))
    photos = [jpeg(name) for name in PHOTOS]

    def loop(until: float, counts: list[int]) -> None:
        done = 0
        while time.perf_counter() < until:
            item = model.preprocess(photos[done % len(photos)], {})
            model.postprocess(model.infer([item])[0], item, {})
            done += 1
        counts.append(done)

    def run(seconds: float) -> tuple[float, float]:
        counts: list[int] = []
        began, cpu = time.perf_counter(), time.process_time()
        threads = [
            threading.Thread(target=loop, args=(began + seconds, counts))
            for _ in range(available_cpus())
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done = sum(counts)
        return done / (time.perf_counter() - began), (time.process_time() - cpu) * 1e3 / done

    run(0.5)
    pipe.send("ready")
    while True:
        pipe.send(run(pipe.recv()))


class Round(NamedTuple):
    """Predictions a second, and CPU milliseconds a prediction."""

    bare_rate: float
    bare: float
    rate: float
    api: float
    worker: float
    valkey: float
    supervisor: float
    client: float

    @property
    def overhead(self) -> float:
        """What it takes beyond the bare loop, without the client."""
        return self.api + self.worker + self.valkey + self.supervisor - self.bare


class Server:
    """An `inferq up` and the client that keeps it busy."""

    def __init__(self, folder: Path, checkout: Path | None, connections: int) -> None:
        """Starts them, of another checkout of inferq if one is named."""
        self.served = Served(folder, environment=_sources(checkout)).ready()
        self.client = Client(self.served.port, self.served.key, connections)
        with self.client.driving():
            time.sleep(SETTLE_SECONDS)  # all is warm

    @property
    def pids(self) -> dict[str, int]:
        """Processes by the name of their column."""
        child = self.served.child
        return {
            "api": child("inferq api"),
            "worker": child("inferq worker"),
            "valkey": child("valkey-server"),
            "supervisor": self.served.process.pid,
            "client": self.client.pid,
        }

    def run(self, seconds: float) -> tuple[float, dict[str, float]]:
        """Predictions a second, and CPU milliseconds of each by process."""
        pids = self.pids
        with self.client.driving():
            time.sleep(SETTLE_SECONDS)
            used = {name: server_seconds(pid) for name, pid in pids.items()}
            done, began = self.client.done.value, time.perf_counter()
            time.sleep(seconds)
            while self.client.done.value - done < FEWEST:
                time.sleep(0.1)  # a machine this busy gives no figures, but an end
            used = {name: server_seconds(pid) - used[name] for name, pid in pids.items()}
            done, took = self.client.done.value - done, time.perf_counter() - began
        return done / took, {name: cpu * 1e3 / done for name, cpu in used.items()}

    def stop(self) -> None:
        """Ends both."""
        self.client.stop()
        self.served.stop()


def _sources(checkout: Path | None) -> dict[str, str]:
    """What makes Python take inferq from another checkout, if one is named."""
    return {"PYTHONPATH": str(checkout / "src")} if checkout else {}


def measure_alone(folder: Path, checkouts: Sequence[Path | None]) -> list[list[Step]]:
    """What each step costs by itself in each checkout; they take turns."""
    script = Path(__file__).with_name("steps.py")
    found: list[list[list[Step]]] = [[] for _ in checkouts]
    for _ in range(STEP_ROUNDS):
        for checkout, rounds in zip(checkouts, found, strict=True):
            ran = subprocess.run(
                [sys.executable, script, folder / "steps"],
                env=os.environ | _sources(checkout),
                stdout=subprocess.PIPE,
                check=True,
            )
            rounds.append([Step(*step) for step in orjson.loads(ran.stdout)])
    return [[_middle(step) for step in zip(*rounds, strict=True)] for rounds in found]


def _middle(measured: Sequence[Step]) -> Step:
    return measured[0]._replace(
        python=statistics.median(step.python for step in measured),
        valkey=statistics.median(step.valkey for step in measured),
    )


def measure(
    folder: Path, checkouts: Sequence[Path | None], *, rounds: int, seconds: float, connections: int
) -> list[list[Round]]:
    """The rounds of each checkout; they and the bare loop take turns in each."""
    found: list[list[Round]] = [[] for _ in checkouts]
    with ExitStack() as stack:
        bare = Bare()
        stack.callback(bare.stop)
        servers = []
        for number, checkout in enumerate(checkouts):
            server = Server(folder / str(number), checkout, connections)
            stack.callback(server.stop)
            servers.append(server)
        for _ in range(rounds):
            bare_rate, cost = bare.run(seconds)
            for server, own in zip(servers, found, strict=True):
                rate, costs = server.run(seconds)
                own.append(Round(bare_rate, cost, rate, **costs))
                shown = " ".join(f"{name} {value:.2f}" for name, value in own[-1]._asdict().items())
                print(f"{shown} overhead {own[-1].overhead:.2f}", flush=True)
    return found


def median(values: Sequence[float]) -> str:
    """The middle one, and the interval that the true median lies in at 95 % or more (all but the extremes of 7)."""
    ordered = sorted(values)
    cut = 0 if len(ordered) < 7 else max(0, _rank(len(ordered)))
    return f"{statistics.median(ordered):.2f} ({ordered[cut]:.2f}-{ordered[-1 - cut]:.2f})"


def _rank(count: int) -> int:
    """How many values may be left out on each side, so that what is left holds the median with 95 %."""
    from math import comb  # noqa: PLC0415

    missed, rank = 1 / 2**count, 0
    while 2 * missed <= 0.05:
        rank += 1
        missed += comb(count, rank) / 2**count
    return rank - 1


def table(rounds: Sequence[Round]) -> list[str]:
    """What each process takes."""
    rows = [
        "| CPU, ms a prediction | median (95 % interval of the median) |",
        "|---|---|",
    ]
    for name, shown in (
        ("bare", "bare loop: decode, infer, postprocess"),
        ("worker", "worker, with the same inside"),
        ("api", "API"),
        ("valkey", "Valkey: records, queue, events"),
        ("supervisor", "supervisor"),
        (
            "overhead",
            f"**overhead: all of inferq but the bare loop** (at most {MOST:.0f}, aim {AIM:.0f})",
        ),
        ("client", "client, not counted"),
    ):
        rows.append(f"| {shown} | {median([getattr(each, name) for each in rounds])} |")
    rows += [
        "",
        f"Predictions a second: {median([each.rate for each in rounds])} of the bare loop's"
        f" {median([each.bare_rate for each in rounds])}, a share of"
        f" {median([each.rate / each.bare_rate for each in rounds])}.",
    ]
    return rows


class Line(NamedTuple):
    """A line of the budget: who does what, and CPU milliseconds a prediction of its own and of Valkey."""

    who: str
    what: str
    own: float | None
    valkey: float | None


def budget(rounds: Sequence[Round], steps: Sequence[Step]) -> list[Line]:
    """Where the overhead goes: steps as they cost alone, and what is left of each process."""
    middle = {name: statistics.median(getattr(each, name) for each in rounds) for name in PROCESSES}
    whole = {"API": middle["api"], "worker": middle["worker"] - middle["bare"]}
    lines = [Line(*step) for step in steps]
    for who, left in REST.items():
        known = sum(step.python for step in steps if step.who == who)
        lines.append(Line(who, left, whole[who] - known, None))
    left = middle["valkey"] - sum(step.valkey for step in steps)
    lines.append(Line("Valkey", "the broker's lists, the appended file, waking up", None, left))
    lines.append(Line("supervisor", "looking after the others", middle["supervisor"], None))
    own, valkey = (sum(filter(None, column)) for column in list(zip(*lines, strict=True))[2:])
    return [*lines, Line("all", "", own, valkey)]


def show_budget(budgets: Sequence[Sequence[Line]]) -> list[str]:
    """The budget as a table; with that of the other checkout before it, if there is one."""
    when = ("before", "now") if len(budgets) > 1 else ("now",)
    heads = [f"{whose}, {each}" for whose in ("ms of its own", "ms of Valkey") for each in when]
    rows = ["| who | what | " + " | ".join(heads) + " |", "|---" * (2 + len(heads)) + "|"]
    for lines in zip(*reversed(budgets), strict=True):
        costs = [line.own for line in lines] + [line.valkey for line in lines]
        cells = ["" if cost is None else f"{cost:.2f}" for cost in costs]
        rows.append(f"| {lines[0].who} | {lines[0].what} | " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    """Measures, prints, and writes the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument(
        "--against", type=Path, help="another checkout, which takes turns with this"
    )
    given = parser.parse_args()
    busy = load()
    checkouts = [None, given.against] if given.against else [None]
    # Removed once all is measured: ext4 makes files more slowly for minutes after many went, and what is next would pay.
    with tempfile.TemporaryDirectory(prefix="inferq-bench-") as name:
        folder = Path(name)
        found = measure(
            folder, checkouts, rounds=given.rounds, seconds=given.seconds, connections=given.connections
        )  # fmt: skip
        steps = measure_alone(folder, checkouts)
    compared = []
    for theirs in found[1:]:
        shares = [a.overhead / b.overhead for a, b in zip(found[0], theirs, strict=True)]
        compared = [
            "", "Before, in the same rounds:", "", *table(theirs),
            "", f"Overhead as a share of what it was before: {median(shares)}.",
        ]  # fmt: skip
    lines = [
        *PAGE.format(
            machine=machine(), busy=busy, rounds=given.rounds, seconds=given.seconds,
            connections=given.connections,
        ).splitlines(),
        "", *table(found[0]), *compared, "", "## Where it goes", "", *BUDGET.format(rounds=STEP_ROUNDS).splitlines(), "",
        *show_budget([budget(*each) for each in zip(found, steps, strict=True)]),
    ]  # fmt: skip
    print("\n".join(lines))
    (RESULTS / "overhead.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
