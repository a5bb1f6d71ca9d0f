"""`AsyncClient`: the calls as coroutines, for asyncio."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, overload

import httpx2 as httpx

from inferq.client.asynchronous import Driver
from inferq.client.calls import Calls, ExportFormat, Followed, OnUpdate, Submission
from inferq.client.connection import Connection
from inferq.client.events import Event, listen
from inferq.client.handle import Handle
from inferq.client.mapping import AT_ONCE, Errors, Mapping, Outcome, Plan
from inferq.client.sources import Parameter, Source
from inferq.predictions.record import Batch, Prediction


class AsyncPredictionHandle(Handle):
    """One submitted prediction."""

    def __init__(self, http: httpx.AsyncClient, calls: Calls, followed: Followed) -> None:
        super().__init__(calls, followed)
        self._http = http

    async def wait(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the same as in `PredictionHandle`
        *,
        on_update: OnUpdate | None = None,
    ) -> Prediction:
        """As `PredictionHandle.wait`; `on_update` may be a coroutine function.

        Raises:
            TimeoutError: It has not ended in time; it goes on, and `wait` may be called again.
            InferqError: The server refused the call; `ServerUnreachable` if there is none.
        """
        return await Driver(self._http).run(self._calls.wait(self._followed, timeout, on_update))

    async def result(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the same as in `PredictionHandle`
    ) -> Prediction:
        """As `PredictionHandle.result`.

        Raises:
            InferqError: The class of the problem's code, if the prediction failed or was canceled.
            TimeoutError: It has not ended in time.
        """
        return await Driver(self._http).run(self._calls.result(self._followed, timeout))

    async def cancel(self) -> Prediction:
        """Cancels the prediction, whether it waits or runs.

        Raises:
            AlreadyFinished: It succeeded or failed before.
        """
        return await Driver(self._http).run(self._calls.cancel(self.task_id))


class AsyncClient:
    """Talks to one server in one event loop; close it, or use it in an `async with` block.

    A call may be canceled at any time: the client stays usable, and what was submitted goes on at the server.
    """

    def __init__(
        self, url: str | None = None, api_key: str | None = None, *, timeout: float = 30.0
    ) -> None:
        """Takes the server's URL and a key.

        Args:
            url: By default `INFERQ_URL`, then the server that `inferq up` of this user started last.
            api_key: By default `INFERQ_API_KEY`.
            timeout: Seconds for which a call keeps trying while the server is away or has no room.
        """
        connection = Connection.of(url, api_key)
        self.url = connection.url
        self._calls = Calls(timeout)
        self._http = httpx.AsyncClient(**connection.options())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def submit(
        self,
        source: Source,
        *,
        model: str | None = None,
        batch: str | None = None,
        filename: str | None = None,
        **parameters: Parameter,
    ) -> AsyncPredictionHandle:
        """As `Client.submit`.

        Raises:
            InferqError: The class of the problem's code; `ServerUnreachable` if there is no server.
        """
        submission = Submission(source, {"model": model, "batch": batch, **parameters}, filename)
        answer = await Driver(self._http).run(self._calls.submit(submission))
        return AsyncPredictionHandle(self._http, self._calls, Followed(answer))

    async def predict(
        self,
        source: Source,
        *,
        wait: float | None = None,
        filename: str | None = None,
        **options: Parameter,
    ) -> Prediction:
        """As `Client.predict`.

        Raises:
            InferqError: The class of the problem's code, if it was refused or failed.
            TimeoutError: It has not ended in `wait` seconds.
        """
        submission = Submission(source, options, filename)
        return await Driver(self._http).run(self._calls.predict(submission, wait))

    @overload
    def map(
        self,
        sources: Iterable[Source] | AsyncIterable[Source],
        *,
        ordered: bool = True,
        at_once: int = AT_ONCE,
        errors: Literal["raise"] = "raise",
        **options: Parameter,
    ) -> AsyncGenerator[Prediction, None]: ...
    @overload
    def map(
        self,
        sources: Iterable[Source] | AsyncIterable[Source],
        *,
        ordered: bool = True,
        at_once: int = AT_ONCE,
        errors: Literal["yield"],
        **options: Parameter,
    ) -> AsyncGenerator[Outcome, None]: ...
    def map(
        self,
        sources: Iterable[Source] | AsyncIterable[Source],
        *,
        ordered: bool = True,
        at_once: int = AT_ONCE,
        errors: Errors = "raise",
        **options: Parameter,
    ) -> AsyncGenerator[Any, None]:
        """As `Client.map`; `sources` may be asynchronous, too.

        To stop early, close the generator (`contextlib.aclosing`).

        Yields:
            Predictions; with `errors="yield"` outcomes.

        Raises:
            InferqError: The class of the problem's code.
        """
        plan = Plan(options, at_once, ordered, errors)
        return Driver(self._http, sources).iterate(Mapping(self._calls, plan).steps())

    async def get(self, task_id: str) -> Prediction:
        """A prediction as it is now.

        Raises:
            InferqError: The class of the problem's code; `NotFound` if there is none.
        """
        return await Driver(self._http).run(self._calls.get(task_id))

    def list(
        self, *, limit: int | None = None, **filters: Parameter
    ) -> AsyncGenerator[Prediction, None]:
        """As `Client.list`."""
        return Driver(self._http).iterate(self._calls.list(limit, filters))

    async def cancel(self, task_id: str) -> Prediction:
        """Cancels a prediction, whether it waits or runs; repeated, it says the same again.

        Raises:
            AlreadyFinished: It succeeded or failed before.
        """
        return await Driver(self._http).run(self._calls.cancel(task_id))

    async def delete(self, task_id: str) -> None:
        """Deletes a prediction, its pictures and its result; what runs is canceled."""
        await Driver(self._http).run(self._calls.delete(task_id))

    async def delete_many(self, ids: Sequence[str] | None = None, **filters: Parameter) -> int:
        """Deletes predictions by id, or by the filters of `list`; returns how many.

        Raises:
            InvalidParameter: Neither ids nor a filter was given: nothing is deleted by mistake.
        """
        return await Driver(self._http).run(self._calls.delete_many(ids, filters))

    async def batch(self, label: str) -> Batch:
        """How many of a batch's predictions stand in each state, and when all are expected to have ended.

        Raises:
            NotFound: Nothing carries the label (any more).
        """
        return await Driver(self._http).run(self._calls.batch(label))

    async def cancel_batch(self, label: str) -> Batch:
        """Cancels what has not ended of a batch; repeated, it says the same again."""
        return await Driver(self._http).run(self._calls.cancel_batch(label))

    async def rerun(
        self, task_id: str, *, model: str | None = None, **parameters: Parameter
    ) -> AsyncPredictionHandle:
        """Predicts on the input of an earlier prediction again, with another model or other parameters."""
        answer = await Driver(self._http).run(self._calls.rerun(task_id, model, parameters))
        return AsyncPredictionHandle(self._http, self._calls, Followed(answer))

    def events(self, *, batch: str | None = None) -> AsyncGenerator[Event, None]:
        """As `Client.events`.

        Raises:
            InferqError: The server refused; `ServerUnreachable` if it stayed away.
        """
        steps = listen(lambda event: (event,), self._calls.timeout, batch=batch)
        return Driver(self._http).iterate(steps)

    async def models(self) -> tuple[dict[str, Any], ...]:
        """The cards of all models that the server knows."""
        return await Driver(self._http).run(self._calls.models())

    async def annotated(self, task_id: str, **query: Parameter) -> bytes:
        """The picture as JPEG with its detections drawn; takes `score_threshold` and `classes`."""
        return await Driver(self._http).run(self._calls.annotated(task_id, query))

    async def export(
        self, to: str | Path, export_format: ExportFormat = "jsonl", **filters: Parameter
    ) -> None:
        """As `Client.export`."""
        await Driver(self._http).run(self._calls.export(Path(to), export_format, filters))

    async def ready(self) -> dict[str, Any]:
        """What the server's readiness probe says; asked once, without retries.

        Raises:
            ServerUnreachable: There is no server.
        """
        return await Driver(self._http).run(self._calls.ready())
