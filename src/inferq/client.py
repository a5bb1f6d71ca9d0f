"""The Python client: submit an input, wait for its result without polling.

from inferq import Client

with Client() as client:
    prediction = client.predict("photo.jpg")
    for detection in prediction.result.detections:
        print(detection.label, detection.score, detection.box)
"""

import io
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import httpx2 as httpx
from pydantic import ValidationError

from inferq.errors import (
    FieldError,
    InferqError,
    PredictionCanceled,
    ServerUnreachable,
    UnavailableError,
    error_class,
)
from inferq.predictions.record import Prediction, Problem, State
from inferq.settings import get_settings

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Source = str | Path | bytes | BinaryIO | Image.Image | np.ndarray[Any, Any]

DEFAULT_URL = "http://127.0.0.1:8000"
LONGEST_WAIT = 30
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

Parameter = str | float | Sequence[str] | None


class PredictionHandle:
    """One submitted prediction."""

    def __init__(self, client: "Client", latest: "_Answer") -> None:
        self._client = client
        self._latest = latest

    @property
    def task_id(self) -> str:
        """The prediction's id."""
        return self._latest.prediction.task_id

    def wait(
        self, timeout: float | None = None, *, on_update: Callable[[Prediction], None] | None = None
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
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._latest.prediction.state.is_terminal:
            left = (
                LONGEST_WAIT if deadline is None else min(LONGEST_WAIT, deadline - time.monotonic())
            )
            if left <= 0:
                raise TimeoutError(
                    f"Prediction {self.task_id} is still {self._latest.prediction.state}."
                )
            newer = self._client._poll(self._latest, math.ceil(left))  # noqa: SLF001 - one unit with its handle
            if newer is not None:
                self._latest = newer
                if on_update is not None:
                    on_update(newer.prediction)
        return self._latest.prediction

    def result(self, timeout: float | None = None) -> Prediction:
        """Waits for success.

        Raises:
            InferqError: The class of the problem's code, if the prediction failed or was canceled.
            TimeoutError: It has not ended in time.
        """
        prediction = self.wait(timeout)
        if prediction.error is not None:
            raise _error_of(prediction.error)
        if prediction.state is State.CANCELED:
            raise PredictionCanceled(f"Prediction {self.task_id} was canceled.")
        return prediction

    def cancel(self) -> Prediction:
        """Cancels the prediction, whether it waits or runs.

        Raises:
            AlreadyFinished: It succeeded or failed before.
        """
        return self._client.cancel(self.task_id)


class Client:
    """Talks to one server. Safe to use from several threads; close it, or use it in a `with` block."""

    def __init__(
        self, url: str | None = None, api_key: str | None = None, *, timeout: float = 30.0
    ) -> None:
        """Takes the server's URL and a key.

        Args:
            url: By default `INFERQ_URL`, then the server that `inferq up` of this user started last.
            api_key: By default `INFERQ_API_KEY`.
            timeout: Seconds that a call may take, retries included, beyond the time it asks to wait.
        """
        settings = get_settings()
        configured = settings.api_key.get_secret_value() if settings.api_key else None
        key = api_key or configured
        self.url = (url or settings.url or DEFAULT_URL).rstrip("/")
        self._timeout = timeout
        self._http = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(timeout + LONGEST_WAIT, connect=5.0),
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )

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
        source: "Source",
        *,
        model: str | None = None,
        batch: str | None = None,
        filename: str | None = None,
        **parameters: Parameter,
    ) -> PredictionHandle:
        """Submits a picture; returns as soon as the server has accepted it.

        A lost answer or a server that is busy is retried; the prediction is made once.

        Args:
            source: A path, bytes, an open binary file, a PIL image or an RGB array `[height, width, 3]`.
            model: `name` or `name@version`; the server's default where None.
            batch: A label that groups predictions.
            filename: Name to show; that of the path or file where None.
            parameters: The model's own, such as `score_threshold=0.3`.

        Raises:
            InferqError: The class of the problem's code; `ServerUnreachable` if there is no server.
        """
        data, own_name = _read(source)
        response = self._call(
            "POST",
            "/api/v1/predictions",
            files={"image": (filename or own_name, data, "application/octet-stream")},
            data=_fields({"model": model, "batch": batch, **parameters}),
            headers={"Idempotency-Key": f'"{secrets.token_hex(16)}"'},
        )
        return PredictionHandle(self, _Answer.of(response))

    def predict(self, source: "Source", *, wait: float | None = None, **options: Any) -> Prediction:
        """Submits a picture and waits for its success; takes what `submit` takes.

        Raises:
            InferqError: The class of the problem's code, if it was refused or failed.
            TimeoutError: It has not ended in `wait` seconds.
        """
        return self.submit(source, **options).result(wait)

    def get(self, task_id: str) -> Prediction:
        """A prediction as it is now.

        Raises:
            InferqError: The class of the problem's code; `NotFound` if there is none.
        """
        return _Answer.of(self._call("GET", f"/api/v1/predictions/{task_id}")).prediction

    def cancel(self, task_id: str) -> Prediction:
        """Cancels a prediction, whether it waits or runs; repeated, it says the same again.

        Raises:
            AlreadyFinished: It succeeded or failed before.
        """
        return _Answer.of(self._call("POST", f"/api/v1/predictions/{task_id}/cancel")).prediction

    def delete(self, task_id: str) -> None:
        """Deletes a prediction, its pictures and its result; what runs is canceled."""
        self._call("DELETE", f"/api/v1/predictions/{task_id}")

    def models(self) -> list[dict[str, Any]]:
        """The cards of all models that the server knows."""
        items: list[dict[str, Any]] = self._call("GET", "/api/v1/models").json()["items"]
        return items

    def annotated(self, task_id: str, **query: Parameter) -> bytes:
        """The picture as JPEG with its detections drawn; takes `score_threshold` and `classes`."""
        path = f"/api/v1/predictions/{task_id}/annotated"
        return self._call("GET", path, params=_fields(query)).content

    def ready(self) -> dict[str, Any]:
        """What the server's readiness probe says; asked once, without retries.

        Raises:
            ServerUnreachable: There is no server.
        """
        try:
            answer: dict[str, Any] = self._http.get("/readyz").json()
        except (httpx.TransportError, ValueError) as error:
            raise ServerUnreachable(f"No inferq server answers at {self.url}.") from error
        return answer

    def _poll(self, latest: "_Answer", seconds: int) -> "_Answer | None":
        """What changed since an answer, or None if nothing did in time."""
        response = self._call(
            "GET",
            f"/api/v1/predictions/{latest.prediction.task_id}",
            headers={"Prefer": f"wait={seconds}", "If-None-Match": latest.etag},
        )
        return None if response.status_code == httpx.codes.NOT_MODIFIED else _Answer.of(response)

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Sends a request until it is answered for good, or the time-out has passed."""
        deadline = time.monotonic() + self._timeout
        pause = FIRST_PAUSE
        while True:
            error: InferqError
            try:
                response = self._http.request(method, path, **options)
            except httpx.TransportError as cause:
                error = ServerUnreachable(f"No inferq server answers at {self.url}: {cause}.")
            else:
                if response.status_code < httpx.codes.BAD_REQUEST:
                    return response
                error = _error_from(response)
            wait = max(error.retry_after or 0.0, pause)
            if not isinstance(error, UnavailableError) or time.monotonic() + wait > deadline:
                raise error
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A prediction as the server gave it, with its tag."""

    prediction: Prediction
    etag: str

    @classmethod
    def of(cls, response: httpx.Response) -> "_Answer":
        return cls(
            Prediction.model_validate_json(response.content), response.headers.get("ETag", "")
        )


