"""Both clients behind the same blocking calls, so that each test of the logic runs on both drivers."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from client.pretend import PretendServer
from inferq.client import AsyncClient, AsyncPredictionHandle, Client


class Blocking:
    """An asynchronous client or handle, called from ordinary code."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self._target, self._runner = target, runner

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not callable(attribute):
            return attribute

        def call(*arguments: Any, **options: Any) -> Any:
            called = attribute(*arguments, **options)
            if inspect.isasyncgen(called):
                return self._iterate(called)
            if not inspect.iscoroutine(called):
                return called
            value = self._runner.run(called)
            return Blocking(value, self._runner) if _is_handle(value) else value

        return call

    def _iterate(self, running: Any) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(running, StopAsyncIteration)

        async def closing() -> None:
            await running.aclose()

        try:
            while (value := self._runner.run(following())) is not StopAsyncIteration:
                yield value
        finally:
            self._runner.run(closing())


def _is_handle(value: object) -> bool:
    return isinstance(value, AsyncPredictionHandle)


@pytest.fixture
def server() -> Iterator[PretendServer]:
    pretend = PretendServer()
    yield pretend
    pretend.close()


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, server: PretendServer) -> Iterator[Any]:
    """A client of the pretended server: the real one, and the asynchronous one in the same clothes."""
    if request.param == "sync":
        with Client(server.url, timeout=3) as client:
            yield client
        return
    with asyncio.Runner() as runner:
        target = AsyncClient(server.url, timeout=3)
        yield Blocking(target, runner)
        runner.run(target.aclose())
