"""The pictures of a prediction: as uploaded, as a preview, with its detections drawn."""

from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter, Query, Response

from inferq.api.deps import OwnerDep, Services, ServicesDep
from inferq.api.schemas import Responses, problems
from inferq.api.waiting import find
from inferq.errors import NotFinished, NotFound
from inferq.predictions.record import DetectionsResult, Record
from inferq.render import annotate, preview

# Whatever a blob holds, it runs nothing in the browser that shows it.
BLOB_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=3600",
}
PICTURE: Responses = {
    200: {
        "description": "The picture",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = APIRouter(
    prefix="/predictions/{task_id}",
    tags=["pictures"],
    default_response_class=Response,
    responses=PICTURE | problems(404, 503),
)


@router.get("/image", summary="The picture as uploaded")
def image(task_id: str, services: ServicesDep, owner: OwnerDep) -> Response:
    """The picture as it was uploaded, byte for byte."""
    record = find(services, task_id, owner)
    name = record.prediction.input.filename or task_id
    return _picture(
        services.storage.read(record.input_key), record.prediction.input.media_type, name
    )


@router.get(
    "/preview", name="preview", summary="The picture, small and upright", responses=problems(422)
)
async def get_preview(
    task_id: str,
    services: ServicesDep,
    owner: OwnerDep,
    max_side: Literal["320", "1280", "2560"] = "1280",
) -> Response:
    """The picture as WebP: oriented, without metadata, its longer side at most `max_side` pixels."""

    def render() -> Response:
        record = find(services, task_id, owner)
        key = services.storage.sibling(record.input_key, f"preview-{max_side}.webp")
        try:
            data = services.storage.read(key)
        except NotFound:
            data = preview(services.storage.read(record.input_key), int(max_side))
            services.storage.write(key, data)
        return _picture(data, "image/webp", f"{_stem(record)}-preview.webp")

    return await _rendered(services, render)


@router.get("/annotated", summary="The picture with its boxes", responses=problems(409, 422))
async def annotated(
    task_id: str,
    services: ServicesDep,
    owner: OwnerDep,
    score_threshold: Annotated[float, Query(ge=0, le=1, description="Least score drawn.")] = 0.0,
    classes: Annotated[
        list[str] | None, Query(description="Labels drawn; all where absent.")
    ] = None,
) -> Response:
    """The picture as JPEG with the prediction's boxes, labels and scores drawn on it."""

    def render() -> Response:
        record = find(services, task_id, owner)
        detections = _result(record).detections
        data = services.storage.read(record.input_key)
        drawn = annotate(data, detections, score_threshold=score_threshold, classes=classes or ())
        return _picture(drawn, "image/jpeg", f"{_stem(record)}-annotated.jpg")

    return await _rendered(services, render)


async def _rendered(services: Services, render: Callable[[], Response]) -> Response:
    """Renders in a thread, few at once: pictures must not take the threads that accept predictions."""
    return await anyio.to_thread.run_sync(render, limiter=services.render_limit)


def _result(record: Record) -> DetectionsResult:
    prediction = record.prediction
    if not prediction.state.is_terminal:
        raise NotFinished(f"The prediction is {prediction.state}; wait for its end.", retry_after=1)
    if not isinstance(prediction.result, DetectionsResult):
        raise NotFound(f"The prediction {prediction.state} without boxes that could be drawn.")
    return prediction.result


def _stem(record: Record) -> str:
    return (record.prediction.input.filename or record.task_id).rpartition(".")[0] or record.task_id


def _picture(data: bytes, media_type: str, filename: str) -> Response:
    disposition = f"inline; filename*=UTF-8''{quote(filename, safe='')}"
    return Response(
        data, headers=BLOB_HEADERS | {"Content-Disposition": disposition}, media_type=media_type
    )
