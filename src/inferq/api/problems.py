"""Every error becomes problem+json here, ours and the framework's alike."""

import math

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from inferq.errors import (
    FieldError,
    InferqError,
    InternalError,
    InvalidParameter,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
)
from inferq.predictions.record import Problem

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger()


def problem_response(error: InferqError, *, trace_id: str | None) -> Response:
    """The answer that tells a client of an error."""
    headers = (
        {} if error.retry_after is None else {"Retry-After": str(math.ceil(error.retry_after))}
    )
    body = Problem.of(error, trace_id=trace_id).model_dump_json()
    return Response(body, error.status, headers, MEDIA_TYPE)


def internal_problem(*, trace_id: str | None) -> Response:
    """The answer to a fault of ours; what happened stays in the log."""
    return problem_response(
        InternalError("Something went wrong on our side. The log has it under this trace id."),
        trace_id=trace_id,
    )


def add_error_handlers(app: FastAPI) -> None:
    """Makes an application answer every error with a problem."""
    app.add_exception_handler(InferqError, _on_inferq_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


def _respond(request: Request, error: InferqError) -> Response:
    return problem_response(error, trace_id=request.scope.get("trace_id"))


async def _on_inferq_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, InferqError)  # noqa: S101 - registered for this class
    return _respond(request, error)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    # The first part of a location says whether it was the path, the query or the body.
    errors = [FieldError("/" + "/".join(map(str, e["loc"][1:])), e["msg"]) for e in error.errors()]
    detail = "; ".join(f"{e.pointer[1:]}: {e.detail}" for e in errors)
    return _respond(request, InvalidParameter(f"{detail}.", errors=errors))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    path, method = request.url.path, request.method
    if error.status_code == NotFound.status:
        return _respond(request, NotFound(f"There is nothing at {path}; see /api/docs."))
    if error.status_code == MethodNotAllowed.status:
        response = _respond(
            request, MethodNotAllowed(f"{path} does not take {method}; see /api/docs.")
        )
        response.headers.update(error.headers or {})
        return response
    return _respond(request, MalformedRequest(str(error.detail)))
