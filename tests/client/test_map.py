"""`map()` over many inputs: order, bounds, gaps in the stream, servers without one, inputs that fail."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import pytest

from client.pretend import PretendServer
from inferq.client import AsyncClient, Client, mapping
from inferq.client.blocking import CHILD
from inferq.errors import (
    AttemptsExhausted,
    NotAnImage,
    NotFound,
    ServerUnreachable,
    TooManyInFlight,
)
from inferq.predictions.record import State
from system.served import eventually


@contextmanager
def working(server: PretendServer, *, newest_first: bool = False) -> Iterator[None]:
    """A worker that lets whatever waits succeed, one after the other."""
    stopped = threading.Event()

    def work() -> None:
        while not stopped.is_set():
            with server.changed:
                if not server.unfinished():
                    server.changed.wait(0.05)
                    continue
                task_id = server.unfinished()[-1 if newest_first else 0]
            server.move(task_id, State.RUNNING)
            server.move(task_id, State.SUCCEEDED)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def pictures(count: int) -> Iterator[bytes]:
    return (f"picture {number}".encode() for number in range(count))


def positions(server: PretendServer, predictions: list[Any]) -> list[int]:
    """Which upload each prediction was made of, counted in the order of arrival at the server."""
    made = list(server.predictions)
    return [made.index(prediction.task_id) for prediction in predictions]


def test_one_stream_tells_of_all_and_nothing_is_polled(server: PretendServer, client: Any):
    with working(server):
        done = list(client.map(pictures(100)))
    assert {prediction.state for prediction in done} == {"succeeded"}
    assert len({prediction.task_id for prediction in done}) == 100
    assert server.count("GET", "/events") == 1
    assert server.count("GET", "/predictions/") == 0


def test_results_come_in_the_order_of_the_inputs(server: PretendServer, client: Any):
    with working(server, newest_first=True):
        outcomes = list(client.map(pictures(40), errors="yield", at_once=10))
    assert [outcome.index for outcome in outcomes] == list(range(40))
    assert [outcome.source for outcome in outcomes] == list(pictures(40))
    assert all(outcome.result().state == "succeeded" for outcome in outcomes)


def test_unordered_results_come_as_they_finish(server: PretendServer, client: Any):
    running = client.map(pictures(3), ordered=False, errors="yield")
    finishing = threading.Thread(target=_finish_all_but_the_first, args=(server, 3))
    finishing.start()
    early = {next(running).index, next(running).index}
    finishing.join()
    server.move(server.unfinished()[0], State.SUCCEEDED)
    assert early | {next(running).index} == {0, 1, 2}
    assert list(running) == []


def _finish_all_but_the_first(server: PretendServer, count: int) -> None:
    server.until(lambda: len(server.predictions) == count)
    for task_id in server.unfinished()[1:]:
        server.move(task_id, State.SUCCEEDED)


@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_inputs_are_taken_than_there_is_room_for(
    server: PretendServer, client: Any, ordered: bool
):
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"picture"

    running = client.map(endless(), at_once=5, ordered=ordered)
    with working(server):
        for delivered in range(1, 50):
            next(running)
            assert taken <= 5 + delivered
    running.close()


def test_what_ended_before_its_202_is_not_missed(server: PretendServer, client: Any):
    server.ends_at_once = True
    assert len(list(client.map(pictures(30)))) == 30
    assert server.count("GET", "/predictions/") == 0


def test_a_stream_that_breaks_is_taken_up_where_it_was(server: PretendServer, client: Any):
    running = client.map(pictures(20), at_once=20)
    breaking = threading.Thread(target=_finish_while_nobody_listens, args=(server,))
    breaking.start()
    assert len(list(running)) == 20
    breaking.join()
    assert server.count("GET", "/predictions/") == 0


def _finish_while_nobody_listens(server: PretendServer, *, told: bool = True) -> None:
    server.until(lambda: len(server.predictions) == 20)
    with server.changed:
        server.break_streams()
        for task_id in server.unfinished():
            server.move(task_id, State.SUCCEEDED, told=told)


def test_what_a_gap_swallowed_is_looked_up(server: PretendServer, client: Any):
    server.unknown_event_ids = True
    running = client.map(pictures(20), at_once=20)
    breaking = threading.Thread(
        target=_finish_while_nobody_listens, args=(server,), kwargs={"told": False}
    )
    breaking.start()
    assert len(list(running)) == 20
    breaking.join()
    assert server.count("GET", "/predictions/") == 20
    assert server.count("GET", "/events") == 2


def test_what_nobody_told_of_is_looked_up_in_time(
    server: PretendServer, client: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mapping, "SILENT_FOR", 0.5)
    monkeypatch.setattr(mapping, "LOOK_EVERY", 0.2)
    finishing = threading.Thread(target=_finish_silently, args=(server,))
    finishing.start()
    assert len(list(client.map(pictures(1)))) == 1
    finishing.join()


def _finish_silently(server: PretendServer) -> None:
    server.until(lambda: server.predictions)
    for task_id in server.unfinished():
        server.move(task_id, State.SUCCEEDED, told=False)


def test_a_server_without_a_stream_is_polled(server: PretendServer, client: Any):
    server.has_events = False
    with working(server):
        assert len(list(client.map(pictures(30)))) == 30
    assert server.count("GET", "/predictions/")


def test_a_stream_that_a_proxy_holds_back_is_done_without(
    server: PretendServer, client: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mapping, "STREAM_STARTS_WITHIN", 0.3)
    monkeypatch.setattr(mapping, "LOOK_EVERY", 0.2)
    server.events_start = False
    with working(server):
        assert len(list(client.map(pictures(10)))) == 10


def test_inputs_that_fail_are_handed_over_with_their_errors(server: PretendServer, client: Any):
    server.refusals.extend([(NotAnImage("No picture."), None)])
    server.has_events = False
    sources = [b"refused", "/nonesuch.jpg", object(), b"fails", b"is deleted", b"succeeds"]
    running = client.map(sources, errors="yield", at_once=6)
    finishing = threading.Thread(target=_finish_each_differently, args=(server,))
    server.refusals.appendleft((NotFound("No stream here."), None))
    finishing.start()
    errors = [type(outcome.error) for outcome in running]
    finishing.join()
    assert sorted(error.__name__ for error in errors) == [
        "AttemptsExhausted", "FileNotFoundError", "NoneType", "NotAnImage", "NotFound", "TypeError",
    ]  # fmt: skip


def _finish_each_differently(server: PretendServer) -> None:
    server.until(lambda: len(server.predictions) == 3)
    fails, deleted, succeeds = server.unfinished()
    server.fail(fails, AttemptsExhausted("Gave up."))
    server.delete(deleted)
    server.move(succeeds, State.SUCCEEDED)


def test_a_deleted_prediction_is_told_of_by_the_stream(server: PretendServer, client: Any):
    def delete() -> None:
        server.until(lambda: server.predictions)
        server.delete(server.unfinished()[0])

    deleting = threading.Thread(target=delete)
    deleting.start()
    (outcome,) = client.map([b"picture"], errors="yield")
    deleting.join()
    assert isinstance(outcome.error, NotFound)


def test_the_first_failure_ends_it_and_names_the_input(server: PretendServer, client: Any):
    server.ends_at_once = True
    with pytest.raises(FileNotFoundError) as raised:
        list(client.map([b"picture", "/nonesuch.jpg", b"picture"]))
    assert raised.value.__notes__ == ["This was input 1 of map()."]


def test_a_full_queue_is_waited_for_longer_than_any_time_out(server: PretendServer, client: Any):
    # The client's time-out is 3 s.
    server.has_events = False
    server.refusals.append((NotFound("No stream here."), None))
    server.refusals.extend([(TooManyInFlight("Full."), 2)] * 2)
    with working(server):
        assert len(list(client.map(pictures(1)))) == 1


def test_a_server_that_goes_away_for_good_ends_it_even_when_errors_are_handed_over(
    server: PretendServer, client: Any
):
    running = client.map(pictures(5), errors="yield", at_once=2, ordered=False)
    with working(server):
        assert next(running).error is None
    server.close()
    with pytest.raises(ServerUnreachable):
        list(running)


def test_an_iterator_that_raises_ends_it_with_its_own_error(server: PretendServer, client: Any):
    def broken() -> Iterator[bytes]:
        yield b"picture"
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(client.map(broken()))


def test_whoever_stops_early_leaves_no_stream(server: PretendServer, client: Any):
    running = client.map(pictures(50), ordered=False)
    with working(server):
        next(running)
    running.close()
    server.until(lambda: server.streams == 0)
    assert not list(client.map([]))
    server.until(lambda: server.streams == 0)


def test_whoever_stops_early_leaves_no_thread_that_reads_a_silent_stream(server: PretendServer):
    server.comments_every = 60
    finishing = threading.Thread(target=_finish_all_but_the_first, args=(server, 2))
    finishing.start()
    with Client(server.url) as client:
        running = client.map(pictures(2), ordered=False)
        next(running)
        finishing.join()
        running.close()
        eventually(lambda: CHILD not in {thread.name for thread in threading.enumerate()})


def test_asynchronous_iterators_are_inputs_too(server: PretendServer):
    server.ends_at_once = True

    async def arriving() -> AsyncIterator[bytes]:
        for picture in pictures(5):
            yield picture

    async def mapped() -> int:
        async with AsyncClient(server.url) as client, aclosing(client.map(arriving())) as running:
            return len([prediction async for prediction in running])

    assert asyncio.run(mapped()) == 5
