"""Wakes whoever waits for a prediction: one reader of the event stream per API process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import redis
import structlog

from inferq.predictions.events import follow, last_event_id
from inferq.state import connect_async

RECONNECT_PAUSE = 0.5

log = structlog.get_logger()


class Changes:
    """Local waiters by task id, woken by the event stream.

    Register first, read the record next, wait last: then no change falls in between.
    """

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def watch(self, task_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at each change of a prediction, and whenever one may have been missed."""
        changed = asyncio.Event()
        self._waiters[task_id].add(changed)
        try:
            yield changed
        finally:
            self._waiters[task_id].discard(changed)
            if not self._waiters[task_id]:
                del self._waiters[task_id]

    async def run(self) -> None:
        """Reads the stream until it is cancelled; reconnects when the state store comes back."""
        while True:
            client = connect_async(self._url)
            try:
                after = await last_event_id(client)
                self._wake_all()
                async for change in follow(client, after=after):
                    self._wake(change.task_id)
            except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError) as error:
                log.warning("event_stream_lost", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_PAUSE)
            finally:
                await client.aclose()

    def _wake(self, task_id: str) -> None:
        for changed in self._waiters.get(task_id, ()):
            changed.set()

    def _wake_all(self) -> None:
        for task_id in list(self._waiters):
            self._wake(task_id)
