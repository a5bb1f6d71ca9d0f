"""Tells whoever listens of changes: one reader of the event stream per API process, however many listen.

Listen first, read the record next, then wait for updates: so no change falls in between.
"""

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

import redis
import structlog
from starlette.concurrency import run_in_threadpool

from inferq.api.callers import Access
from inferq.api.schemas import QueueList, View
from inferq.api.viewer import Viewer
from inferq.errors import StateUnavailable
from inferq.predictions.events import DELETED, Change, follow
from inferq.predictions.record import QueuePlace, Record
from inferq.state import connect_async

RECONNECT_PAUSE = 0.5
PLACES_SECONDS = 1.0
LOAD_SECONDS = 1.0
PLACES_AT_ONCE = 20
PLACES_REST = 3
"""Telling places rests at least so many times as long as it took: at most a quarter of the time, however many listen."""
REST_SHARE = 1 / 8
MOST_REST = 0.05
"""Between two reads of the stream telling rests for this share of the time that predictions took lately, from acceptance to
end, and at most so many seconds: what happens meanwhile is read and told at once, which costs a process on busy cores about
as much as one change alone. So an end is told within a few milliseconds where nothing queues, and a queue of hundreds of
milliseconds is not noticeably longer for it."""
USUAL_WEIGHT = 1 / 4
MOST_PENDING = 1_000
MOST_PLACES = 200

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Update:
    """A change, and the prediction as it was read after it; None once it was deleted."""

    change: Change
    view: View | None

    @property
    def is_newest(self) -> bool:
        """Whether the prediction had not changed again when it was read."""
        if self.view is None:
            return self.change.event == DELETED
        return self.view.record.revision == self.change.revision


def latest(changes: Iterable[Change]) -> list[Change]:
    """The last change of each prediction, oldest first."""
    by_task = {change.task_id: change for change in changes}
    return sorted(by_task.values(), key=lambda change: change.event_id)


def read(viewer: Viewer, changes: Sequence[Change]) -> list[Update]:
    """Changes, each with the prediction as it is now.

    A prediction that has changed again meanwhile is left to that change, which is told next: told now, with the id of the
    older one, its end would be told once more to a client that comes back with that id.
    """
    views = viewer.by_id([change.task_id for change in changes if change.event != DELETED])
    found = {view.record.task_id: view for view in views}
    updates = [Update(change, found.get(change.task_id)) for change in changes]
    return [update for update in updates if update.is_newest]


@dataclass(frozen=True, slots=True)
class Places:
    """Where predictions stand in the queue now, of those whose place has changed."""

    places: Mapping[str, QueuePlace]


Told: TypeAlias = Update | Places | QueueList
"""What a listener can hear of: the last is what the models have to do."""


class ListenerGone(Exception):
    """A listener gets no more updates: it was too slow, the server ends, or its credential is revoked."""


class UpdatesMissed(Exception):
    """The event stream was out of reach: what a listener knows may be stale."""


class Listener:
    """What one waiting request hears of."""

    def __init__(self, *, load: bool = False, ends_only: bool = False) -> None:
        self.wants_load = load
        """Whether it wants to hear what the models have to do."""
        self._ends_only = ends_only
        self.waiting: dict[str, Record] = {}
        """The queued predictions whose places it wants to hear of."""
        self._told: dict[str, QueuePlace] = {}
        self._load_told: QueueList | None = None
        self._pending: deque[Told] = deque()
        self._wake = asyncio.Event()
        self._missed = False
        self._gone = False

    async def next(self, seconds: float) -> Told | None:
        """The next update, or None where there is none in so many seconds.

        Raises:
            UpdatesMissed: Read anew what you know; updates follow again from here on.
            ListenerGone: There will be none.
        """
        if not self._pending and not self._missed and not self._gone:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
        if self._gone:
            raise ListenerGone
        if self._missed:
            self._missed = False
            raise UpdatesMissed
        return self._pending.popleft() if self._pending else None

    def wants(self, change: Change) -> bool:
        """Whether it wants to hear of a change: of any, or of ends alone."""
        return not self._ends_only or change.is_end

    def keep(self, view: View) -> None:
        """Notes a prediction that was shown: while it is queued, its places are to be told."""
        task_id = view.record.task_id
        if view.queue is None:
            self.forget(task_id)
        elif task_id in self.waiting or len(self.waiting) < MOST_PLACES:
            self.waiting[task_id] = view.record
            self._told[task_id] = view.queue

    def forget(self, task_id: str) -> None:
        """Notes that a prediction is not queued any more."""
        self.waiting.pop(task_id, None)
        self._told.pop(task_id, None)

    def offer(self, update: Update) -> None:
        """Puts an update behind those that wait; a listener that does not fetch them is dropped."""
        if len(self._pending) >= MOST_PENDING:
            self.drop()
        if not self._gone:
            self._pending.append(update)
            self._wake.set()

    def offer_places(self, places: Mapping[str, QueuePlace]) -> None:
        """Tells new places, unless older ones still wait to be fetched."""
        mine = {task_id: places[task_id] for task_id in self.waiting if task_id in places}
        changed = {
            task_id: place for task_id, place in mine.items() if place != self._told.get(task_id)
        }
        if changed and not any(isinstance(pending, Places) for pending in self._pending):
            self._told |= changed
            self._pending.append(Places(changed))
            self._wake.set()

    def offer_load(self, load: QueueList) -> None:
        """Tells a new load, unless an older one still waits to be fetched."""
        if load != self._load_told and not any(
            isinstance(pending, QueueList) for pending in self._pending
        ):
            self._load_told = load
            self._pending.append(load)
            self._wake.set()

    def miss(self) -> None:
        """Notes that changes may have been missed."""
        self._missed = True
        self._wake.set()

    def drop(self) -> None:
        """Ends it; what waits is thrown away."""
        self._gone = True
        self._pending.clear()
        self._wake.set()


