"""Server-Sent Events: what a client has missed, then what happens, as it happens."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

import anyio
import orjson
import structlog
from fastapi import Response
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Message, Send
from typing_extensions import override

from inferq.api.callers import Access
from inferq.api.deps import Services
from inferq.api.push import Listener, ListenerGone, Places, Update, UpdatesMissed, latest, read
from inferq.api.schemas import QueueList, View
from inferq.errors import StateUnavailable
from inferq.predictions.events import DELETED, START, Change, EventId
from inferq.predictions.lists import UNFINISHED, Filter, Page
from inferq.predictions.record import QueuePlace, Record

PING_SECONDS = 15.0
SLOW_SECONDS = 30.0
RETRY_MS = 3000
AT_ONCE = 200
"""Predictions in one `snapshot`, or read at once."""
# Proxies that would hold events back are told not to (nginx and others read the second one).
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

log = structlog.get_logger()


class EventStream(StreamingResponse):
    """An answer that goes on; a reader that takes nothing for a while is dropped instead of being buffered for."""

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncIterator[bytes]) -> None:
        """Takes the events as they are to be sent."""
        super().__init__(frames, headers=HEADERS)

    @override
    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            with anyio.fail_after(SLOW_SECONDS):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except TimeoutError:
            log.info("slow_reader_dropped")


def follow_one(
    services: Services, access: Access, record: Record, last_event_id: str | None
) -> Response:
    """The events of one prediction, until its end; 204 for a client that has seen the end."""
    seen = _parse(last_event_id)
    if record.prediction.state.is_terminal and seen is not None:
        missed = services.events.since(seen)
        if missed is not None and all(change.task_id != record.task_id for change in missed):
            return Response(status_code=204)
    return EventStream(_OnePrediction(services, access, record.task_id).frames(seen))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to hear of beside the caller's predictions, or only."""

    batch: str | None = None
    """None: all batches."""
    load: bool = False
    """Also what the models have to do, whoever gave it to them."""


def follow_all(
    services: Services, access: Access, wish: Wish, last_event_id: str | None
) -> Response:
    """The events of all predictions of an owner, or of those of a batch."""
    return EventStream(_AllPredictions(services, access, wish).frames(_parse(last_event_id)))


def _parse(last_event_id: str | None) -> EventId | None:
    """The id that a client has seen; one that nobody can have seen where it makes no sense."""
    try:
        return None if last_event_id is None else EventId.parse(last_event_id)
    except ValueError:
        return START


class _Stream(ABC):
    """One client that listens."""

    def __init__(
        self, services: Services, access: Access, task_id: str | None, *, load: bool = False
    ) -> None:
        self._services = services
        self._access = access
        self._task_id = task_id
        self._load = load
        self._seen = START
        self._ended = False

    async def frames(self, last_seen: EventId | None) -> AsyncIterator[bytes]:
        """What goes over the line, from where the client was before, until there can be no more."""
        yield format_sse_event(retry=RETRY_MS)
        with self._services.changes.listen(
            self._access, self._task_id, load=self._load
        ) as listener:
            try:
                async for frame in self._catch_up(listener, last_seen):
                    yield frame
                while not self._ended and self._access.caller.seconds_left:
                    async for frame in self._next(listener):
                        yield frame
            except (ListenerGone, StateUnavailable):
                # The client comes back by itself, with the id of what it has seen.
                return

    async def _next(self, listener: Listener) -> AsyncIterator[bytes]:
        try:
            update = await listener.next(min(PING_SECONDS, self._access.caller.seconds_left))
        except UpdatesMissed:
            async for frame in self._catch_up(listener, self._seen):
                yield frame
            return
        if update is None:
            yield KEEPALIVE_COMMENT
        elif isinstance(update, Places):
            for frame in self._places(listener, update.places):
                yield frame
        elif isinstance(update, QueueList):
            yield format_sse_event(event="load", data_str=update.model_dump_json())
        elif update.change.event_id > self._seen and self._concerns(update.change):
            yield self._tell(listener, update)

    async def _catch_up(
        self, listener: Listener, last_seen: EventId | None
    ) -> AsyncIterator[bytes]:
        """What has happened since; or all as it is now, where that is not known."""
        newest = await run_in_threadpool(self._services.events.newest)
        missed = None
        if last_seen is not None:
            missed = await run_in_threadpool(self._services.events.since, last_seen)
        if missed is None:
            self._seen = newest
            async for frame in self._snapshot(listener, lost=last_seen is not None):
                yield frame
            return
        changes = latest(filter(self._concerns, missed))
        for first in range(0, len(changes), AT_ONCE):
            part = changes[first : first + AT_ONCE]
            for update in await run_in_threadpool(read, self._services.viewer, part):
                yield self._tell(listener, update)
        self._seen = max([newest, *(change.event_id for change in missed)])

    def _tell(self, listener: Listener, update: Update) -> bytes:
        change, view = update.change, update.view
        self._seen = change.event_id
        if view is not None:
            return self._show(listener, view, change.event_id)
        listener.forget(change.task_id)
        self._ended = self._task_id is not None
        body = orjson.dumps({"task_id": change.task_id}).decode()
        return format_sse_event(event=DELETED, id=str(change.event_id), data_str=body)

    def _show(self, listener: Listener, view: View, event_id: EventId) -> bytes:
        """A prediction as it is."""
        listener.keep(view)
        state = view.record.prediction.state
        self._ended = self._task_id is not None and state.is_terminal
        return format_sse_event(event=state, id=str(event_id), data_str=view.body)

    @abstractmethod
    def _concerns(self, change: Change) -> bool:
        """Whether this client is to hear of a change."""

    @abstractmethod
    def _snapshot(self, listener: Listener, *, lost: bool) -> AsyncIterator[bytes]:
        """All as it is now; `lost` says that what the client knows may be stale."""

    @abstractmethod
    def _places(self, listener: Listener, places: Mapping[str, QueuePlace]) -> Iterator[bytes]:
        """New places in the queue."""


