"""Plain FastAPI: one process, one session, an endpoint in the thread pool, which runs as many at once as there are CPUs."""

import os
import threading
from typing import Any

import uvicorn
from detector import Model
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

app = FastAPI()
model = Model()
room = threading.Semaphore(len(os.sched_getaffinity(0)))


def detect(data: bytes) -> dict[str, Any]:
    with room:
        return model.detect(data)


@app.post("/detect")
async def endpoint(request: Request) -> dict[str, Any]:
    return await run_in_threadpool(detect, await request.body())


if __name__ == "__main__":
    port = int(os.environ["PORT"])
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")
