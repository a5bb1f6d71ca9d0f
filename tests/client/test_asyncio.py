"""What only `AsyncClient` has: cancellation at any moment, coroutines as callbacks."""

import asyncio
from contextlib import aclosing

import pytest

from client.pretend import PretendServer
from inferq import AsyncClient
from inferq.predictions.record import Prediction, State


def test_canceled_waits_leave_a_client_that_works(server: PretendServer):
    async def scenario() -> None:
        async with AsyncClient(server.url) as client:
            handles = [await client.submit(b"picture") for _ in range(30)]
            for _ in range(3):
                waits = [asyncio.create_task(handle.wait()) for handle in handles]
                asked = server.count("GET", "/predictions/") + len(waits)
                await asyncio.to_thread(_until_asked, server, asked)
                for wait in waits:
                    wait.cancel()
                ended = await asyncio.gather(*waits, return_exceptions=True)
                assert all(isinstance(end, asyncio.CancelledError) for end in ended)
            for handle in handles:
                server.move(handle.task_id, State.SUCCEEDED)
            results = await asyncio.gather(*(handle.result(5) for handle in handles))
            assert {result.state for result in results} == {"succeeded"}

    asyncio.run(scenario())


def test_a_time_limit_around_any_call_is_kept(server: PretendServer):
    async def scenario() -> None:
        async with AsyncClient(server.url) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.predict(b"picture")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(_map_all(client), 0.2)
            for task_id in server.unfinished():
                server.move(task_id, State.SUCCEEDED)
            assert (await client.get(next(iter(server.predictions)))).state == "succeeded"
            server.until(lambda: server.streams == 0)

    asyncio.run(scenario())


def test_updates_may_be_awaited(server: PretendServer):
    async def scenario() -> list[str]:
        seen: list[str] = []

        async def heard(prediction: Prediction) -> None:
            await asyncio.sleep(0)
            seen.append(prediction.state)

        async with AsyncClient(server.url) as client:
            handle = await client.submit(b"picture")
            server.move(handle.task_id, State.SUCCEEDED)
            await handle.wait(on_update=heard)
        return seen

    assert asyncio.run(scenario()) == ["succeeded"]


def _until_asked(server: PretendServer, times: int) -> None:
    server.until(lambda: server.count("GET", "/predictions/") >= times)


async def _map_all(client: AsyncClient) -> list[Prediction]:
    async with aclosing(client.map([b"picture"] * 9)) as running:
        return [prediction async for prediction in running]
