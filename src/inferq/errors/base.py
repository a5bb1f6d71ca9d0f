"""What all errors have in common, and the roots of their kinds."""

import inspect
from collections.abc import Sequence
from typing import ClassVar, NamedTuple


def json_pointer(*parts: str | int) -> str:
    """The JSON Pointer (RFC 6901) of a place in a document; without parts, that of all of it."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "".join(f"/{part}" for part in escaped)


MOST_FIELD_ERRORS = 20
"""So many of the things that are wrong with one request are told; a body may hold a hundred thousand."""


class FieldError(NamedTuple):
    """One thing that is wrong with a request: where (a JSON pointer) and what."""

    pointer: str
    detail: str


class InferqError(Exception):
    """Root of all errors that inferq raises on purpose."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Error"
    retryable: ClassVar[bool] = False
    challenge: str | None = None
    """What `WWW-Authenticate` says: which credential would do."""

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after

    @classmethod
    def explained(cls) -> tuple[str, str]:
        """What an error of this class means, and what to do about it: the two paragraphs of its docstring."""
        meaning, _, remedy = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")
        return meaning.replace("\n", " "), remedy.replace("\n", " ")


class RequestError(InferqError):
    """The request cannot be served as it is."""

    status = 400


class UnavailableError(InferqError):
    """The same request may succeed later."""

    status = 503
    retryable = True


class PredictionError(InferqError):
    """Why an accepted prediction ended `failed`; met in its `error`, and where its picture is drawn."""

    status = 422


class InternalError(InferqError):
    """Something went wrong on our side; the log holds the cause under the `trace_id`.

    Try again; if it stays, look for the `trace_id` in the server's log.
    """

    code = "internal_error"
    title = "Internal error"
    retryable = True


class SetupError(InferqError):
    """A command cannot run with this configuration, environment or usage.

    Change what the message names.
    """

    code = "setup_error"
    title = "Cannot start"
