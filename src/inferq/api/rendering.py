"""Drawing pictures in few threads of their own, for few requests at once, and only while somebody waits for them."""

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from inferq.errors import RenderingBusy

RENDERS_AT_ONCE = 2
RENDERS_WAITING = 64
"""A page of 50 previews fits. At half a second for a large picture the last of 64 waits 16 s; a browser gives that long."""
RETRY_SECONDS = 5


class Renders:
    """Pictures that are being drawn, and requests that wait for one.

    They have threads of their own, so that they never take those in which predictions are accepted. What waits
    holds no thread and no picture; what would wait too long is refused.
    """

    def __init__(self, *, at_once: int = RENDERS_AT_ONCE, waiting: int = RENDERS_WAITING) -> None:
        self._threads = anyio.CapacityLimiter(at_once)
        self._most_pending = at_once + waiting
        self._pending = 0
        self._making: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def pending(self) -> int:
        """How many are being drawn or wait."""
        return self._pending

    async def run(self, request: Request, make: Callable[[], bytes]) -> bytes | None:
        """Draws one picture in a thread; None if the client went away meanwhile.

        Raises:
            RenderingBusy: Too many wait already.
            InferqError: Whatever `make` raises.
        """
        return await _while_connected(request, lambda: self._run(make))

    async def once(
        self,
        request: Request,
        key: str,
        *,
        find: Callable[[], bytes | None],
        make: Callable[[], bytes],
    ) -> bytes | None:
        """What `find` finds, or else `make` makes: once, however many ask for the same `key` at the same time.

        Args:
            request: None is returned when its client goes away.
            key: Of the picture.
            find: Looks whether it was made; called in a thread.
            make: Makes it, so that `find` finds it from then on.

        Raises:
            RenderingBusy: Too many wait already.
            InferqError: Whatever `find` and `make` raise.
        """

        async def take_turn() -> bytes:
            async with self._making.setdefault(key, asyncio.Lock()):
                found = await run_in_threadpool(find)
                return await self._run(make) if found is None else found

        found = await run_in_threadpool(find)
        return found if found is not None else await _while_connected(request, take_turn)

    async def _run(self, make: Callable[[], bytes]) -> bytes:
        if self._pending >= self._most_pending:
            raise RenderingBusy(
                f"{self._pending} pictures wait to be drawn; ask again in a moment.",
                retry_after=RETRY_SECONDS,
            )
        self._pending += 1
        try:
            return await anyio.to_thread.run_sync(make, limiter=self._threads)
        finally:
            self._pending -= 1


async def _while_connected(request: Request, work: Callable[[], Awaitable[bytes]]) -> bytes | None:
    """Works until it is done, or the client has gone (then None); a thread at work is waited for."""
    with anyio.CancelScope() as scope:
        watcher = asyncio.create_task(_cancel_when_gone(request, scope))
        try:
            return await work()
        finally:
            watcher.cancel()
    return None


async def _cancel_when_gone(request: Request, scope: anyio.CancelScope) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
    scope.cancel()
