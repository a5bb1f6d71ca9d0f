"""Every call of the client as steps: what is asked for, and what is made of the answer."""

import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal
from urllib.parse import quote

import httpx2 as httpx

from inferq.client.exchange import Patience, error_from, error_of, exchange, unreachable
from inferq.client.sources import Parameter, Source, fields, lists, read_source
from inferq.client.steps import (
    Emit,
    NextChunk,
    Open,
    Pause,
    Request,
    Send,
    Steps,
    Tell,
    Upload,
    Work,
)
from inferq.errors import InferqError, PredictionCanceled
from inferq.predictions.record import Batch, Prediction, State

LONGEST_WAIT = 30
"""Most seconds that a server keeps one request waiting."""
LARGEST_PAGE = 200
PREDICTIONS = "/api/v1/predictions"

ExportFormat = Literal["jsonl", "csv", "coco", "yolo", "voc"]
OnUpdate = Callable[[Prediction], Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction as the server gave it, with its tag."""

    prediction: Prediction
    etag: str

    @classmethod
    def of(cls, response: httpx.Response) -> "Answer":
        """Reads an answer."""
        prediction = Prediction.model_validate_json(response.content)
        return cls(prediction, response.headers.get("ETag", ""))


@dataclass(slots=True)
class Followed:
    """A prediction and the newest answer about it."""

    latest: Answer

    @property
    def task_id(self) -> str:
        """The prediction's id."""
        return self.latest.prediction.task_id


@dataclass(frozen=True, slots=True)
class Submission:
    """What is asked of the server about one input."""

    source: Source
    parameters: Mapping[str, Parameter]
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls; `timeout` is how long each keeps trying, in seconds."""

    timeout: float

    def submit(
        self, submission: Submission, *, wait: float = 0, outlast_busy: bool = False
    ) -> Steps[Answer]:
        """Has a prediction made, once, however often the request has to be repeated."""
        content = yield from read_source(submission.source)
        seconds = _whole_seconds(wait)
        request = Request(
            "POST",
            PREDICTIONS,
            headers=_idempotency_key() | _prefer(seconds),
            upload=Upload(
                submission.filename or content.name,
                content.data,
                content.media_type,
                fields(submission.parameters),
            ),
            waits=seconds,
        )
        patience = Patience(self.timeout, outlast_busy=outlast_busy)
        return Answer.of((yield from exchange(request, patience)))

    def wait(
        self, followed: Followed, timeout: float | None = None, on_update: OnUpdate | None = None
    ) -> Steps[Prediction]:
        """Follows a prediction to its end by long polls."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while not followed.latest.prediction.state.is_terminal:
            left = deadline - time.monotonic()
            if left <= 0:
                state = followed.latest.prediction.state
                raise TimeoutError(f"Prediction {followed.task_id} is still {state}.")
            newer = yield from self._poll(followed.latest, left)
            if newer is not None:
                followed.latest = newer
                if on_update is not None:
                    yield Tell(on_update, newer.prediction)
        return followed.latest.prediction

    def result(self, followed: Followed, timeout: float | None = None) -> Steps[Prediction]:
        """Follows a prediction to its success."""
        return successful((yield from self.wait(followed, timeout)))

    def predict(self, submission: Submission, wait: float | None = None) -> Steps[Prediction]:
        """Has a prediction made, and follows it to its success; mostly one round trip."""
        deadline = None if wait is None else time.monotonic() + wait
        longest = LONGEST_WAIT if wait is None else wait
        followed = Followed((yield from self.submit(submission, wait=longest)))
        left = None if deadline is None else deadline - time.monotonic()
        return (yield from self.result(followed, left))

    def get(self, task_id: str) -> Steps[Prediction]:
        """A prediction as it is now."""
        response = yield from self._exchange(Request("GET", prediction_path(task_id)))
        return Answer.of(response).prediction

    def cancel(self, task_id: str) -> Steps[Prediction]:
        """Cancels a prediction."""
        response = yield from self._exchange(Request("POST", prediction_path(task_id, "cancel")))
        return Answer.of(response).prediction

    def delete(self, task_id: str) -> Steps[None]:
        """Deletes a prediction."""
        request = Request("DELETE", prediction_path(task_id))
        yield from exchange(request, Patience(self.timeout), gone_is_done=True)

    def delete_many(
        self, ids: Sequence[str] | None, filters: Mapping[str, Parameter]
    ) -> Steps[int]:
        """Deletes predictions by id or by filter; how many."""
        chosen = {"filter": lists(filters)} if ids is None else {"ids": [*ids]}
        request = Request("POST", f"{PREDICTIONS}/delete", json=chosen)
        return int((yield from self._exchange(request)).json()["deleted"])

    def batch(self, label: str) -> Steps[Batch]:
        """What carries a batch label."""
        response = yield from self._exchange(Request("GET", batch_path(label)))
        return Batch.model_validate_json(response.content)

    def cancel_batch(self, label: str) -> Steps[Batch]:
        """Cancels what has not ended of a batch."""
        response = yield from self._exchange(Request("POST", f"{batch_path(label)}/cancel"))
        return Batch.model_validate_json(response.content)

    def rerun(
        self, task_id: str, model: str | None, parameters: Mapping[str, Parameter]
    ) -> Steps[Answer]:
        """Has a prediction made of an earlier one's input."""
        changes: dict[str, Any] = {"model": model} if model else {}
        if parameters:
            changes["parameters"] = dict(parameters)
        request = Request(
            "POST", prediction_path(task_id, "rerun"), headers=_idempotency_key(), json=changes
        )
        return Answer.of((yield from self._exchange(request)))

    def list(self, limit: int | None, filters: Mapping[str, Parameter]) -> Steps[None]:
        """Emits the predictions that the filters let through, page by page."""
        left = math.inf if limit is None else limit
        query = fields(filters)
        while left > 0:
            query["limit"] = str(min(left, LARGEST_PAGE))
            response = yield from self._exchange(Request("GET", PREDICTIONS, query=query))
            page = response.json()
            for item in page["items"]:
                yield Emit(Prediction.model_validate(item))
            left -= len(page["items"])
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def models(self) -> Steps[tuple[dict[str, Any], ...]]:
        """The cards of all models."""
        return tuple((yield from self._exchange(Request("GET", "/api/v1/models"))).json()["items"])

    def annotated(self, task_id: str, query: Mapping[str, Parameter]) -> Steps[bytes]:
        """A picture with its detections drawn."""
        request = Request("GET", prediction_path(task_id, "annotated"), query=fields(query))
        return (yield from self._exchange(request)).content

    def export(
        self, to: Path, export_format: ExportFormat, filters: Mapping[str, Parameter]
    ) -> Steps[None]:
        """Writes a file that is there whole or not at all; begins again when the connection is lost."""
        query = {"format": export_format, **fields(filters)}
        request = Request("GET", f"{PREDICTIONS}/export", query=query)
        patience = Patience(self.timeout)
        unfinished = to.with_name(f".{to.name}.{secrets.token_hex(4)}.partial")
        file: BinaryIO = yield Work(lambda: unfinished.open("xb"))
        try:
            while (error := (yield from _download(request, file))) is not None:
                yield Pause(patience.pause_after(error))
                yield Work(lambda: (file.seek(0), file.truncate()))
            file.close()
            unfinished.replace(to)
        finally:
            file.close()
            unfinished.unlink(missing_ok=True)

    def ready(self) -> Steps[dict[str, Any]]:
        """What the readiness probe says, asked once."""
        try:
            response: httpx.Response = yield Send(Request("GET", "/readyz"))
        except httpx.TransportError as cause:
            raise unreachable(cause) from cause
        try:
            answer: dict[str, Any] = response.json()
        except ValueError:
            raise error_from(response) from None
        return answer

    def _poll(self, latest: Answer, seconds: float) -> Steps[Answer | None]:
        """What changed since an answer, or None if nothing did in time."""
        whole = _whole_seconds(seconds)
        request = Request(
            "GET",
            prediction_path(latest.prediction.task_id),
            headers=_prefer(whole) | {"If-None-Match": latest.etag},
            waits=whole,
        )
        response = yield from exchange(request, Patience(min(self.timeout, seconds)))
        return None if response.status_code == httpx.codes.NOT_MODIFIED else Answer.of(response)

    def _exchange(self, request: Request) -> Steps[httpx.Response]:
        return exchange(request, Patience(self.timeout))


def successful(prediction: Prediction) -> Prediction:
    """The prediction itself, if it succeeded.

    Raises:
        InferqError: The class of the problem's code, if it failed or was canceled.
    """
    error = failure(prediction)
    if error is not None:
        raise error
    return prediction


def failure(prediction: Prediction) -> InferqError | None:
    """Why a terminal prediction has no result, as a typed error; None if it succeeded."""
    if prediction.error is not None:
        return error_of(prediction.error)
    if prediction.state is State.CANCELED:
        return PredictionCanceled(f"Prediction {prediction.task_id} was canceled.")
    return None


def prediction_path(task_id: str, part: str | None = None) -> str:
    """The path of a prediction, or of a part of it."""
    return f"{PREDICTIONS}/{task_id}" + (f"/{part}" if part else "")


def batch_path(label: str) -> str:
    """The path of a batch, whatever characters its label has."""
    return f"/api/v1/batches/{quote(label, safe='')}"


def _download(request: Request, file: BinaryIO) -> Steps[InferqError | None]:
    """Writes an answer into a file; what went wrong, if anything did."""
    try:
        response: httpx.Response = yield Open(request)
        if response.status_code >= httpx.codes.BAD_REQUEST:
            return error_from(response)
        while (chunk := (yield NextChunk())) is not None:
            yield Work(partial(file.write, chunk))
    except httpx.TransportError as cause:
        return unreachable(cause)
    return None


def _whole_seconds(seconds: float) -> int:
    return math.ceil(min(seconds, LONGEST_WAIT))


def _prefer(seconds: int) -> dict[str, str]:
    return {"Prefer": f"wait={seconds}"} if seconds > 0 else {}


def _idempotency_key() -> dict[str, str]:
    return {"Idempotency-Key": f'"{secrets.token_hex(16)}"'}
