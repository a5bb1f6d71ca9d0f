"""`events()`: what is unfinished, then each change once, however often the connection is lost."""

from typing import Any

import pytest

from client.pretend import PretendServer
from inferq.errors import ServerUnreachable, Unauthenticated
from inferq.predictions.record import State


def told(running: Any, count: int) -> list[tuple[str, list[str]]]:
    events = [next(running) for _ in range(count)]
    return [(event.kind, [p.task_id for p in event.predictions]) for event in events]


def test_it_begins_with_what_is_unfinished_and_goes_on_with_changes(
    server: PretendServer, client: Any
):
    waiting = [client.submit(b"picture").task_id for _ in range(4)]
    running = client.events()
    first, second = next(running), next(running)
    assert [p.task_id for p in (*first.predictions, *second.predictions)] == waiting
    assert (first.complete, second.complete) == (False, True)
    server.move(waiting[0], State.RUNNING)
    server.delete(waiting[1])
    server.tell("a kind of later versions", "{}")
    place = '{"ahead": 2, "workers": 1, "starts_in_seconds": null, "reason": null}'
    server.tell("queue", f'{{"items": [{{"task_id": "{waiting[2]}", "queue": {place}}}]}}')
    assert told(running, 1) == [("running", [waiting[0]])]
    assert next(running).deleted == waiting[1]
    assert next(running).queue[waiting[2]].ahead == 2
    running.close()
    server.until(lambda: server.streams == 0)


def test_nothing_is_missed_or_told_twice_when_the_connection_breaks(
    server: PretendServer, client: Any
):
    running = client.events()
    assert told(running, 1) == [("snapshot", [])]
    handle = client.submit(b"picture")
    assert told(running, 1) == [("queued", [handle.task_id])]
    with server.changed:
        server.break_streams()
        server.move(handle.task_id, State.RUNNING)
    server.until(lambda: server.streams == 0)
    server.move(handle.task_id, State.SUCCEEDED)
    assert told(running, 2) == [("running", [handle.task_id]), ("succeeded", [handle.task_id])]
    running.close()


def test_a_refusal_is_raised_and_a_busy_server_is_waited_for(server: PretendServer, client: Any):
    server.bare_refusals.append(503)
    running = client.events()
    assert told(running, 1) == [("snapshot", [])]
    running.close()
    server.refusals.append((Unauthenticated("Sign in."), None))
    with pytest.raises(Unauthenticated):
        next(client.events())


def test_a_server_that_stays_away_is_said_to(server: PretendServer, client: Any):
    running = client.events()
    assert told(running, 1) == [("snapshot", [])]
    server.close()
    with pytest.raises(ServerUnreachable):
        next(running)
