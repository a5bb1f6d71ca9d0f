"""Every error becomes problem+json here, ours and the framework's alike."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from inferq.errors import (
    MOST_FIELD_ERRORS,
    FieldError,
    InferqError,
    InternalError,
    InvalidParameter,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    UnsupportedFormat,
    json_pointer,
)
from inferq.predictions.record import Problem

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
FILE_METHODS = ("GET", "HEAD")
"""Those of the web client's files, which have no route of their own."""

log = structlog.get_logger()


def problem_response(error: InferqError, *, trace_id: str | None) -> Response:
    """The answer that tells a client of an error."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    if error.challenge is not None:
        headers["WWW-Authenticate"] = error.challenge
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
    return _respond(request, _refusal(request, error.errors()))


def _refusal(request: Request, errors: Sequence[Mapping[str, Any]]) -> InferqError:
    """What is wrong with a request that does not fit its route: its body as a whole, or fields."""
    first = errors[0]
    if first["type"] == "json_invalid":
        where, what = first["loc"][1], first["ctx"]["error"]
        return MalformedRequest(f"The body is no JSON: {what} at character {where}.")
    # Without a JSON type, FastAPI hands the bytes on as they are.
    if first["loc"] == ("body",) and isinstance(first["input"], bytes):
        given = request.headers.get("content-type") or "a body without Content-Type"
        return UnsupportedFormat(f"Send JSON as application/json; {given} is none.")
    # The first part of a location says whether it was the path, the query, a header or the body.
    fields = [(error["loc"][1:], error["msg"]) for error in errors[:MOST_FIELD_ERRORS]]
    told = ("/".join(map(str, place)) or "body" for place, _ in fields)
    return InvalidParameter(
        "; ".join(f"{place}: {message}" for place, (_, message) in zip(told, fields, strict=True))
        + ".",
        errors=[FieldError(json_pointer(*place), message) for place, message in fields],
    )


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    path, method = request.url.path, request.method
    if error.status_code == NotFound.status:
        return _respond(request, NotFound(f"There is nothing at {path}; see /api/docs."))
    if error.status_code == MethodNotAllowed.status:
        response = _respond(
            request, MethodNotAllowed(f"{path} does not take {method}; see /api/docs.")
        )
        response.headers["Allow"] = ", ".join(_allowed(request))
        return response
    if isinstance(error.__cause__, InferqError):  # raised while FastAPI read the body
        return _respond(request, error.__cause__)
    return _respond(request, MalformedRequest(f"{str(error.detail).rstrip('.')}."))


def _allowed(request: Request) -> list[str]:
    """The methods of a path, of all its routes; the framework tells those of the first one alone."""
    probe = {"type": "http", "path": request.url.path, "root_path": "", "headers": []}
    return [
        method
        for method in METHODS
        if any(
            route.matches(probe | {"method": method})[0] is Match.FULL
            for route in request.app.router.routes
        )
    ] or list(FILE_METHODS)
