"""Event streams on a real port: what is told, in which order, to whom, and what a client that comes back is told."""

import socket
import time
from collections.abc import Callable, Sequence
from itertools import product

import pytest

from api.live import LiveApi
from inferq.api import push, streams
from inferq.api.push import Listener, ListenerGone, Update
from inferq.api.schemas import View
from inferq.api.viewer import Viewer
from inferq.predictions.events import Change, EventId
from inferq.predictions.record import ModelReference, State
from inferq.predictions.store import Outcome, PredictionStore
from people import Person
from predictions.drafts import HOUR, accept, start, succeed
from system.served import eventually

MODEL = ModelReference(name="ssdlite-mobilenet-v2-coco", version="1")


@pytest.fixture
def queued(store: PredictionStore, ann: Person) -> Callable[..., str]:
    """Accepts a prediction of the caller's own; returns its id."""
    return lambda **changes: accept(store, **{"owner": ann.owner, "model": MODEL} | changes)


def one(task_id: str) -> str:
    return f"/api/v1/predictions/{task_id}/events"


def test_one_prediction_is_followed_from_where_it_is_to_its_end(
    live: LiveApi, store: PredictionStore, queued
):
    task_id = queued()
    with live.events(one(task_id)) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        assert stream.response.headers["x-accel-buffering"] == "no"
        first = stream.next()
        assert (first.event, first.data["queue"]["ahead"]) == ("queued", 0)
        assert stream.retry == 3000
        attempt = start(store, task_id)
        assert stream.next().event == "running"
        store.release(attempt)
        assert stream.next().event == "queued"
        store.cancel(task_id, retention=HOUR)
        (last,) = stream.rest()
    assert last.event == "canceled"
    assert last.data == live.client.get(f"/api/v1/predictions/{task_id}").json()
    assert last.data["links"]["events"] == one(task_id)
    with live.events(one(task_id), last=last.id) as again:
        assert again.response.status_code == 204
    with live.events(one(task_id)) as anew:
        assert [event.event for event in anew.rest()] == ["canceled"]


def test_a_client_that_comes_back_is_told_what_it_has_missed(
    live: LiveApi, store: PredictionStore, queued
):
    task_id, other = queued(), queued()
    with live.events(one(task_id)) as stream:
        seen = stream.next().id
    succeed(store, other)
    succeed(store, task_id, ["cat"])
    with live.events(one(task_id), last=seen) as stream:
        (event,) = stream.rest()
    assert event.event == "succeeded"
    assert event.data["result"]["detections"][0]["label"] == "cat"


@pytest.mark.parametrize("last", ["1-1", "nonsense", "99999999999999-0"])
def test_whose_last_event_is_not_known_is_told_how_things_stand(
    live: LiveApi, store: PredictionStore, queued, last: str
):
    task_id, done = queued(), queued()
    store.cancel(done, retention=HOUR)
    with live.events(one(done), last=last) as stream:
        events = stream.rest()
    assert [event.event for event in events] == ["resync", "canceled"]
    assert events[0].data["task_id"] == done
    with live.events(last=last) as stream:
        assert stream.next().event == "resync"
        snapshot = stream.next()
    assert [item["task_id"] for item in snapshot.data["items"]] == [task_id]
    with live.events(one(done), last=events[-1].id) as again:
        assert again.response.status_code == 204


def test_an_owner_is_told_of_all_own_predictions_and_of_no_other(
    live: LiveApi, store: PredictionStore, queued
):
    before = queued(batch="b")
    succeed(store, queued())
    with live.events() as stream:
        snapshot = stream.next()
        assert snapshot.event == "snapshot"
        assert [item["task_id"] for item in snapshot.data["items"]] == [before]
        assert snapshot.data["complete"] is True
        accept(store, owner="bob")
        new = queued()
        assert stream.until("queued").data["task_id"] == new
        start(store, before)
        running = stream.until("running")
        assert running.data["task_id"] == before
        store.delete(before)
        assert stream.until("deleted").data == {"task_id": before}
    succeed(store, new)
    with live.events(last=running.id) as stream:
        told = [stream.next(), stream.next()]
    assert [event.event for event in told] == ["deleted", "succeeded"]


