"""One request until it is answered for good: typed errors, and which of them pass with time."""

import random
import time

import httpx2 as httpx
from pydantic import ValidationError

from inferq.client.steps import Pause, Request, Send, Steps
from inferq.errors import (
    FieldError,
    InferqError,
    QueueFull,
    RateLimited,
    ServerUnreachable,
    TooManyInFlight,
    UnavailableError,
    error_class,
)
from inferq.predictions.record import Problem

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
JITTER = 0.25
BUSY = (TooManyInFlight, RateLimited, QueueFull)
"""Refusals that end as the queue drains."""
PASSING = frozenset({429, 502, 503, 504, 507})
"""Statuses that a proxy, too, gives to what may succeed later."""


class Patience:
    """How long one call keeps trying, counted from the first failure in a row."""

    def __init__(self, seconds: float, *, outlast_busy: bool = False) -> None:
        """Takes the seconds, and whether a server that is only busy is waited for without end."""
        self._seconds = seconds
        self._outlast_busy = outlast_busy
        self.reset()

    def reset(self) -> None:
        """Starts anew, because something succeeded."""
        self._since: float | None = None
        self._pause = FIRST_PAUSE

    def pause_after(self, error: InferqError) -> float:
        """Seconds to wait before the next try.

        Raises:
            InferqError: The same, if another try is of no use or would come too late.
        """
        if not isinstance(error, UnavailableError):
            raise error
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        # Whoever was refused or cut off together must not come back together.
        pause = max(error.retry_after or 0.0, self._pause) * random.uniform(1, 1 + JITTER)  # noqa: S311
        endless = self._outlast_busy and isinstance(error, BUSY)
        if not endless and now + pause - self._since > self._seconds:
            raise error
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return pause


def exchange(
    request: Request, patience: Patience, *, gone_is_done: bool = False
) -> Steps[httpx.Response]:
    """Sends a request until it is answered for good.

    Args:
        request: Safe to repeat: idempotent by its method, or by an `Idempotency-Key`.
        patience: How long to keep trying.
        gone_is_done: A 404 after an answer that was lost means that the first try had worked.

    Raises:
        InferqError: The class of the problem's code; `ServerUnreachable` if there is no server.
    """
    lost = False
    while True:
        try:
            response: httpx.Response = yield Send(request)
        except httpx.TransportError as cause:
            lost = True
            error: InferqError = unreachable(cause)
        else:
            if response.status_code < httpx.codes.BAD_REQUEST:
                return response
            if lost and gone_is_done and response.status_code == httpx.codes.NOT_FOUND:
                return response
            error = error_from(response)
        yield Pause(patience.pause_after(error))


def unreachable(cause: httpx.TransportError) -> ServerUnreachable:
    """The error of a request that no answer came to."""
    reason = str(cause) or type(cause).__name__
    error = ServerUnreachable(f"No inferq server answers at {_origin(cause)}: {reason}.")
    error.__cause__ = cause
    return error


def error_from(response: httpx.Response) -> InferqError:
    """The typed error of an answer that says no."""
    try:
        error = error_of(Problem.model_validate_json(response.content))
    except ValidationError:
        kind = UnavailableError if response.status_code in PASSING else InferqError
        error = kind(
            f"The server at {response.url} answered {response.status_code}, and no problem details."
        )
    after = response.headers.get("Retry-After", "")
    error.retry_after = float(after) if after.isdigit() else None
    return error


def error_of(problem: Problem) -> InferqError:
    """The typed error of a problem."""
    errors = [FieldError(error.pointer, error.detail) for error in problem.errors]
    kind = error_class(problem.code)
    if kind is InferqError and problem.status in PASSING:
        kind = UnavailableError
    return kind(problem.detail, errors=errors)


def _origin(error: httpx.TransportError) -> str:
    url = error.request.url
    return f"{url.scheme}://{url.netloc.decode()}"
