"""Exports: many predictions as one download, for people, spreadsheets and training programs."""

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from inferq.api.callers import Access
from inferq.api.deps import ReadAccess, Services, ServicesDep
from inferq.api.routers import resource_router
from inferq.api.schemas import OwnedSelection, Responses, View, problems
from inferq.api.selection import chosen
from inferq.errors import NotFound
from inferq.exports import EXPORT_FORMATS, export
from inferq.predictions.record import DetectionsResult, Prediction, Record

FILENAME = "inferq-predictions"
MOST_IDS = 200
MEDIA_TYPES = sorted({each.media_type for each in EXPORT_FORMATS.values()} | {"application/zip"})
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FILE: Responses = {200: {"description": "The file", "content": dict.fromkeys(MEDIA_TYPES, BINARY)}}

router = resource_router(
    tags=["predictions"], default_response_class=Response, responses=FILE | problems(503)
)


class ExportQuery(OwnedSelection):
    """What is exported, and how."""

    format: Literal["jsonl", "csv", "coco", "yolo", "voc"] = Field(
        description="JSON Lines, CSV, COCO, YOLO (as Ultralytics reads it) or Pascal VOC."
    )
    images: bool = Field(False, description="With the pictures, upright, in a zip.")
    score_threshold: float = Field(0.0, ge=0, le=1, description="Least score of a detection.")
    classes: tuple[str, ...] = Field((), description="Labels of the detections; all where absent.")
    task_id: tuple[str, ...] = Field(
        (), max_length=MOST_IDS, description="These predictions, whatever the filters say."
    )


@router.get("/predictions/export", name="export", summary="Export predictions")
def export_(
    services: ServicesDep, access: ReadAccess, query: Annotated[ExportQuery, Query()]
) -> Response:
    """Exports the caller's predictions, chosen as for the list, newest first; made while it is sent.

    JSON Lines, CSV and COCO are one file; with pictures, and as YOLO and VOC, it is a zip with a `README.txt`.
    """
    source = _Source(services, access, query)
    made = export(
        source.predictions(),
        format_name=query.format,
        read_image=source.read_image if query.images else None,
    )
    # What is wrong from the start becomes a problem; what goes wrong later breaks the transfer off.
    first = next(made.chunks, b"")
    disposition = f'attachment; filename="{FILENAME}{made.filename_suffix}"'
    return StreamingResponse(
        chain([first], made.chunks),
        headers={"Content-Disposition": disposition, "Cache-Control": "no-store"},
        media_type=made.media_type,
    )


class _Source:
    """Where an export takes its predictions and their pictures from."""

    def __init__(self, services: Services, access: Access, query: ExportQuery) -> None:
        self._services = services
        self._access = access
        self._query = query
        self._latest: Record | None = None

    def predictions(self) -> Iterator[Prediction]:
        for record in self._records():
            self._access.caller.require_valid()
            self._latest = record
            yield self._shown(View(record, None).prediction)

    def _records(self) -> Iterator[Record]:
        services, owner, ids = self._services, self._access.owner, self._query.task_id
        if not ids:
            return services.lists.every(owner, chosen(services, self._query))
        return (record for record in services.store.get_many(ids) if record.owner == owner)

    def read_image(self, prediction: Prediction) -> bytes | None:
        """The picture of the prediction that was given last."""
        latest = self._latest
        assert latest is not None, "asked for after a prediction"  # noqa: S101 - narrows the type
        assert latest.task_id == prediction.task_id, "asked for in their order"  # noqa: S101
        if prediction.input.kind != "image":
            return None
        services = self._services
        try:
            data = services.storage.read(latest.input_key, sha256=prediction.input.sha256)
            return services.drawing.upright(data)
        except NotFound:
            return None

    def _shown(self, prediction: Prediction) -> Prediction:
        """The prediction with those of its detections that were asked for."""
        query, result = self._query, prediction.result
        if not isinstance(result, DetectionsResult):
            return prediction
        kept = tuple(
            detection
            for detection in result.detections
            if detection.score >= query.score_threshold
            and (not query.classes or detection.label in query.classes)
        )
        return prediction.model_copy(update={"result": DetectionsResult(detections=kept)})
