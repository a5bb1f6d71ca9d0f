"""The error tree: every error a user can meet, with its stable code and HTTP status.

One file a kind. Standard library only, so that the client can raise the same classes. The message of an error is safe to show.

InferqError
├── RequestError            the request cannot be served as it is (4xx)
├── UnavailableError        it could be served later (429, 503, 507)
├── PredictionError         why an accepted prediction failed
├── InternalError           a fault of ours (500)
└── SetupError              wrong configuration or usage of a command; never leaves through HTTP
"""

from collections.abc import Iterator

from inferq.errors.base import (
    MOST_FIELD_ERRORS,
    FieldError,
    InferqError,
    InternalError,
    PredictionError,
    RequestError,
    SetupError,
    UnavailableError,
    json_pointer,
)
from inferq.errors.prediction import (
    AttemptsExhausted,
    AttemptTimeout,
    ImageDamaged,
    InputDamaged,
    InputMissing,
    ModelFailed,
    OutOfMemory,
    PredictionCanceled,
    QueueTimeout,
)
from inferq.errors.request import (
    AlreadyFinished,
    CrossOrigin,
    EmptyUpload,
    HeadTooLarge,
    HostNotAllowed,
    IdempotencyKeyReused,
    ImageTruncated,
    InputGone,
    InsufficientScope,
    InvalidInput,
    InvalidParameter,
    MalformedRequest,
    MethodNotAllowed,
    NotAnImage,
    NotFinished,
    NotFound,
    RangeNotSatisfiable,
    ReceiverGone,
    RequestTooSlow,
    TooManyPixels,
    Unauthenticated,
    UnknownModel,
    UnsupportedFormat,
    UploadTooLarge,
)
from inferq.errors.setup import (
    WrongWeights,
)
from inferq.errors.unavailable import (
    DiskFull,
    IssuerUnavailable,
    QueueFull,
    RateLimited,
    RecordTooNew,
    RenderingBusy,
    ServerUnreachable,
    StateUnavailable,
    StorageUnavailable,
    TooManyInFlight,
)

__all__ = [
    "MOST_FIELD_ERRORS",
    "AlreadyFinished",
    "AttemptTimeout",
    "AttemptsExhausted",
    "CrossOrigin",
    "DiskFull",
    "EmptyUpload",
    "FieldError",
    "HeadTooLarge",
    "HostNotAllowed",
    "IdempotencyKeyReused",
    "ImageDamaged",
    "ImageTruncated",
    "InferqError",
    "InputDamaged",
    "InputGone",
    "InputMissing",
    "InsufficientScope",
    "InternalError",
    "InvalidInput",
    "InvalidParameter",
    "IssuerUnavailable",
    "MalformedRequest",
    "MethodNotAllowed",
    "ModelFailed",
    "NotAnImage",
    "NotFinished",
    "NotFound",
    "OutOfMemory",
    "PredictionCanceled",
    "PredictionError",
    "QueueFull",
    "QueueTimeout",
    "RangeNotSatisfiable",
    "RateLimited",
    "ReceiverGone",
    "RecordTooNew",
    "RenderingBusy",
    "RequestError",
    "RequestTooSlow",
    "ServerUnreachable",
    "SetupError",
    "StateUnavailable",
    "StorageUnavailable",
    "TooManyInFlight",
    "TooManyPixels",
    "Unauthenticated",
    "UnavailableError",
    "UnknownModel",
    "UnsupportedFormat",
    "UploadTooLarge",
    "WrongWeights",
    "error_class",
    "error_classes",
    "json_pointer",
]


def error_classes() -> Iterator[type[InferqError]]:
    """Every concrete error class, kind by kind."""
    pending = [InferqError]
    while pending:
        cls = pending.pop(0)
        children = cls.__subclasses__()
        pending.extend(children)
        if "code" in cls.__dict__ and cls is not InferqError:
            yield cls


def error_class(code: str) -> type[InferqError]:
    """The class of a problem's `code`; `InferqError` itself for a code this version does not know."""
    return next((cls for cls in error_classes() if cls.code == code), InferqError)
