"""How a client of each contender gets a result: by one request, by asking again and again, or by being told."""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import orjson

from inferq.client import Client
from inferq.load.deployment import Deployment, Payload
from inferq.load.phases import CallFailed, Told
from inferq.load.wire import Answer, Target, Wire

BOUNDARY = "----inferq-bench"
ACCEPTED_THEN = "accepted, then "
GOOD = (200, 202)
DONE = ("success", "completed")


class Caller(Protocol):
    """The calls of a load, while it is open."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
    async def __call__(self, number: int, /) -> Told: ...

    async def detections(self, photo: int) -> list[dict[str, Any]]:
        """What is found on a photograph."""
        ...


class Direct:
    """One request, whose answer is the result."""

    def __init__(self, url: str, path: str, photos: Sequence[bytes], field: str | None) -> None:
        """Sends photographs as raw bodies, or as a form with this field."""
        self._target = Target.parse(url)
        self._requests = [self._request(path, photo, field) for photo in photos]

    async def __aenter__(self) -> Self:
        self._wire = Wire(self._target)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._wire.close()

    async def __call__(self, number: int, /) -> Told:
        self._read(await self._send(number))
        return Told()

    async def detections(self, photo: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._read(await self._send(photo))["detections"]
        return found

    async def _send(self, number: int) -> Answer:
        return await self._wire.send(self._requests[number % len(self._requests)])

    def _read(self, answer: Answer) -> Any:
        if answer.status not in GOOD:
            raise CallFailed(f"HTTP {answer.status}")
        return orjson.loads(answer.body)

    def _request(self, path: str, photo: bytes, field: str | None) -> bytes:
        if field is None:
            return self._target.request("POST", path, {"Content-Type": "image/jpeg"}, photo)
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="photo.jpg"'
            "\r\nContent-Type: image/jpeg\r\n\r\n"
        )
        body = head.encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()
        form = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        return self._target.request("POST", path, form, body)


class Polled(Direct):
    """A request that is answered with a task's id; the client then asks for its state every so many seconds."""

    def __init__(  # noqa: PLR0913 - what differs between two servers' tasks
        self,
        url: str,
        path: str,
        photos: Sequence[bytes],
        field: str | None,
        *,
        look: str,
        fetch: str | None,
        every: float,
    ) -> None:
        super().__init__(url, path, photos, field)
        self._look, self._fetch, self._every = look, fetch, every

    async def __call__(self, number: int, /) -> Told:
        accepted, _ = await self._run(number)
        return Told(accepted)

    async def detections(self, photo: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._run(photo))[1]["detections"]
        return found

    async def _run(self, number: int) -> tuple[float, Any]:
        task = self._read(await self._send(number))["task_id"]
        accepted = time.perf_counter()
        while True:
            await asyncio.sleep(self._every)
            told = await self._ask(self._look, task)
            if told is None or told["status"] == "in_progress":
                continue
            if told["status"] not in DONE:
                raise CallFailed(ACCEPTED_THEN + str(told["status"]))
            if self._fetch is None:
                return accepted, told["result"]
            if (result := await self._ask(self._fetch, task)) is not None:
                return accepted, result

    async def _ask(self, path: str, task: str) -> Any:
        """What is told of a task; None where the server cannot tell for now, and has to be asked again."""
        request = self._target.request("GET", f"{path}?task_id={task}", {})
        try:
            answer = await self._wire.send(request)
        except OSError:
            return None
        return orjson.loads(answer.body) if answer.status in GOOD else None


class Inferq:
    """inferq: one request answered at its end (`wait`), or 202 and one stream of events for all."""

    def __init__(self, url: str, key: str, photos: Sequence[bytes], *, wait: bool) -> None:
        self._url, self._key = url, key
        self._photos = photos
        payloads = [Payload(photo, "image/jpeg", "photo.jpg") for photo in photos]
        self._deployment = Deployment(url, key, payloads, wait=wait)

    async def __aenter__(self) -> Self:
        await self._deployment.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self._deployment.__aexit__(kind, error, trace)

    async def __call__(self, number: int, /) -> Told:
        try:
            return await self._deployment(number)
        except CallFailed as error:
            if str(error).startswith("HTTP"):
                raise
            raise CallFailed(ACCEPTED_THEN + str(error)) from error

    async def detections(self, photo: int) -> list[dict[str, Any]]:
        def predict() -> list[dict[str, Any]]:
            with Client(self._url, api_key=self._key) as client:
                result = client.predict(self._photos[photo]).result
                return [found.model_dump() for found in result.detections] if result else []

        return await asyncio.to_thread(predict)