class _OnePrediction(_Stream):
    @override
    def _concerns(self, change: Change) -> bool:
        return change.task_id == self._task_id

    @override
    async def _snapshot(self, listener: Listener, *, lost: bool) -> AsyncIterator[bytes]:
        views = await run_in_threadpool(self._services.viewer.by_id, [str(self._task_id)])
        if not views:
            self._ended = True
            return
        if lost:
            body = views[0].body
            yield format_sse_event(event="resync", id=str(self._seen), data_str=body)
        yield self._show(listener, views[0], self._seen)

    @override
    def _places(self, listener: Listener, places: Mapping[str, QueuePlace]) -> Iterator[bytes]:
        for task_id, place in places.items():
            if record := listener.waiting.get(task_id):
                yield format_sse_event(event="queue", data_str=View(record, place).body)


class _AllPredictions(_Stream):
    def __init__(self, services: Services, access: Access, wish: Wish) -> None:
        super().__init__(services, access, None, load=wish.load)
        self._batch = wish.batch

    @override
    def _concerns(self, change: Change) -> bool:
        return change.owner == self._access.owner and self._batch in (None, change.batch)

    @override
    async def _snapshot(self, listener: Listener, *, lost: bool) -> AsyncIterator[bytes]:
        if lost:
            yield format_sse_event(event="resync", data_str="{}")
        page = Page((), None)
        first = True
        while first or page.next:
            page, views = await run_in_threadpool(self._unfinished, page)
            for view in views:
                listener.keep(view)
            items = ",".join(view.body for view in views)
            complete = "false" if page.next else "true"
            # Who has all of it may come back with the id; who has a part begins anew.
            yield format_sse_event(
                event="snapshot",
                id=None if page.next else str(self._seen),
                data_str=f'{{"items":[{items}],"complete":{complete}}}',
            )
            first = False

    def _unfinished(self, last: Page) -> tuple[Page, list[View]]:
        batches = frozenset[str]() if self._batch is None else frozenset({self._batch})
        page = self._services.lists.page(
            self._access.owner,
            Filter(states=UNFINISHED, batches=batches),
            limit=AT_ONCE,
            after=last.next,
        )
        return page, self._services.viewer.many(page.records)

    @override
    def _places(self, listener: Listener, places: Mapping[str, QueuePlace]) -> Iterator[bytes]:
        items = [
            {"task_id": task_id, "queue": place.model_dump()}
            for task_id, place in places.items()
            if task_id in listener.waiting
        ]
        if items:
            yield format_sse_event(event="queue", data_str=orjson.dumps({"items": items}).decode())
