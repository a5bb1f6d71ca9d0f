"""The tutorial's design: FastAPI, Celery on RabbitMQ and Redis, clients that poll.

The model is loaded by the first task of each process, the task draws the boxes, too, and a client asks every three seconds.
It has what any user of Celery would give it: a process a CPU, and no fetching ahead.
"""

import base64
import io
import os
from typing import Any

from celery import Celery
from fastapi import FastAPI, Request
from PIL import Image, ImageDraw
from starlette.concurrency import run_in_threadpool

queue = Celery("tutorial", broker=os.environ["BROKER"], backend=os.environ["BACKEND"])
queue.conf.update(worker_prefetch_multiplier=1, result_expires=3600)
app = FastAPI()
_models: list[Any] = []


@queue.task(name="detect")
def detect(photo: str) -> dict[str, Any]:
    if not _models:
        from detector import Model  # noqa: PLC0415 - as in the tutorial, by the first task

        _models.append(Model())
    data = base64.b64decode(photo)
    result: dict[str, Any] = _models[0].detect(data)
    return {"result": result, "drawn": draw(data, result)}


def draw(data: bytes, result: dict[str, Any]) -> str:
    """The picture with its boxes, as a JPEG in base64."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    pen = ImageDraw.Draw(image)
    for found in result["detections"]:
        box = found["box"]
        corners = (box["x_min"], box["y_min"], box["x_max"], box["y_max"])
        pen.rectangle(corners, outline="red", width=3)
        pen.text(corners[:2], f"{found['label']} {found['score']:.2f}", fill="red")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return base64.b64encode(buffer.getvalue()).decode()


def send(data: bytes) -> str:
    sent: str = detect.delay(base64.b64encode(data).decode()).id
    return sent


@app.post("/detect", status_code=202)
async def submit(request: Request) -> dict[str, str]:
    return {"task_id": await run_in_threadpool(send, await request.body())}


@app.get("/result")
def look(task_id: str) -> dict[str, Any]:
    found = queue.AsyncResult(task_id)
    if found.state == "SUCCESS":
        return {"status": "success", "result": found.result["result"]}
    return {"status": "failure" if found.state == "FAILURE" else "in_progress"}
