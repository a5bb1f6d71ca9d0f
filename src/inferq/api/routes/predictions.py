"""Predictions: make one, look at one."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from inferq.api.deps import OwnerDep, ServicesDep
from inferq.api.schemas import Responses, etag, prediction_path, problems
from inferq.api.submit import submit
from inferq.api.uploads import read_upload
from inferq.api.waiting import find, view, wait_preference, wait_until
from inferq.errors import AlreadyFinished
from inferq.predictions.record import Prediction, Record, State

router = APIRouter(tags=["predictions"])

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
    "score_threshold": {"type": "number", "minimum": 0, "maximum": 1},
    "iou_threshold": {"type": "number", "minimum": 0, "maximum": 1},
    "max_detections": {"type": "integer", "minimum": 1, "maximum": 1000},
    "classes": {"type": "array", "items": {"type": "string"}},
}
UPLOAD_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {"image": {"type": "string", "format": "binary"}} | UPLOAD_FIELDS,
            }
        },
        "image/*": {"schema": {"type": "string", "format": "binary"}},
    },
}
UPLOAD_PARAMETERS = [
    {"name": name, "in": "query", "required": False, "schema": schema}
    for name, schema in UPLOAD_FIELDS.items()
]

FINISHED: Responses = {200: {"model": Prediction, "description": "Finished within `Prefer: wait`"}}
UNCHANGED: Responses = {304: {"description": "Nothing changed since `If-None-Match`"}}

PreferHeader = Annotated[
    str | None, Header(description="`wait=N`: answer at the end, or after N seconds (at most 30).")
]


@router.post(
    "/predictions",
    summary="Predict on an upload",
    status_code=202,
    response_model=Prediction,
    responses=FINISHED | problems(400, 403, 413, 415, 422, 429, 503, 507),
    openapi_extra={"requestBody": UPLOAD_BODY, "parameters": UPLOAD_PARAMETERS},
)
async def create(
    request: Request,
    services: ServicesDep,
    owner: OwnerDep,
    prefer: PreferHeader = None,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> Response:
    """Predict on an upload: answers 202 with the prediction's `task_id` once it is safely accepted.

    The body is multipart (a file `image`, and fields) or the image itself, with the fields as query
    parameters. What fields a model takes beyond `model`, `batch`, `start_within` and `metadata`, its card says.
    """
    upload = await read_upload(request, max_bytes=services.settings.max_upload_bytes)
    acceptance = await run_in_threadpool(
        submit, services, upload, owner=owner, idempotency_key=_unquoted(idempotency_key)
    )
    record = acceptance.record
    seconds = wait_preference(prefer)
    if seconds:
        record = await _wait(services, record.task_id, owner, seconds, None)
    headers = {"Location": prediction_path(record.task_id)}
    if acceptance.outcome == "replayed":
        headers["Idempotency-Replayed"] = "true"
    finished = bool(seconds) and record.prediction.state.is_terminal
    return await _respond(services, record, 200 if finished else 202, headers | _applied(seconds))


@router.get(
    "/predictions/{task_id}",
    summary="Look at a prediction, or wait for it",
    response_model=Prediction,
    responses=UNCHANGED | problems(400, 404, 503),
)
async def get(
    task_id: str,
    services: ServicesDep,
    owner: OwnerDep,
    prefer: PreferHeader = None,
    if_none_match: Annotated[
        str | None, Header(description="The `ETag` of an earlier answer.")
    ] = None,
) -> Response:
    """A prediction as it is now, or with `Prefer: wait=N` as soon as it has ended.

    With `If-None-Match` as well, the answer comes at any change, or is 304 when none came in time.
    """
    seconds = wait_preference(prefer)
    record = await _wait(services, task_id, owner, seconds or 0, if_none_match)
    headers = _applied(seconds)
    if if_none_match is not None and etag(record) == if_none_match:
        return Response(status_code=304, headers={"ETag": etag(record), "Vary": "Prefer"} | headers)
    return await _respond(services, record, 200, headers)


@router.post(
    "/predictions/{task_id}/cancel",
    summary="Cancel a prediction",
    response_model=Prediction,
    responses=problems(403, 404, 409, 503),
)
def cancel(task_id: str, services: ServicesDep, owner: OwnerDep) -> Response:
    """Cancels a prediction that waits or runs, at once; repeated, it answers the same again."""
    find(services, task_id, owner)
    state = services.store.cancel(task_id, retention=services.settings.retention)
    if state is not None and state is not State.CANCELED:
        raise AlreadyFinished(f"The prediction had {state} before it could be canceled.")
    services.results.copy(task_id, State.CANCELED, None, None)
    return view(services, find(services, task_id, owner)).response()


@router.delete(
    "/predictions/{task_id}",
    summary="Delete a prediction",
    status_code=204,
    responses=problems(403, 404, 503),
)
def delete(task_id: str, services: ServicesDep, owner: OwnerDep) -> None:
    """Deletes a prediction, its pictures and its result; what runs is canceled."""
    find(services, task_id, owner)
    services.store.delete(task_id)


async def _wait(
    services: ServicesDep, task_id: str, owner: str, seconds: int, known_etag: str | None
) -> Record:
    def done(record: Record) -> bool:
        changed = known_etag is not None and etag(record) != known_etag
        return changed or record.prediction.state.is_terminal

    return await wait_until(
        services,
        lambda: find(services, task_id, owner),
        task_id=task_id,
        seconds=seconds,
        done=done,
    )


async def _respond(
    services: ServicesDep, record: Record, status: int, headers: dict[str, str]
) -> Response:
    shown = await run_in_threadpool(view, services, record)
    return shown.response(status, headers)


def _applied(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Preference-Applied": f"wait={seconds}"}


def _unquoted(key: str | None) -> str | None:
    """An `Idempotency-Key`, which is a quoted string by its draft, and a bare one with many clients."""
    return key.strip('"') if key else None