def _read(source: "Source") -> tuple[bytes, str]:
    """The bytes of whatever was given, and a name for them."""
    if isinstance(source, str | Path):
        path = Path(source)
        return path.read_bytes(), path.name
    if isinstance(source, bytes):
        return source, "image"
    if hasattr(source, "read"):
        return source.read(), Path(str(getattr(source, "name", "image"))).name
    return _encode(source), "image.png"


def _encode(source: "Image.Image | np.ndarray[Any, Any]") -> bytes:
    """An image in memory as PNG, which loses nothing."""
    from PIL import Image  # noqa: PLC0415 - only for callers that have such an image

    image = source if isinstance(source, Image.Image) else Image.fromarray(source)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _fields(parameters: Mapping[str, Parameter]) -> dict[str, str | list[str]]:
    """Parameters as form fields or a query; what is None is left to the server."""
    return {
        name: str(value) if isinstance(value, str | int | float) else list(value)
        for name, value in parameters.items()
        if value is not None
    }


def _error_from(response: httpx.Response) -> InferqError:
    """The typed error of an answer that says no."""
    try:
        error = _error_of(Problem.model_validate_json(response.content))
    except ValidationError:
        return InferqError(
            f"The server at {response.url} answered {response.status_code}, and no problem details."
        )
    after = response.headers.get("Retry-After", "")
    error.retry_after = float(after) if after.isdigit() else None
    return error


def _error_of(problem: Problem) -> InferqError:
    errors = [FieldError(error.pointer, error.detail) for error in problem.errors]
    return error_class(problem.code)(problem.detail, errors=errors)
