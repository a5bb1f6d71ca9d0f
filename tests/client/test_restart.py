"""A hundred clients of a real `inferq up` wait while its API is killed; none of their users notices."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from inferq import AsyncClient, Client, Prediction
from system.served import Served, eventually

IN_THREADS, IN_A_LOOP = 60, 40
PATIENCE = 120.0
"""A busy machine takes long to start an API twice; that nobody loses anything is what matters here."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "data")
    try:
        yield server.ready()
    finally:
        server.stop()


def test_a_hundred_waiting_clients_get_their_results_although_the_api_is_killed(
    served: Served, photo: dict[str, bytes]
):
    started = threading.Barrier(IN_THREADS + 2)

    def predict(number: int) -> Prediction:
        with Client(**served.access, timeout=PATIENCE) as client:
            started.wait()
            if number % 2:
                return client.predict(photo["chelsea"])
            return client.submit(photo["chelsea"]).result()

    async def predict_all() -> list[Prediction]:
        async with AsyncClient(**served.access, timeout=PATIENCE) as client:
            return await asyncio.gather(
                *(client.predict(photo["chelsea"]) for _ in range(IN_A_LOOP))
            )

    def run_loop() -> list[Prediction]:
        started.wait()
        return asyncio.run(predict_all())

    with ThreadPoolExecutor(IN_THREADS + 1) as pool:
        looped = pool.submit(run_loop)
        threaded = [pool.submit(predict, number) for number in range(IN_THREADS)]
        started.wait()
        for ended in (5, 25):
            _kill_api_when(served, threaded, ended)
        results = [*looped.result(PATIENCE), *(future.result(PATIENCE) for future in threaded)]
    assert len(results) == IN_THREADS + IN_A_LOOP
    assert len({result.task_id for result in results}) == len(results)
    assert {result.result.detections[0].label for result in results} == {"cat"}


def _kill_api_when(served: Served, futures: list[Future[Prediction]], ended: int) -> None:
    eventually(lambda: sum(future.done() for future in futures) >= ended, seconds=60)
    assert not all(future.done() for future in futures), "too late to be of interest"
    victim = served.child("inferq api")
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: served.child("inferq api") != victim)


def test_a_map_goes_on_although_the_api_is_killed(served: Served, photo: dict[str, bytes]):
    with Client(**served.access, timeout=PATIENCE) as client:
        running = client.map([photo["chelsea"]] * 60, at_once=20)
        first = [next(running) for _ in range(10)]
        victim = served.child("inferq api")
        os.kill(victim, signal.SIGKILL)
        results = [*first, *running]
    assert len({result.task_id for result in results}) == 60
    assert {result.result.detections[0].label for result in results} == {"cat"}