def test_a_batch_is_followed_alone(live: LiveApi, store: PredictionStore, queued):
    mine, other = queued(batch="b"), queued(batch="c")
    with live.events(batch="b") as stream:
        assert [item["task_id"] for item in stream.next().data["items"]] == [mine]
        store.cancel(other, retention=HOUR)
        store.cancel(mine, retention=HOUR)
        assert stream.until("canceled").data["task_id"] == mine


def test_a_long_snapshot_comes_in_parts(live: LiveApi, queued, monkeypatch):
    monkeypatch.setattr(streams, "AT_ONCE", 2)
    ids = [queued() for _ in range(5)]
    with live.events() as stream:
        parts = [stream.next() for _ in range(3)]
    assert [part.data["complete"] for part in parts] == [False, False, True]
    assert [part.id is not None for part in parts] == [False, False, True], "a part is no whole"
    assert [item["task_id"] for part in parts for item in part.data["items"]] == ids[::-1]


def test_places_in_the_queue_are_told_when_they_change(
    live: LiveApi, store: PredictionStore, queued
):
    first, second = queued(), queued()
    with live.events(one(second)) as stream, live.events() as all_of_them:
        assert stream.next().data["queue"]["ahead"] == 1
        all_of_them.next()
        succeed(store, first)
        told = stream.until("queue")
        assert told.data["task_id"] == second
        assert told.data["queue"]["ahead"] == 0
        assert told.id is None
        (item,) = all_of_them.until("queue").data["items"]
        assert (item["task_id"], item["queue"]["ahead"]) == (second, 0)


def test_where_predictions_take_long_those_that_end_together_are_read_together(
    live: LiveApi, store: PredictionStore, state, queued, monkeypatch
):
    reads: list[int] = []
    by_id = Viewer.by_id

    def note(self: Viewer, task_ids: Sequence[str]) -> list[View]:
        reads.append(len(task_ids))
        return by_id(self, task_ids)

    monkeypatch.setattr(Viewer, "by_id", note)
    first, *others = (queued() for _ in range(25))
    for task_id in (first, *others):  # as if they had waited for a minute
        state.hincrby(f"inferq:prediction:{task_id}", "created", -60_000_000)
    with live.events() as stream:
        stream.next()
        succeed(store, first)
        stream.until("succeeded")
        reads.clear()
        for task_id in others:
            succeed(store, task_id)
        assert {stream.until("succeeded").data["task_id"] for _ in others} == set(others)
    assert len(reads) <= len(others) / 3


def test_what_the_models_have_to_do_is_told_to_who_asks_for_it_whoever_gave_it_to_them(
    live: LiveApi, store: PredictionStore, queued
):
    with live.events(load="true") as stream, live.events() as plain:
        told = stream.next()
        while told.event in ("snapshot", "resync"):  # the latter as the server begins to follow
            told = stream.next()
        (idle,) = told.data["items"]
        assert (idle["model"], idle["queued"], idle["workers"]) == (str(MODEL), 0, 1)
        task_id = accept(store, owner="bob", model=MODEL)
        told = stream.next()
        assert (told.event, told.id) == ("load", None)
        assert told.data["items"][0]["queued"] == 1
        succeed(store, task_id)
        while told.data["items"][0]["queued"]:
            told = stream.next()
        assert told.data == live.client.get("/api/v1/queue").json()
        plain.next()
        queued()
        assert plain.next().event == "queued"


def test_what_is_submitted_to_one_process_is_heard_of_at_another(
    start_api, store: PredictionStore, upload, pipeline
):
    one_process, another = start_api(), start_api()
    with another.events() as stream:
        stream.next()
        answer = one_process.client.post("/api/v1/predictions", files=upload)
        task_id = answer.json()["task_id"]
        assert stream.until("queued").data["task_id"] == task_id
        pipeline.run(task_id)
        assert stream.until("succeeded").data["result"]["detections"]
    waited = another.client.get(
        f"/api/v1/predictions/{task_id}", headers={"Prefer": "wait=5", "If-None-Match": 'W/"1"'}
    )
    assert waited.json()["state"] == "succeeded"


def test_a_stream_goes_on_at_the_next_process_when_its_own_ends(
    start_api, store: PredictionStore, queued
):
    first = start_api()
    task_id = queued()
    with first.events() as stream:
        seen = stream.next().id
        started = time.monotonic()
        first.ask_to_stop()
        assert [event.event for event in stream.rest()] in ([], ["queue"])
        first.stop()
        assert time.monotonic() - started < 4, "an open stream held the server up"
    succeed(store, task_id)
    second = start_api(first.port)
    with second.events(last=seen) as stream:
        assert stream.next().data["task_id"] == task_id


