"""A prediction: make one, look at it, wait for it, cancel it, run it again, delete it."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple

import structlog
from fastapi import Body, Request, Response
from starlette.concurrency import run_in_threadpool

from inferq.api.bodies import JsonRoute
from inferq.api.callers import Access, Caller
from inferq.api.deps import (
    ChangeAccess,
    ReadAccess,
    Services,
    ServicesDep,
    Submitter,
    services_of,
)
from inferq.api.openapi import answers, follow_ups, named_headers, parameter
from inferq.api.routers import resource_router
from inferq.api.schemas import Rerun, Responses, etag, problems
from inferq.api.submit import rerun as run_again
from inferq.api.submit import submit
from inferq.api.uploads import read_upload
from inferq.api.waiting import (
    find,
    look,
    wait_for_change,
    wait_for_end,
    wait_for_new,
    wait_preference,
)
from inferq.errors import AlreadyFinished, InvalidParameter
from inferq.predictions.links import prediction_path
from inferq.predictions.record import Prediction, State, new_task_id
from inferq.predictions.store import Acceptance
from inferq.webhooks.receivers import URL_CHARACTERS

router = resource_router(tags=["predictions"], route_class=JsonRoute)

IDEMPOTENCY_KEY_CHARACTERS = 255
UPLOAD_FIELDS: dict[str, Any] = {
    "model": {
        "type": "string",
        "description": "`name` or `name@version`; the default model where absent.",
    },
    "batch": {"type": "string", "maxLength": 64, "description": "A label that groups predictions."},
    "start_within": {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "Seconds within which it has to be started; else it fails with `queue_timeout`.",
    },
    "metadata": {
        "type": "string",
        "description": "A JSON object of at most 4 KiB, given back with the prediction.",
    },
    "callback_url": {
        "type": "string",
        "maxLength": URL_CHARACTERS,
        "description": "An https:// URL that is told how it ended; see the `webhooks` of this document. Empty: none.",
    },
    "score_threshold": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "Of a detector: the least score of a detection.",
    },
    "iou_threshold": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "Of a detector: of two boxes that overlap by more, the one with the lower score is left out.",
    },
    "max_detections": {
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
        "description": "Of a detector: most detections, those with the highest scores.",
    },
    "classes": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Of a detector: labels that are wanted, all where absent; repeat it for several.",
    },
}
BINARY = {"type": "string", "format": "binary"}
UPLOAD_BODY: dict[str, Any] = {
    "required": True,
    "description": "A form, or the input itself with its own `Content-Type`: whatever the model takes"
    " (`GET /models/{name}`), such as `application/json` of its `input_schema` or a file of its `media_types`.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"image": BINARY, "file": BINARY} | UPLOAD_FIELDS,
                "description": "The input as one file, named `image` or `file`; other fields are the model's own.",
            }
        },
        "image/*": {"schema": BINARY},
        "application/octet-stream": {"schema": BINARY},
    },
}
UPLOAD_PARAMETERS = [
    parameter("query", name, schema["description"], schema)
    for name, schema in UPLOAD_FIELDS.items()
]

SHOWN = ("ETag", "Preference-Applied", "Retry-After")
MADE = ("Location", "Idempotency-Replayed", *SHOWN)
ACCEPTED = answers(202, description="Accepted; it will reach an end", names=MADE)
ACCEPTED[202]["links"] = follow_ups()
FINISHED: Responses = {
    200: {
        "model": Prediction,
        "description": "Finished within `Prefer: wait`",
        "headers": named_headers(*MADE),
        "links": follow_ups(),
    }
}
FOUND = answers(200, description="As it is now", names=SHOWN)
UNCHANGED = answers(
    304, description="Nothing changed since `If-None-Match`", names=("ETag", "Preference-Applied")
)

TEXT = {"type": "string"}
PREFER = parameter(
    "header", "prefer", "`wait=N`: answer at the end, or after N seconds (at most 30).", TEXT
)
IF_NONE_MATCH = parameter("header", "if-none-match", "The `ETag` of an earlier answer.", TEXT)
IDEMPOTENCY_KEY = parameter(
    "header",
    "idempotency-key",
    "Sent again with the same key, a request makes nothing new: it is answered with what it made.",
    TEXT | {"maxLength": IDEMPOTENCY_KEY_CHARACTERS},
)


@router.post(
    "/predictions",
    summary="Predict on an upload",
    status_code=202,
    response_model=Prediction,
    responses=ACCEPTED | FINISHED | problems(400, 403, 408, 413, 415, 422, 429, 503, 507),
    openapi_extra={
        "requestBody": UPLOAD_BODY,
        "parameters": [PREFER, IDEMPOTENCY_KEY, *UPLOAD_PARAMETERS],
    },
)
async def create(request: Request, caller: Submitter) -> Response:
    """Predict on an upload: answers 202 with the prediction's `task_id` once it is safely accepted.

    The body is multipart (a file `image`, and fields) or the image itself, with the fields as query
    parameters. What fields a model takes beyond `model`, `batch`, `start_within`, `metadata` and
    `callback_url`, its card says.
    """
    services = services_of(request)
    wishes = _Wishes.of(request)
    await services.limits.submit(request, caller)
    upload = await read_upload(request, max_bytes=services.settings.max_upload_bytes)
    caller.require_valid()  # the upload may have taken its time
    make = partial(submit, services, upload, idempotency_key=wishes.idempotency_key)
    return await _accept(services, caller, make, wishes.wait)


@router.get(
    "/predictions/{task_id}",
    summary="Look at a prediction, or wait for it",
    response_model=Prediction,
    responses=FOUND | UNCHANGED | problems(400, 404, 503),
    openapi_extra={"parameters": [PREFER, IF_NONE_MATCH]},
)
async def get(request: Request, task_id: str, access: ReadAccess) -> Response:
    """A prediction as it is now, or with `Prefer: wait=N` as soon as it has ended.

    With `If-None-Match` as well, the answer comes at any change, or is 304 when none came in time.
    """
    services = services_of(request)
    seconds = wait_preference(request.headers.get("prefer"))
    if_none_match = request.headers.get("if-none-match")
    if not seconds:
        shown = await run_in_threadpool(look, services, task_id, access.owner)
    elif if_none_match is None:
        shown = await wait_for_end(services, task_id, access, seconds=seconds)
    else:
        shown = await wait_for_change(services, task_id, access, tag=if_none_match, seconds=seconds)
    tag = etag(shown.record)
    headers = _applied(seconds)
    if tag == if_none_match:
        return Response(status_code=304, headers={"ETag": tag, "Vary": "Prefer"} | headers)
    return shown.response(200, headers)


@router.post(
    "/predictions/{task_id}/cancel",
    summary="Cancel a prediction",
    response_model=Prediction,
    responses=answers(200, description="As it is now", names=("ETag",))
    | problems(403, 404, 409, 503),
)
def cancel(task_id: str, services: ServicesDep, access: ChangeAccess) -> Response:
    """Cancels a prediction that waits or runs, at once; repeated, it answers the same again."""
    find(services, task_id, access.owner)
    state = services.store.cancel(task_id, retention=services.settings.retention)
    if state is not None and state is not State.CANCELED:
        raise AlreadyFinished(f"The prediction had {state} before it could be canceled.")
    return look(services, task_id, access.owner).response()


@router.post(
    "/predictions/{task_id}/rerun",
    summary="Run a prediction again",
    status_code=202,
    response_model=Prediction,
    responses=ACCEPTED | FINISHED | problems(403, 404, 408, 409, 413, 415, 422, 429, 503, 507),
    openapi_extra={"parameters": [PREFER, IDEMPOTENCY_KEY]},
)
async def rerun(
    request: Request,
    task_id: str,
    services: ServicesDep,
    caller: Submitter,
    wish: Annotated[Rerun, Body()] = Rerun(),  # noqa: B008 - immutable
) -> Response:
    """Makes a prediction of the same input, which is copied: deleting one leaves the other as it is.

    Any prediction that has ended can be run again, with another model or other parameters if the body says so.
    """
    wishes = _Wishes.of(request)

    def again(by: Caller, new_id: str) -> Acceptance:
        record = find(services, task_id, by.owner)
        return run_again(services, record, wish, new_id, idempotency_key=wishes.idempotency_key)

    await services.limits.submit(request, caller)
    return await _accept(services, caller, again, wishes.wait)


@router.delete(
    "/predictions/{task_id}",
    summary="Delete a prediction",
    status_code=204,
    responses=problems(403, 404, 503),
)
def delete(task_id: str, services: ServicesDep, access: ChangeAccess) -> None:
    """Deletes a prediction, its pictures and its result; what runs is canceled."""
    find(services, task_id, access.owner)
    services.store.delete(task_id)


async def _accept(
    services: Services,
    caller: Caller,
    make: Callable[[Caller, str], Acceptance],
    seconds: int | None,
) -> Response:
    """Makes a prediction; answers at once, or as soon as it has ended within the time asked for."""
    access, new_id = Access(caller.owner, caller), new_task_id()
    with services.changes.listen(access, new_id, ends_only=True) as listener:
        acceptance = await run_in_threadpool(make, caller, new_id)
        record = acceptance.record
        structlog.contextvars.bind_contextvars(task_id=record.task_id)
        if acceptance.standing is not None:
            shown = services.viewer.accepted(record, acceptance.standing)
            if seconds:
                shown = await wait_for_new(
                    services, shown, access, listener=listener, seconds=seconds
                )
        elif seconds:
            shown = await wait_for_end(services, record.task_id, access, seconds=seconds)
        else:
            shown = await run_in_threadpool(services.viewer.one, record)
    headers = {"Location": prediction_path(record.task_id)} | _applied(seconds)
    if acceptance.outcome == "replayed":
        headers["Idempotency-Replayed"] = "true"
    finished = bool(seconds) and shown.record.prediction.state.is_terminal
    return shown.response(200 if finished else 202, headers)


def _applied(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Preference-Applied": f"wait={seconds}"}


class _Wishes(NamedTuple):
    """What a request's headers say of how it is to be answered. Read here: FastAPI would look anew each time how."""

    wait: int | None
    """For how many seconds to wait for the end."""
    idempotency_key: str | None
    """A quoted string by its draft, and a bare one with many clients."""

    @classmethod
    def of(cls, request: Request) -> "_Wishes":
        """Reads them.

        Raises:
            InvalidParameter: The idempotency key is too long.
        """
        key = request.headers.get("idempotency-key")
        if key is not None and len(key) > IDEMPOTENCY_KEY_CHARACTERS:
            most = f"must have at most {IDEMPOTENCY_KEY_CHARACTERS} characters"
            raise InvalidParameter.of("idempotency-key", most)
        return cls(wait_preference(request.headers.get("prefer")), key.strip('"') if key else None)
