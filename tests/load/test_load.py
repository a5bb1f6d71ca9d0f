"""The load generator, on servers of a few lines whose answers and stalls are known."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from inferq.load import run
from inferq.load.figures import Figures, Times
from inferq.load.knee import find_knee
from inferq.load.phases import CallFailed, Phase, Told, closed_loop, open_loop
from inferq.load.wire import Target, Wire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answers = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def wire_to(answers: Answers, *, most: int = 512) -> AsyncIterator[Wire]:
    """A wire to a server that does what `answers` does with each connection."""
    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    async with server:
        wire = Wire(Target.parse(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), most)
        yield wire
        wire.close()


def calling(wire: Wire) -> Callable[[int], Awaitable[Told]]:
    request = wire.target.request("GET", "/", {})

    async def call(_: int) -> Told:
        answer = await wire.send(request)
        if answer.status != 200:
            raise CallFailed(f"HTTP {answer.status}")
        return Told()

    return call


def stalling(begin: float, end: float) -> Answers:
    """Answers at once, but not between two moments after the first connection."""
    started: list[float] = []

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started.append(time.perf_counter())
        while await reader.readuntil(b"\r\n\r\n"):
            since = time.perf_counter() - started[0]
            if begin <= since < end:
                await asyncio.sleep(end - since)
            writer.write(OK)

    return quiet(answers)


def quiet(answers: Answers) -> Answers:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answers(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return handle


@pytest.mark.parametrize("most", [512, 2])
def test_an_open_loop_counts_what_waits_while_the_server_stalls(most: int):
    async def measure() -> Phase:
        async with wire_to(stalling(0.3, 0.9), most=most) as wire:
            return await open_loop(calling(wire), rate=100, seconds=1.2, even=True)

    phase = run(measure())
    waited = [sample.ended - sample.due for sample in phase.samples]
    # 120 calls were due, 60 of them in the stall: on average they waited for half of it, however few connections there are.
    assert len(waited) == pytest.approx(120, abs=1)
    assert not Figures.of(phase).failed
    assert max(waited) >= 0.5
    assert sum(each > 0.3 for each in waited) >= 25


def test_a_closed_loop_has_so_many_at_a_time_and_no_more():
    at_once: list[int] = []
    running = 0

    async def call(_: int) -> Told:
        nonlocal running
        running += 1
        at_once.append(running)
        await asyncio.sleep(0.01)
        running -= 1
        return Told(stages_ms={"total": 10.0})

    phase = run(closed_loop(call, clients=7, seconds=0.4, warm_up=0.1))
    figures = Figures.of(phase)
    assert max(at_once) == 7
    # Seven at a time, ten milliseconds each; a busy machine makes them fewer, nothing makes them more.
    assert 70 < figures.per_second <= 700
    assert figures.stages_ms["outside"] >= 0


def test_connections_are_used_again_and_broken_ones_are_counted():
    connections = 0

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(10):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async def measure() -> list[object]:
        async with wire_to(quiet(answers)) as wire:
            call = calling(wire)
            return [
                await asyncio.gather(call(number), return_exceptions=True) for number in range(22)
            ]

    outcomes = [outcome for (outcome,) in run(measure())]
    assert connections == 2
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, OSError)] == [10, 21]


def test_chunked_answers_and_closed_connections():
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        writer.write(head + b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")
        writer.close()

    async def ask_twice() -> list[tuple[int, bytes]]:
        async with wire_to(quiet(answers)) as wire:
            request = wire.target.request("POST", "/x?y=1", {}, b"body")
            return [await wire.send(request), await wire.send(request)]

    assert run(ask_twice()) == [(201, b"abcd")] * 2


def test_percentiles_are_times_that_were_measured():
    times = Times.of(each / 1e3 for each in range(1, 101))
    assert times
    shown = [times.p50, times.p90, times.p95, times.p99, times.most, times.mean]
    assert shown == pytest.approx([50, 90, 95, 99, 100, 50.5])
    assert Times.of([]) is None


def test_the_knee_lies_between_the_last_rate_that_held_and_the_first_that_did_not():
    async def measure(rate: float) -> Figures:
        ms = 20.0 if rate <= 75 else 500.0
        times = Times(ms, ms, ms, ms, ms, ms)
        return Figures(("rate", rate), 1, 9, {}, rate, None, times, {}, 0, 0)

    knee = run(find_knee(measure, first=40, limit_ms=100))
    assert [step.load[1] for step in knee.steps] == [40, 50, 62.5, 78.125, 70.3125]
    assert (knee.held, knee.broke) == (70.3125, 78.125)