def test_an_idle_stream_sends_comments(live: LiveApi, queued, monkeypatch):
    monkeypatch.setattr(streams, "PING_SECONDS", 0.05)
    task_id = queued()
    with live.events(one(task_id)) as stream:
        stream.next()
        assert next(line for line in stream.lines if line) == ": ping"


def test_a_reader_that_takes_nothing_is_dropped(
    live: LiveApi, store: PredictionStore, queued, monkeypatch
):
    monkeypatch.setattr(streams, "SLOW_SECONDS", 0.3)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", live.port))
        head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {live.key}"
        deaf.sendall(f"GET /api/v1/events HTTP/1.1\r\n{head}\r\n\r\n".encode())
        app = live._server.config.app
        eventually(app.state.services.changes._all)
        metadata = {"note": "x" * 3900}
        for _ in range(1200):
            queued(metadata=metadata)
        eventually(lambda: not app.state.services.changes._all(), seconds=10)


def test_a_change_that_another_has_overtaken_is_left_to_that_one(
    live: LiveApi, store: PredictionStore, queued, monkeypatch
):
    first, second, other = queued(), queued(), queued()
    overtake = {
        first: lambda: store.cancel(first, retention=HOUR),
        second: lambda: store.delete(second),
    }
    by_id = Viewer.by_id

    def read_late(self: Viewer, task_ids: Sequence[str]) -> list[View]:
        """Reads when the prediction has already changed again."""
        for task_id in set(task_ids) & set(overtake):
            overtake.pop(task_id)()
        return by_id(self, task_ids)

    monkeypatch.setattr(Viewer, "by_id", read_late)
    with live.events() as stream:
        seen = stream.next().id
        start(store, first)
        told = stream.until("canceled")
        assert told.data["task_id"] == first
        start(store, second)
        gone = stream.until("deleted")
        assert gone.data == {"task_id": second}
        succeed(store, other)
        stream.until("succeeded")
    with live.events(last=told.id) as stream:
        assert [stream.next().event for _ in range(2)] == ["deleted", "succeeded"]
    with live.events(last=seen) as stream:
        assert [stream.next().event for _ in range(3)] == ["canceled", "deleted", "succeeded"]


@pytest.mark.parametrize("read", list(product((1, 2, 3), (2, 3), (3,))), ids=str)
def test_the_end_is_told_however_late_each_change_is_read(
    store: PredictionStore, read, monkeypatch
):
    task_id = accept(store)
    views = {1: View(store.get(task_id), None)}
    attempt = start(store, task_id)
    views[2] = View(store.get(task_id), None)
    assert store.finish(attempt, Outcome(State.SUCCEEDED), retention=HOUR)
    views[3] = View(store.get(task_id), None)
    assert [view.record.revision for view in views.values()] == [1, 2, 3]
    stream = streams._AllPredictions(None, None, streams.Wish())
    told = []
    for revision, seen in enumerate(read, start=1):
        monkeypatch.setattr(Viewer, "by_id", lambda *_, seen=seen: [views[seen]])
        change = Change(EventId(revision, 0), task_id, "", revision, "ann", None)
        told += [stream._tell(Listener(), each) for each in push.read(Viewer(None), [change])]
    states = [frame.partition(b"event: ")[2].split()[0].decode() for frame in told]
    assert states == sorted(set(states), key=["queued", "running", "succeeded"].index)
    assert states[-1] == "succeeded"


@pytest.mark.anyio
async def test_a_listener_that_does_not_keep_up_hears_no_more():
    listener = Listener()
    update = Update(Change(EventId(1, 1), "x", "deleted", 1, "ann", None), None)
    for _ in range(push.MOST_PENDING):
        listener.offer(update)
    assert await listener.next(1) == update
    listener.offer(update)
    listener.offer(update)
    with pytest.raises(ListenerGone):
        await listener.next(1)


def test_there_is_no_stream_of_what_there_is_not(live: LiveApi, store: PredictionStore):
    for task_id in ("nonesuch", accept(store, owner="bob")):
        with live.events(one(task_id)) as stream:
            assert stream.response.status_code == 404
            assert stream.response.headers["content-type"] == "application/problem+json"
