"""What the API adds to the record when it answers: links, the place in the queue, headers; and its documents."""

import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from fastapi import Response
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)
from pydantic_core import PydanticCustomError

from inferq.models.register import RegisteredCard
from inferq.predictions.links import links_of
from inferq.predictions.record import Prediction, QueuePlace, Record, State, WaitReason

OWNER_DESCRIPTION = "For admins: the user whose predictions are meant; without it, your own."
Responses = dict[int | str, dict[str, Any]]


class ModelCard(RegisteredCard):
    """A model that predictions can be made with, and the workers that serve it now."""

    workers: int = Field(description="Living workers that serve this model.")


class ModelList(BaseModel):
    """Every model known here."""

    model_config = ConfigDict(frozen=True)

    items: tuple[ModelCard, ...]
    default: str | None = Field(description="Model of a request that names none.")


def _be_text(given: object) -> object:
    if isinstance(given, int | float) or (isinstance(given, str) and given[4:5] != "-"):
        raise PydanticCustomError("datetime_parsing", "Is no moment as RFC 3339 writes it")
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_be_text)]
"""A moment with its offset; a mere number, which might be seconds or milliseconds, is none."""


class Selection(BaseModel):
    """Which predictions are wanted: of each field any value named, all where none is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: tuple[State, ...] = Field((), description="States; repeat the parameter for several.")
    model: tuple[str, ...] = Field((), description="Models, as `name` or `name@version`.")
    label: tuple[str, ...] = Field((), description="Labels that were found.")
    batch: tuple[str, ...] = Field((), description="Batches.")
    created_after: Moment | None = Field(
        None, description="Accepted after this moment (RFC 3339, with its offset)."
    )
    created_before: Moment | None = Field(
        None, description="Accepted before this moment (RFC 3339, with its offset)."
    )


class OwnedSelection(Selection):
    """The same of a user's predictions; `owner` is looked at before, with the credential."""

    owner: str | None = Field(None, description=OWNER_DESCRIPTION)


class ListQuery(OwnedSelection):
    """A page of a list."""

    limit: int = Field(50, ge=1, le=200, description="Most predictions of the page.")
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")


class PredictionPage(BaseModel):
    """Some predictions, newest first."""

    model_config = ConfigDict(frozen=True)

    items: tuple[Prediction, ...]
    next_cursor: str | None = Field(
        description="Gives the next page; null on the last one. A page may be short though more follow."
    )


class Body(BaseModel):
    """A JSON body, which is held to what JSON is: Python's parser takes more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _be_json(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        try:
            json.dumps(given, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise PydanticCustomError(
                "no_json", "Holds NaN, an infinite number, half a character or too many levels"
            ) from None
        return given


class Rerun(Body):
    """What is to be different when a prediction is made again."""

    model: str | None = Field(
        None, description="`name` or `name@version`; where absent, the very version that was used."
    )
    parameters: dict[str, JsonValue] | None = Field(
        None,
        description="Where absent, those of the earlier one; for another model, that model's defaults.",
    )


class Deletion(Body):
    """What is to be deleted: exactly one of the two."""

    ids: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)] | None = Field(
        None, description="Task ids; those that there are not (any more) are passed over."
    )
    filter: Selection | None = Field(
        None,
        description="As for the list; it has to name something, so that nothing goes by mistake.",
    )


class Deleted(BaseModel):
    """What was deleted."""

    deleted: int = Field(description="How many predictions.")


class QueueLoad(BaseModel):
    """What a model has to do."""

    model_config = ConfigDict(frozen=True)

    model: str = Field(description="`name@version`.")
    queued: int
    running: int
    workers: int = Field(description="Living workers that serve the model.")
    slots: int = Field(description="Predictions that they run at once.")
    per_second: float | None = Field(
        description="How many ended a second lately, while others waited; null until it was measured."
    )
    oldest_seconds: float | None = Field(
        description="How long what starts next has waited; null where nothing waits."
    )
    expected_wait_seconds: float | None = Field(
        description="How long a prediction sent now has to wait; null where nobody can tell."
    )
    reason: WaitReason | None = Field(
        description="What keeps predictions from starting, if anything does."
    )


class QueueList(BaseModel):
    """The queues of all models."""

    items: tuple[QueueLoad, ...]


class Limits(BaseModel):
    """What this server takes, so that clients can tell what it would refuse."""

    model_config = ConfigDict(frozen=True)

    max_upload_bytes: int = Field(description="Largest upload.")
    max_pixels: int = Field(description="Most pixels (width x height) of a picture.")
    image_types: tuple[str, ...] = Field(
        description="Media types of pictures that are read; what counts is the content, not the name."
    )
    max_batch_characters: int = Field(description="Longest `batch` label.")
    max_metadata_bytes: int = Field(description="Largest `metadata`.")
    max_in_flight: int = Field(description="Unfinished predictions that one owner may have.")
    retention_seconds: float = Field(description="How long a finished prediction is kept.")


class Readiness(BaseModel):
    """Whether predictions can be accepted, and which parts work only in part."""

    model_config = ConfigDict(frozen=True)

    status: str = Field(description="`ready`, `degraded` or `unavailable`.")
    checks: dict[str, str]


def problems(*codes: int) -> Responses:
    """The `responses` of a route that may answer with problems of these statuses."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    described = {"description": "Problem: its `code` says which, its `detail` why"}
    return {code: described | {"content": content} for code in codes}


def etag(record: Record) -> str:
    """A weak tag of everything but the place in the queue."""
    return f'W/"{record.revision}"'


@dataclass(frozen=True)
class View:
    """A record on its way out."""

    record: Record
    queue: QueuePlace | None

    @property
    def prediction(self) -> Prediction:
        """The prediction with its links and its place."""
        prediction = self.record.prediction
        return prediction.model_copy(update={"links": links_of(prediction), "queue": self.queue})

    @cached_property
    def body(self) -> str:
        """The prediction as JSON."""
        return self.prediction.model_dump_json()

    def response(self, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """The answer that carries it."""
        headers = {"ETag": etag(self.record), "Vary": "Prefer", "Cache-Control": "no-cache"} | (
            headers or {}
        )
        if not self.record.prediction.state.is_terminal:
            headers["Retry-After"] = str(self._retry_after())
        return Response(self.body, status, headers, "application/json")

    def _retry_after(self) -> int:
        wait = self.queue.starts_in_seconds if self.queue else None
        return max(1, math.ceil(wait or 0))
