"""FastAPI and Celery with as little else as there can be: what a queue of this kind costs at least.

The request lies in a file, its path in a message; a worker that has its model publishes the result, and the request that
waits is answered with it. Nothing is checked, no record is kept, nobody else can ask, and what was on its way when a process
died is gone. Threads, uvloop, no gossip, no results of Celery's, a nice worker: as quick as its options go.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import redis
from celery import Celery
from celery.signals import worker_init
from fastapi import FastAPI, Request, Response
from redis.asyncio import Redis

STORE = os.environ["STORE"]
FOLDER = Path(os.environ["FOLDER"])
DONE = "done"
ID_LENGTH = 32

queue = Celery("least", broker=STORE)
queue.conf.update(
    worker_pool="threads",
    # One reads or writes while the CPUs compute.
    worker_concurrency=len(os.sched_getaffinity(0)) + 1,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    task_ignore_result=True,
)
_loaded: list[Any] = []
_waiting: dict[bytes, asyncio.Future[bytes]] = {}


@worker_init.connect
def load(**_: Any) -> None:
    from detector import Model  # noqa: PLC0415 - the API needs none

    _loaded.extend((Model(), redis.Redis.from_url(STORE)))


@queue.task(name="detect")
def detect(number: str, path: str) -> None:
    model, store = _loaded
    result = model.detect(Path(path).read_bytes())
    store.publish(DONE, number.encode() + orjson.dumps(result))


async def hear() -> None:
    """Answers the requests that wait, as results come."""
    async with Redis.from_url(STORE) as store, store.pubsub() as channel:
        await channel.subscribe(DONE)
        async for message in channel.listen():
            if message["type"] == "message":
                number, result = message["data"][:ID_LENGTH], message["data"][ID_LENGTH:]
                if (waiting := _waiting.pop(number, None)) and not waiting.done():
                    waiting.set_result(result)


@asynccontextmanager
async def hearing(_: FastAPI) -> AsyncIterator[None]:
    task = asyncio.create_task(hear())
    yield
    task.cancel()


app = FastAPI(lifespan=hearing)


@app.post("/detect")
async def submit(request: Request) -> Response:
    number = uuid.uuid4().hex
    path = FOLDER / number
    path.write_bytes(await request.body())
    answer = _waiting[number.encode()] = asyncio.get_running_loop().create_future()
    detect.apply_async((number, str(path)))
    return Response(await answer, media_type="application/json")
