"""What the API adds to the record when it answers: links, the place in the queue, headers; and its documents."""

import math
from dataclasses import dataclass
from typing import Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from inferq.models.register import RegisteredCard
from inferq.predictions.record import Links, Prediction, QueuePlace, Record, State

API_PREFIX = "/api/v1"
Responses = dict[int | str, dict[str, Any]]


class ModelCard(RegisteredCard):
    """A model that predictions can be made with, and the workers that serve it now."""

    workers: int = Field(description="Living workers that serve this model.")


class ModelList(BaseModel):
    """Every model known here."""

    model_config = ConfigDict(frozen=True)

    items: tuple[ModelCard, ...]
    default: str | None = Field(description="Model of a request that names none.")


class Readiness(BaseModel):
    """Whether predictions can be accepted, and which parts work only in part."""

    model_config = ConfigDict(frozen=True)

    status: str = Field(description="`ready`, `degraded` or `unavailable`.")
    checks: dict[str, str]


def problems(*codes: int) -> Responses:
    """The `responses` of a route that may answer with problems of these statuses."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"description": "Problem", "content": content} for code in codes}


def prediction_path(task_id: str) -> str:
    """The path of a prediction."""
    return f"{API_PREFIX}/predictions/{task_id}"


def etag(record: Record) -> str:
    """A weak tag of everything but the place in the queue."""
    return f'W/"{record.revision}"'


@dataclass(frozen=True, slots=True)
class View:
    """A record on its way out."""

    record: Record
    queue: QueuePlace | None

    @property
    def prediction(self) -> Prediction:
        """The prediction with its links and its place."""
        path = prediction_path(self.record.task_id)
        result = self.record.prediction.result
        drawable = result is not None and result.kind == "detections"
        links = Links(
            self=path,
            image=f"{path}/image",
            preview=f"{path}/preview",
            annotated=f"{path}/annotated" if drawable else None,
        )
        return self.record.prediction.model_copy(update={"links": links, "queue": self.queue})

    def response(self, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """The answer that carries it."""
        headers = {"ETag": etag(self.record), "Vary": "Prefer", "Cache-Control": "no-cache"} | (
            headers or {}
        )
        if not self.record.prediction.state.is_terminal:
            headers["Retry-After"] = str(self._retry_after())
        return Response(self.prediction.model_dump_json(), status, headers, "application/json")

    def _retry_after(self) -> int:
        wait = self.queue.starts_in_seconds if self.queue else None
        return max(1, math.ceil(wait or 0))


def waits_in_queue(record: Record) -> bool:
    """Whether a record has a place in the queue."""
    return record.prediction.state is State.QUEUED
