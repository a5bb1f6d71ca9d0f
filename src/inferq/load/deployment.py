"""A deployment of inferq under load: inputs are posted, and their ends are heard of as they are pushed."""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import orjson

from inferq.errors import RequestError, ServerUnreachable
from inferq.load.phases import CallFailed, Told
from inferq.load.wire import Answer, Target, Wire

PREDICTIONS = "/api/v1/predictions"
WAIT_SECONDS = 30
RECONNECT_SECONDS = 0.2
ACCEPTED, FINISHED = 202, 200
ENDS = (b"event: succeeded\n", b"event: failed\n", b"event: canceled\n")
SUCCEEDED = "succeeded"
DEAF = "event stream lost"


class Payload(NamedTuple):
    """An input as it is sent."""

    data: bytes
    media_type: str
    name: str


class Ended(NamedTuple):
    """The end of a prediction: when it was heard of, and the prediction."""

    at: float
    prediction: dict[str, Any]


class Deployment:
    """The calls of a load on a server of inferq.

    A call posts one of the inputs as a raw body, is answered 202, and hears of the end by one stream of events for
    all; with `wait`, its one request is answered at the end (`Prefer: wait`). All predictions carry one batch label,
    by which they are deleted again.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None,
        inputs: Sequence[Payload],
        *,
        options: Sequence[tuple[str, str]] = (),
        wait: bool = False,
    ) -> None:
        """Connects to nothing yet; takes parameters of the prediction as `options`.

        Raises:
            SetupError: The URL is none.
        """
        self.batch = f"bench-{secrets.token_hex(6)}"
        self._target = Target.parse(url)
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        query = urlencode([*options, ("batch", self.batch)])
        self._requests = [self._post(payload, query, wait=wait) for payload in inputs]
        self._wait = wait
        self._ends: defaultdict[str, asyncio.Future[Ended]] = defaultdict(
            lambda: asyncio.get_running_loop().create_future()
        )
        self._last_event = ""
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begins to listen.

        Raises:
            RequestError: The server does not let this caller.
            ServerUnreachable: It does not answer.
        """
        self._wire = Wire(self._target)
        await self._check(await self._ask("GET", f"{PREDICTIONS}?limit=1"))
        if not self._wait:
            listening = asyncio.Event()
            self._listener = asyncio.create_task(self._listen(listening))
            self._listener.add_done_callback(self._give_up)
            await listening.wait()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hears of nothing more."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        self._wire.close()

    async def __call__(self, number: int, /) -> Told:
        """Sends one input and waits for its end.

        Raises:
            CallFailed: The server refused it, or it did not succeed.
            OSError: The server was out of reach.
        """
        if self._listener is not None and self._listener.done():
            raise CallFailed(DEAF)
        answer = await self._wire.send(self._requests[number % len(self._requests)])
        if self._wait:
            return _told(None, _read(answer, FINISHED))
        accepted = time.perf_counter()
        task_id = _read(answer, ACCEPTED)["task_id"]
        try:
            ended = await self._ends[task_id]
        finally:
            self._ends.pop(task_id, None)
        return _told(accepted, ended.prediction)

    async def forget(self) -> int:
        """Deletes what was made; returns how many predictions that were.

        Raises:
            RequestError: The server does not let this caller.
            ServerUnreachable: It does not answer.
        """
        body = orjson.dumps({"filter": {"batch": [self.batch]}})
        answer = await self._ask("POST", f"{PREDICTIONS}/delete", body)
        await self._check(answer)
        deleted: int = orjson.loads(answer.body)["deleted"]
        return deleted

    def _post(self, payload: Payload, query: str, *, wait: bool) -> bytes:
        headers = self._headers | {
            "Content-Type": payload.media_type,
            "Content-Disposition": f'attachment; filename="{payload.name}"',
        }
        if wait:
            headers["Prefer"] = f"wait={WAIT_SECONDS}"
        return self._target.request("POST", f"{PREDICTIONS}?{query}", headers, payload.data)

    async def _ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        try:
            return await self._wire.send(self._target.request(method, path, headers, body))
        except OSError as error:
            raise _unreachable(self._target) from error

    async def _check(self, answer: Answer) -> None:
        if answer.status != FINISHED:
            raise RequestError(_detail(answer))

    async def _listen(self, listening: asyncio.Event) -> None:
        """Hears of the ends until it is cancelled; goes on where it was when a connection ends."""
        while True:
            events = _Events(self._hear, listening.set)
            headers = self._headers | (
                {"Last-Event-ID": self._last_event} if self._last_event else {}
            )
            request = self._target.request("GET", f"/api/v1/events?batch={self.batch}", headers)
            with suppress(OSError):
                await self._wire.stream(request, events.take)
            await asyncio.sleep(RECONNECT_SECONDS)

    def _give_up(self, listener: asyncio.Task[None]) -> None:
        """Fails the calls that wait: the listener has ended by a fault, and nobody would hear of their ends."""
        for ended in list(self._ends.values()):
            if not listener.cancelled() and not ended.done():
                ended.set_exception(CallFailed(DEAF))

    def _hear(self, event_id: str, data: bytes | None) -> None:
        """Takes an event; `data` of an end alone."""
        self._last_event = event_id or self._last_event
        if data is None:
            return
        prediction = orjson.loads(data)
        ended = self._ends[prediction["task_id"]]
        if not ended.done():
            ended.set_result(Ended(time.perf_counter(), prediction))


class _Events:
    """Takes a stream of Server-Sent Events apart; what is no end is not even parsed."""

    def __init__(
        self, hear: Callable[[str, bytes | None], None], begun: Callable[[], None]
    ) -> None:
        self._hear = hear
        self._begun = begun
        self.rest = b""

    def take(self, part: bytes) -> None:
        *events, self.rest = (self.rest + part).split(b"\n\n")
        for event in events:
            self._begun()
            data = _field(event, b"\ndata: ") if event.startswith(ENDS) else None
            self._hear(_field(event, b"\nid: ").decode(), data)


def _field(event: bytes, name: bytes) -> bytes:
    return event.partition(name)[2].partition(b"\n")[0]


def _read(answer: Answer, wanted: int) -> dict[str, Any]:
    if answer.status != wanted:
        raise CallFailed(f"HTTP {answer.status}")
    prediction: dict[str, Any] = orjson.loads(answer.body)
    return prediction


def _told(accepted: float | None, prediction: dict[str, Any]) -> Told:
    if prediction["state"] != SUCCEEDED:
        raise CallFailed(prediction["state"])
    stages = prediction["timings_ms"] or {}
    return Told(accepted, {name: spent for name, spent in stages.items() if spent is not None})


def _detail(answer: Answer) -> str:
    try:
        return f"HTTP {answer.status}: {orjson.loads(answer.body)['detail']}"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"HTTP {answer.status}"


def _unreachable(target: Target) -> ServerUnreachable:
    return ServerUnreachable(
        f"No server answers on {target.scheme}://{target.host}:{target.port}. Is it running?"
    )
