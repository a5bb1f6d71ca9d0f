"""The prediction: its states, its result, and the envelope that clients see. Pure, no I/O."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from inferq.errors import InferqError

T = TypeVar("T")
R = TypeVar("R", bound=BaseModel)

PROBLEM_TYPES = "/api/problems/"


class Frozen(BaseModel):
    """Base of everything that is passed on: immutable; fields of a newer server are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", json_schema_serialization_defaults_required=True
    )


class State(StrEnum):
    """Where a prediction stands; the last three are terminal."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_terminal(self) -> bool:
        """Whether this state is final."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.FAILED, State.CANCELED}),
    State.RUNNING: frozenset({State.QUEUED, State.SUCCEEDED, State.FAILED, State.CANCELED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELED: frozenset(),
}


def new_task_id() -> str:
    """A task id: 128 random bits as 32 hexadecimal digits, the same string as Celery's."""
    return secrets.token_hex(16)


class ModelReference(Frozen):
    """Which model a prediction runs on: `name@version`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @classmethod
    def parse(cls, text: str) -> "ModelReference":
        """The reference that `str()` wrote."""
        name, _, version = text.partition("@")
        return cls(name=name, version=version)


class Box(Frozen):
    """A rectangle in pixels of the image as a person sees it (EXIF orientation applied)."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x_max - self.x_min

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y_max - self.y_min

    def iou(self, other: "Box") -> float:
        """Intersection over union with another box, 0 to 1."""
        across = min(self.x_max, other.x_max) - max(self.x_min, other.x_min)
        down = min(self.y_max, other.y_max) - max(self.y_min, other.y_min)
        shared = max(across, 0.0) * max(down, 0.0)
        union = self.width * self.height + other.width * other.height - shared
        return shared / union if union > 0 else 0.0


class Detection(Frozen):
    """One object that a detector found."""

    label: str
    class_id: int
    score: float
    box: Box


class DetectionsResult(Frozen):
    """What an object detector found, best score first."""

    kind: Literal["detections"] = "detections"
    detections: tuple[Detection, ...]


class LabelScore(Frozen):
    """One class that a classifier considers."""

    label: str
    score: float


class ClassificationResult(Frozen):
    """What a classifier thinks of an input, best score first."""

    kind: Literal["classification"] = "classification"
    classes: tuple[LabelScore, ...]


class JsonResult(Frozen):
    """Whatever else a model answers."""

    kind: Literal["json"] = "json"
    data: JsonValue


Result = Annotated[
    DetectionsResult | ClassificationResult | JsonResult, Field(discriminator="kind")
]


class Input(Frozen):
    """The input as it was uploaded; `width` and `height` as a person sees the picture."""

    kind: Literal["image", "json", "file"] = "image"
    filename: str | None = None
    media_type: str
    width: int | None = None
    height: int | None = None
    bytes: int
    sha256: str


class ProblemField(Frozen):
    """One thing that is wrong: where (a JSON pointer) and what."""

    pointer: str
    detail: str


class Problem(Frozen):
    """Problem details (RFC 9457): every error answer, and the `error` of a failed prediction."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str | None = None
    retryable: bool = False
    errors: tuple[ProblemField, ...] = ()

    @classmethod
    def of(cls, error: InferqError, *, trace_id: str | None = None) -> "Problem":
        """What an error means to a client."""
        return cls(
            type=PROBLEM_TYPES + error.code,
            title=error.title,
            status=error.status,
            detail=error.detail,
            code=error.code,
            trace_id=trace_id,
            retryable=error.retryable,
            errors=tuple(ProblemField(pointer=e.pointer, detail=e.detail) for e in error.errors),
        )


WaitReason = Literal["no_worker", "drained", "broker_unavailable"]
"""What keeps a prediction from starting: no worker has its model; those that have it take nothing new; the broker."""


class QueuePlace(Frozen):
    """How long a queued prediction still has to wait."""

    ahead: int = Field(description="Predictions of the same model that start before this one.")
    workers: int = Field(description="Living workers that serve the model.")
    starts_in_seconds: float | None = Field(
        description="Expected wait; null until it was measured."
    )
    reason: WaitReason | None = Field(description="What keeps it from starting, if anything does.")


class Links(Frozen):
    """Paths (on this host) of what belongs to a prediction; null where there is no picture, or nothing to draw."""

    self: str
    input: str
    image: str | None
    preview: str | None
    annotated: str | None
    events: str


class Prediction(Frozen):
    """A prediction as clients see it."""

    task_id: str
    state: State
    model: ModelReference
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    attempts: int = 0
    batch: str | None = None
    rerun_of: str | None = None
    queue: QueuePlace | None = None
    input: Input
    parameters: dict[str, JsonValue]
    result: Result | None = None
    timings_ms: dict[str, float] = Field(default_factory=dict)
    error: Problem | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    links: Links | None = None

    @property
    def detections(self) -> tuple[Detection, ...]:
        """What an object detector found, best score first.

        Raises:
            TypeError: There is no such result (yet); so for the next ones, too.
        """
        return self._result_as(DetectionsResult).detections

    @property
    def classes(self) -> tuple[LabelScore, ...]:
        """What a classifier thinks, best score first."""
        return self._result_as(ClassificationResult).classes

    @property
    def data(self) -> JsonValue:
        """What any other model answered."""
        return self._result_as(JsonResult).data

    def parse(self, kind: type[T]) -> T:
        """The JSON that a model answered as a type: a pydantic model, or the like of `list[float]`.

        Raises:
            TypeError: There is no JSON result (yet).
            ValidationError: It is of another form.
        """
        return TypeAdapter(kind).validate_python(self.data)

    def _result_as(self, kind: type[R]) -> R:
        if not isinstance(self.result, kind):
            has = "no result" if self.result is None else f"a result of the kind {self.result.kind}"
            raise TypeError(f"Prediction {self.task_id} ({self.state}, {self.model}) has {has}.")
        return self.result

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        from inferq.predictions.display import as_html  # noqa: PLC0415 - which builds on this module

        return as_html(self)


class Batch(Frozen):
    """What carries one batch label."""

    batch: str
    total: int
    counts: dict[State, int] = Field(description="How many stand in each state.")
    finished_in_seconds: float | None = Field(
        description="Expected time until all have ended; null while nobody can tell."
    )


@dataclass(frozen=True, slots=True)
class Draft:
    """What `PredictionStore.accept` makes a record of."""

    task_id: str
    owner: str
    model: ModelReference
    input: Input
    input_key: str
    parameters: dict[str, Any]
    metadata: dict[str, Any]
    batch: str | None = None
    rerun_of: str | None = None
    start_within: timedelta | None = None
    callback_url: str | None = None
    idempotency_key: str | None = None
    fingerprint: str = ""
    traceparent: str = ""
    """Trace context of the request, which all that follows from it belongs to."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a prediction: its token is the fence that keeps late results out."""

    task_id: str
    token: str
    worker: str

    @classmethod
    def new(cls, task_id: str, worker: str) -> "Attempt":
        """An attempt under a fresh random token."""
        return cls(task_id, secrets.token_hex(16), worker)


@dataclass(frozen=True, slots=True)
class Record:
    """A prediction as the state store holds it: what clients see, and what only servers need."""

    prediction: Prediction
    owner: str
    input_key: str
    revision: int
    lane: str
    token: str
    worker: str
    queue_timeout: timedelta
    start_within: timedelta | None
    callback_url: str | None
    traceparent: str = ""

    @property
    def task_id(self) -> str:
        """The prediction's id."""
        return self.prediction.task_id

    @property
    def log_fields(self) -> dict[str, str | int]:
        """What a log line says of a prediction that it is about."""
        fields: dict[str, str | int] = {"task_id": self.task_id, "owner": self.owner}
        if self.trace_id is not None:
            fields["trace_id"] = self.trace_id
        if self.prediction.attempts:
            fields["attempt"] = self.prediction.attempts
        return fields

    @property
    def trace_id(self) -> str | None:
        """The id of the trace that its request belongs to."""
        return self.traceparent[3:35] or None