class Changes:
    """The listeners of this process, and the tasks that serve them."""

    def __init__(self, redis_url: str, viewer: Viewer) -> None:
        """Connects to nothing yet."""
        self._url = redis_url
        self._viewer = viewer
        self._by_task: defaultdict[str, set[Listener]] = defaultdict(set)
        self._by_owner: defaultdict[str, set[Listener]] = defaultdict(set)
        self._usual_seconds = 0.0
        self._closed = False

    @contextmanager
    def listen(
        self,
        access: Access,
        task_id: str | None = None,
        *,
        load: bool = False,
        ends_only: bool = False,
    ) -> Iterator[Listener]:
        """Hears of one prediction, or of all of an owner's, as long as the caller's credential is valid.

        With `load` also of what the models have to do; with `ends_only` of no change but a prediction's end.
        """
        listener, caller = Listener(load=load, ends_only=ends_only), access.caller
        group, key = (self._by_owner, access.owner) if task_id is None else (self._by_task, task_id)
        group[key].add(listener)
        caller.on_end.add(listener.drop)
        if not caller.seconds_left:
            listener.drop()
        if self._closed:
            listener.drop()
        try:
            yield listener
        finally:
            caller.on_end.discard(listener.drop)
            group[key].discard(listener)
            if not group[key]:
                del group[key]

    def close(self) -> None:
        """Ends all listeners, now and from now on: the server is to end, and they would hold it up."""
        self._closed = True
        for listener in self._all():
            listener.drop()

    async def run(self) -> None:
        """Reads the stream until it is cancelled; reconnects when the state store comes back."""
        while True:
            client = connect_async(self._url)
            try:
                async for changes in follow(client):
                    if changes:
                        await self._tell(changes)
                    else:
                        self._missed()
                    await asyncio.sleep(min(REST_SHARE * self._usual_seconds, MOST_REST))
            except (redis.RedisError, StateUnavailable) as error:
                log.warning("event_stream_lost", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_PAUSE)
            except Exception:
                # The edge of a task without which nobody would hear of anything any more.
                log.exception("event_stream_lost")
                await asyncio.sleep(RECONNECT_PAUSE)
            finally:
                await client.aclose()

    async def tell_places(self) -> None:
        """Tells listeners how far what they wait for has come, until it is cancelled.

        Once a second, or as often as there is time for so many of them. A few at a time, spread over the second: what
        happens meanwhile must not wait for all of them.
        """
        while True:
            waiting = [listener for listener in self._all() if listener.waiting]
            pause = least = PLACES_SECONDS / max(1, math.ceil(len(waiting) / PLACES_AT_ONCE))
            for first in range(0, max(1, len(waiting)), PLACES_AT_ONCE):
                await asyncio.sleep(pause)
                began = time.monotonic()
                await self._tell_places_to(waiting[first : first + PLACES_AT_ONCE])
                await asyncio.sleep(0)  # whoever was told writes
                pause = max(least, PLACES_REST * (time.monotonic() - began))

    async def _tell_places_to(self, listeners: Sequence[Listener]) -> None:
        records = {
            task_id: record
            for listener in listeners
            for task_id, record in listener.waiting.items()
        }
        if not records:
            return
        try:
            places = await run_in_threadpool(self._viewer.places, list(records.values()))
        except StateUnavailable:
            return
        for listener in listeners:
            listener.offer_places(places)

    async def tell_load(self) -> None:
        """Tells listeners that want it once a second what the models have to do, until it is cancelled."""
        while True:
            await asyncio.sleep(LOAD_SECONDS)
            wanting = [listener for listener in self._all() if listener.wants_load]
            if not wanting:
                continue
            try:
                load = await run_in_threadpool(self._viewer.loads)
            except StateUnavailable:
                continue
            for listener in wanting:
                listener.offer_load(load)

    async def _tell(self, changes: Sequence[Change]) -> None:
        """Reads each changed prediction once, and hands it to all who listen."""
        heard = latest(change for change in changes if self._listeners(change))
        updates = await run_in_threadpool(read, self._viewer, heard) if heard else []
        self._learn([update.view for update in updates if update.view])
        for update in updates:
            for listener in self._listeners(update.change):
                listener.offer(update)

    def _learn(self, views: Sequence[View]) -> None:
        """Notes how long predictions take that somebody waits for; where they differ, it goes by the quick ones."""
        seconds = [
            view.record.prediction.timings_ms["total"] / 1e3
            for view in views
            if view.record.prediction.state.is_terminal
        ]
        if seconds:
            self._usual_seconds += USUAL_WEIGHT * (min(seconds) - self._usual_seconds)

    def _listeners(self, change: Change) -> list[Listener]:
        """Those that want to hear of a change."""
        groups = self._by_task.get(change.task_id, ()), self._by_owner.get(change.owner, ())
        return [listener for group in groups for listener in group if listener.wants(change)]

    def _missed(self) -> None:
        for listener in self._all():
            listener.miss()

    def _all(self) -> list[Listener]:
        groups = (*self._by_task.values(), *self._by_owner.values())
        return [listener for group in groups for listener in group]
