"""`Client`: the calls for ordinary code, safe to use from several threads."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, overload

import httpx2 as httpx

from inferq.client.blocking import Driver
from inferq.client.calls import Calls, ExportFormat, Followed, OnUpdate, Submission
from inferq.client.connection import Connection
from inferq.client.events import Event, listen
from inferq.client.handle import Handle
from inferq.client.mapping import AT_ONCE, Errors, Mapping, Outcome, Plan
from inferq.client.sources import Parameter, Source
from inferq.predictions.record import Batch, Prediction


class PredictionHandle(Handle):
    """One submitted prediction."""

    def __init__(self, http: httpx.Client, calls: Calls, followed: Followed) -> None:
        super().__init__(calls, followed)
        self._http = http

    def wait(
        self, timeout: float | None = None, *, on_update: OnUpdate | None = None
    ) -> Prediction:
        """Waits for the terminal state, woken by the server.

        Args:
            timeout: Seconds; None waits as long as it takes.
            on_update: Called with the prediction at each change.

        Returns:
            The prediction, terminal, whether it succeeded or not.

        Raises:
            TimeoutError: It has not ended in time; it goes on, and `wait` may be called again.
            InferqError: The server refused the call; `ServerUnreachable` if there is none.
        """
        return Driver(self._http).run(self._calls.wait(self._followed, timeout, on_update))

    def result(self, timeout: float | None = None) -> Prediction:
        """Waits for success.

        Raises:
            InferqError: The class of the problem's code, if the prediction failed or was canceled.
            TimeoutError: It has not ended in time.
        """
        return Driver(self._http).run(self._calls.result(self._followed, timeout))

    def cancel(self) -> Prediction:
        """Cancels the prediction, whether it waits or runs.

        Raises:
            AlreadyFinished: It succeeded or failed before.
        """
        return Driver(self._http).run(self._calls.cancel(self.task_id))


class Client:
    """Talks to one server. Safe to use from several threads; close it, or use it in a `with` block."""

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
        self._http = httpx.Client(**connection.options())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def submit(
        self,
        source: Source,
        *,
        model: str | None = None,
        batch: str | None = None,
        filename: str | None = None,
        **parameters: Parameter,
    ) -> PredictionHandle:
        """Submits an input; returns as soon as the server has accepted it.

        A lost answer or a server that is busy is retried; the prediction is made once.

        Args:
            source: A path, bytes, an open binary file, a PIL image or an RGB array `[height, width, 3]`; for a
                model that takes JSON a dictionary, list, number or pydantic model. The media type follows from
                the name; of bytes, an `inferq.File` tells it.
            model: `name` or `name@version`; the server's default where None.
            batch: A label that groups predictions.
            filename: Name to show; that of the path or file where None.
            parameters: `metadata` (a dictionary), `start_within` (seconds), `callback_url` (to be told how it
                ended), and the model's own, such as `score_threshold=0.3`.

        Raises:
            InferqError: The class of the problem's code; `ServerUnreachable` if there is no server.
        """
        submission = Submission(source, {"model": model, "batch": batch, **parameters}, filename)
        answer = Driver(self._http).run(self._calls.submit(submission))
        return PredictionHandle(self._http, self._calls, Followed(answer))

    def predict(
        self,
        source: Source,
        *,
        wait: float | None = None,
        filename: str | None = None,
        **options: Parameter,
    ) -> Prediction:
        """Submits an input and waits for its success; takes what `submit` takes.

        Raises:
            InferqError: The class of the problem's code, if it was refused or failed.
            TimeoutError: It has not ended in `wait` seconds.
        """
        submission = Submission(source, options, filename)
        return Driver(self._http).run(self._calls.predict(submission, wait))

    @overload
    def map(
        self,
        sources: Iterable[Source],
        *,
        ordered: bool = True,
        at_once: int = AT_ONCE,
        errors: Literal["raise"] = "raise",
        **options: Parameter,
    ) -> Generator[Prediction, None, None]: ...
    @overload
    def map(
        self,
        sources: Iterable[Source],
        *,
        ordered: bool = True,
        at_once: int = AT_ONCE,
        errors: Literal["yield"],
        **options: Parameter,
    ) -> Generator[Outcome, None, None]: ...
    def map(
        self,
        sources: Iterable[Source],
        *,
        ordered: bool = True,
        at_once: int = AT_ONCE,
        errors: Errors = "raise",
        **options: Parameter,
    ) -> Generator[Any, None, None]:
        """Predicts on many inputs, several at once, and hands over the results as they come.

        Inputs are taken from `sources` only as there is room, so that memory stays bounded however many there
        are. A queue that is full is waited for without end. What is on its way when you stop early goes on at
        the server.

        Args:
            sources: What `submit` takes, from any iterable; it is read in this thread.
            ordered: Results in the order of the inputs; else as they finish.
            at_once: Inputs that are on their way at a time: being sent, waiting, running, or ready to be handed
                over after an earlier one.
            errors: `raise` ends with the first input that has no result. `yield` hands over an `Outcome` for each
                input, with its error where it has one; only what concerns all inputs is raised, such as
                `ServerUnreachable`.
            options: What `submit` takes, for all inputs.

        Yields:
            Predictions; with `errors="yield"` outcomes.

        Raises:
            InferqError: The class of the problem's code.
        """
        plan = Plan(options, at_once, ordered, errors)
        return Driver(self._http, sources).iterate(Mapping(self._calls, plan).steps())

    def get(self, task_id: str) -> Prediction:
        """A prediction as it is now.

        Raises:
            InferqError: The class of the problem's code; `NotFound` if there is none.
        """
        return Driver(self._http).run(self._calls.get(task_id))

    def list(self, *, limit: int | None = None, **filters: Parameter) -> Iterator[Prediction]:
        """Your predictions, newest first, read page by page.

        Args:
            limit: Most predictions; None reads all.
            filters: `state`, `model`, `label`, `batch` (each one or several), `created_after`, `created_before`.
        """
        return Driver(self._http).iterate(self._calls.list(limit, filters))

    def cancel(self, task_id: str) -> Prediction:
        """Cancels a prediction, whether it waits or runs; repeated, it says the same again.

        Raises:
            AlreadyFinished: It succeeded or failed before.
        """
        return Driver(self._http).run(self._calls.cancel(task_id))

    def delete(self, task_id: str) -> None:
        """Deletes a prediction, its pictures and its result; what runs is canceled."""
        Driver(self._http).run(self._calls.delete(task_id))

    def delete_many(self, ids: Sequence[str] | None = None, **filters: Parameter) -> int:
        """Deletes predictions by id, or by the filters of `list`; returns how many.

        Raises:
            InvalidParameter: Neither ids nor a filter was given: nothing is deleted by mistake.
        """
        return Driver(self._http).run(self._calls.delete_many(ids, filters))

    def batch(self, label: str) -> Batch:
        """How many of a batch's predictions stand in each state, and when all are expected to have ended.

        Raises:
            NotFound: Nothing carries the label (any more).
        """
        return Driver(self._http).run(self._calls.batch(label))

    def cancel_batch(self, label: str) -> Batch:
        """Cancels what has not ended of a batch; repeated, it says the same again."""
        return Driver(self._http).run(self._calls.cancel_batch(label))

    def rerun(
        self, task_id: str, *, model: str | None = None, **parameters: Parameter
    ) -> PredictionHandle:
        """Predicts on the input of an earlier prediction again, with another model or other parameters."""
        answer = Driver(self._http).run(self._calls.rerun(task_id, model, parameters))
        return PredictionHandle(self._http, self._calls, Followed(answer))

    def events(self, *, batch: str | None = None) -> Generator[Event, None, None]:
        """What happens to your predictions from now on, without end; begins with what is unfinished.

        A lost connection is made again, and what was missed is told late.

        Raises:
            InferqError: The server refused; `ServerUnreachable` if it stayed away.
        """
        steps = listen(lambda event: (event,), self._calls.timeout, batch=batch)
        return Driver(self._http).iterate(steps)

    def models(self) -> tuple[dict[str, Any], ...]:
        """The cards of all models that the server knows."""
        return Driver(self._http).run(self._calls.models())

    def annotated(self, task_id: str, **query: Parameter) -> bytes:
        """The picture as JPEG with its detections drawn; takes `score_threshold` and `classes`."""
        return Driver(self._http).run(self._calls.annotated(task_id, query))

    def export(
        self, to: str | Path, export_format: ExportFormat = "jsonl", **filters: Parameter
    ) -> None:
        """Writes predictions into a file, which is there whole or not at all.

        Args:
            to: The file.
            export_format: `jsonl`, `csv`, `coco`, `yolo` or `voc`.
            filters: Those of `list`; `images=True` adds the pictures.
        """
        Driver(self._http).run(self._calls.export(Path(to), export_format, filters))

    def ready(self) -> dict[str, Any]:
        """What the server's readiness probe says; asked once, without retries.

        Raises:
            ServerUnreachable: There is no server.
        """
        return Driver(self._http).run(self._calls.ready())
