"""The input of a prediction as uploaded; of a picture also a preview, and one with its detections drawn."""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal

import anyio.from_thread
from fastapi import Query, Request, Response
from starlette.concurrency import run_in_threadpool

from inferq.api.blobs import BLOB_RESPONSES, Blob
from inferq.api.deps import ReadAccess, Services, ServicesDep
from inferq.api.languages import LONGEST_TAG, reader_language
from inferq.api.routers import resource_router
from inferq.api.schemas import Responses, problems
from inferq.api.waiting import find, require_end
from inferq.errors import NotFound, UnknownModel
from inferq.predictions.record import DetectionsResult, Record
from inferq.render import render_version
from inferq.storage import verified

CLIENT_GONE = 499
"""Goes to the log alone: nobody is there any more to be answered."""

ANY_FILE: Responses = {
    200: {
        "description": "The input",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = resource_router(
    "/predictions/{task_id}",
    tags=["pictures"],
    default_response_class=Response,
    responses=BLOB_RESPONSES | problems(404, 416, 503),
)


@router.head("/image", include_in_schema=False)
@router.get("/image", summary="The picture as uploaded")
async def image(
    request: Request, task_id: str, services: ServicesDep, access: ReadAccess
) -> Response:
    """The picture as it was uploaded, byte for byte; its `ETag` is its SHA-256."""
    record = await run_in_threadpool(_find_picture, services, task_id, access.owner)
    return await _uploaded(request, services, record)


@router.head("/input", include_in_schema=False)
@router.get("/input", name="input", summary="The input as uploaded", responses=ANY_FILE)
async def get_input(
    request: Request, task_id: str, services: ServicesDep, access: ReadAccess
) -> Response:
    """The input as it was uploaded, byte for byte, whatever it is; its `ETag` is its SHA-256."""
    record = await run_in_threadpool(find, services, task_id, access.owner)
    return await _uploaded(request, services, record)


@router.head("/preview", include_in_schema=False)
@router.get(
    "/preview", name="preview", summary="The picture, small and upright", responses=problems(422)
)
async def get_preview(
    request: Request,
    task_id: str,
    services: ServicesDep,
    access: ReadAccess,
    max_side: Annotated[
        Literal["320", "1280", "2560"], Query(description="Most pixels of the longer side.")
    ] = "1280",
) -> Response:
    """The picture as WebP: oriented, without metadata, its longer side at most `max_side` pixels."""
    record = await run_in_threadpool(_find_picture, services, task_id, access.owner)
    blob = Blob(_tag(record, max_side), "image/webp", f"{_stem(record)}-preview.webp")
    if unchanged := blob.unchanged(request):
        return unchanged
    key = services.storage.derived(record.input_key, f"preview-{max_side}-{render_version()}.webp")

    def make() -> bytes:
        data = services.drawing.preview(_original(services, record), int(max_side))
        services.storage.write(key, data)
        return data

    find_preview = partial(_stored, services, key)
    data = await services.renders.once(request, key, find=find_preview, make=make)
    return _answer(request, blob, data)


@router.head("/annotated", include_in_schema=False)
@router.get("/annotated", summary="The picture with its boxes", responses=problems(409, 422))
async def annotated(
    request: Request,
    *,
    task_id: str,
    services: ServicesDep,
    access: ReadAccess,
    score_threshold: Annotated[float, Query(ge=0, le=1, description="Least score drawn.")] = 0.0,
    classes: Annotated[
        list[str] | None, Query(description="Labels drawn; all where absent.")
    ] = None,
    lang: Annotated[
        str | None,
        Query(
            max_length=LONGEST_TAG,
            description="Language of the labels, such as `vi`; where absent, as `Accept-Language` says."
            " English where the model's card has no other.",
        ),
    ] = None,
) -> Response:
    """The picture as JPEG with the prediction's boxes, labels and scores drawn on it."""
    record = await run_in_threadpool(_find_picture, services, task_id, access.owner)
    result = _result(record)
    wanted = sorted(set(classes or ()))
    translated = await run_in_threadpool(_translated_labels, services, record)
    language = reader_language(
        translated, asked=lang, accepted=request.headers.get("accept-language", "")
    )
    labels = {
        class_id: label
        for class_id, label in sorted(translated.get(language, {}).items())
        if any(class_id == detection.class_id for detection in result.detections)
    }
    blob = Blob(
        _tag(record, result.model_dump_json(), score_threshold, labels, *wanted),
        "image/jpeg",
        f"{_stem(record)}-annotated.jpg",
        headers={"Content-Language": language}
        | ({"Vary": "Accept-Language"} if lang is None else {}),
    )
    if unchanged := blob.unchanged(request):
        return unchanged

    def make() -> bytes:
        return services.drawing.annotate(
            _original(services, record),
            result.detections,
            score_threshold=score_threshold,
            classes=wanted,
            labels=labels,
        )

    return _answer(request, blob, await services.renders.run(request, make))


def _find_picture(services: Services, task_id: str, owner: str) -> Record:
    """The record of a prediction on a picture."""
    record = find(services, task_id, owner)
    kind = record.prediction.input.kind
    if kind != "image":
        raise NotFound(f"The prediction's input is no picture, but {kind}; it is at /input.")
    return record


async def _uploaded(request: Request, services: Services, record: Record) -> Response:
    """The bytes that were uploaded."""
    uploaded = record.prediction.input
    blob = Blob(
        uploaded.sha256,
        uploaded.media_type,
        uploaded.filename or record.task_id,
        immutable=True,
        shown=uploaded.kind != "file",
    )

    def read(start: int, stop: int) -> Iterator[bytes]:
        chunks = services.storage.chunks(record.input_key, start, stop)
        return verified(chunks, uploaded.sha256) if stop - start == uploaded.bytes else chunks

    return blob.unchanged(request) or await blob.stream(request, uploaded.bytes, read)


def _translated_labels(services: Services, record: Record) -> dict[str, dict[int, str]]:
    """Of the prediction's model; none where its card is no longer known."""
    try:
        card = services.register.find(str(record.prediction.model), None)
    except UnknownModel:
        return {}
    return card.translated_labels


def _original(services: Services, record: Record) -> bytes:
    """The upload, read for rendering; given up where the client has gone while it was read."""
    data = services.storage.read(record.input_key, sha256=record.prediction.input.sha256)
    anyio.from_thread.check_cancelled()
    return data


def _stored(services: Services, key: str) -> bytes | None:
    try:
        return services.storage.read(key)
    except NotFound:
        return None


def _answer(request: Request, blob: Blob, data: bytes | None) -> Response:
    return Response(status_code=CLIENT_GONE) if data is None else blob.response(request, data)


def _tag(record: Record, *parameters: object) -> str:
    """What the bytes of a rendered picture follow from: the upload, the parameters, and what renders."""
    origin = repr((record.prediction.input.sha256, render_version(), *parameters))
    return hashlib.sha256(origin.encode()).hexdigest()


def _result(record: Record) -> DetectionsResult:
    prediction = require_end(record)
    if not isinstance(prediction.result, DetectionsResult):
        raise NotFound(f"The prediction {prediction.state} without boxes that could be drawn.")
    return prediction.result


def _stem(record: Record) -> str:
    return (record.prediction.input.filename or record.task_id).rpartition(".")[0] or record.task_id
