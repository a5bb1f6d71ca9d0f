"""Carries out the client's steps under asyncio; children are tasks."""

import asyncio
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from contextlib import aclosing
from typing import Any, TypeVar

import httpx2 as httpx

from inferq.client.connection import LARGEST_EVENT_BYTES, request_options, stream_options
from inferq.client.steps import (
    Action,
    Emit,
    Fetch,
    Message,
    NextChunk,
    NextEvent,
    Open,
    Pause,
    Receive,
    Send,
    Spawn,
    Steps,
    Tell,
    Work,
)

T = TypeVar("T")
END = object()


class Driver:
    """Carries out one run of steps."""

    def __init__(
        self, http: httpx.AsyncClient, sources: Iterable[Any] | AsyncIterable[Any] = ()
    ) -> None:
        self._http = http
        self._sources = aiter(sources) if isinstance(sources, AsyncIterable) else iter(sources)
        self._response: httpx.Response | None = None
        self._reader: AsyncIterator[Any] | None = None
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._children: set[asyncio.Task[None]] = set()
        self._handlers: dict[type, Callable[[Any], Awaitable[Any]]] = {
            Send: self._send,
            Open: self._open,
            NextEvent: self._next,
            NextChunk: self._next,
            Pause: lambda action: asyncio.sleep(action.seconds),
            Work: lambda action: asyncio.to_thread(action.function),
            Tell: self._tell,
            Fetch: self._fetch,
            Spawn: self._spawn,
            Receive: self._receive,
        }

    async def run(self, steps: Steps[T]) -> T:
        """Carries out steps that emit nothing; returns what they return."""
        returned: list[T] = []
        async with aclosing(self.iterate(steps, returned)) as running:
            async for _ in running:
                pass
        return returned[0]

    async def iterate(
        self, steps: Steps[T], returned: list[T] | None = None
    ) -> AsyncGenerator[Any, None]:
        """Carries out steps; yields what they emit, and appends what they return to a list."""
        try:
            action = next(steps)
            while True:
                if isinstance(action, Emit):
                    yield action.value
                    action = next(steps)
                    continue
                try:
                    outcome = await self._perform(action)
                except Exception as error:  # noqa: BLE001 - the steps decide what it means
                    action = steps.throw(error)
                else:
                    action = steps.send(outcome)
        except StopIteration as end:
            if returned is not None:
                returned.append(end.value)
        finally:
            steps.close()
            await self._close()

    async def _perform(self, action: Action) -> Any:
        return await self._handlers[type(action)](action)

    async def _send(self, action: Send) -> httpx.Response:
        return await self._http.send(self._http.build_request(**request_options(action.request)))

    async def _open(self, action: Open) -> httpx.Response:
        await self._close_response()
        request = self._http.build_request(**stream_options(action.request))
        response = self._response = await self._http.send(request, stream=True)
        if response.is_error:
            await response.aread()
        elif "text/event-stream" in action.request.headers.get("Accept", ""):
            self._reader = aiter(httpx.EventSource(response, LARGEST_EVENT_BYTES))
        else:
            self._reader = response.aiter_bytes()
        return response

    async def _next(self, _: NextEvent | NextChunk) -> Any:
        return None if self._reader is None else await anext(self._reader, None)

    async def _tell(self, action: Tell) -> None:
        told = action.callback(action.value)
        if inspect.isawaitable(told):
            await told

    async def _fetch(self, action: Fetch) -> None:
        self._start(self._fetch_next(action))

    async def _fetch_next(self, action: Fetch) -> None:
        try:
            if isinstance(self._sources, AsyncIterator):
                source = await anext(self._sources, END)
            else:
                source = next(self._sources, END)
        except Exception as error:  # noqa: BLE001 - whatever the user's iterator raises is theirs
            self._messages.put_nowait(Message(action, error=error))
            return
        value = None if source is END else source
        self._messages.put_nowait(Message(action, value, final=source is END))

    async def _spawn(self, action: Spawn) -> None:
        self._start(self._run_child(action))

    def _start(self, child: Any) -> None:
        task = asyncio.create_task(child)
        self._children.add(task)
        task.add_done_callback(self._children.discard)

    async def _run_child(self, action: Spawn) -> None:
        returned: list[Any] = []
        try:
            async with aclosing(Driver(self._http).iterate(action.steps, returned)) as running:
                async for value in running:
                    self._messages.put_nowait(Message(action.tag, value, final=False))
        except Exception as error:  # noqa: BLE001 - it is the parent's to handle
            self._messages.put_nowait(Message(action.tag, error=error))
        else:
            self._messages.put_nowait(Message(action.tag, returned[0]))

    async def _receive(self, action: Receive) -> Message | None:
        try:
            async with asyncio.timeout(action.seconds):
                return await self._messages.get()
        except TimeoutError:
            return None

    async def _close(self) -> None:
        children = tuple(self._children)
        for child in children:
            child.cancel()
        await asyncio.gather(*children, return_exceptions=True)
        await self._close_response()

    async def _close_response(self) -> None:
        self._reader = None
        if self._response is not None:
            await self._response.aclose()
            self._response = None
