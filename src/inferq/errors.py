"""The error tree: every error a user can meet, with its stable code and HTTP status.

Standard library only, so that the client can raise the same classes. The message of an error is safe to show.

InferqError
├── RequestError            the request cannot be served as it is (4xx)
├── UnavailableError        it could be served later (429, 503, 507)
├── PredictionError         why an accepted prediction failed
├── InternalError           a fault of ours (500)
└── SetupError              wrong configuration or usage of a command; never leaves through HTTP
"""

import inspect
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple, Self


def json_pointer(*parts: str | int) -> str:
    """The JSON Pointer (RFC 6901) of a place in a document; without parts, that of all of it."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "".join(f"/{part}" for part in escaped)


MOST_FIELD_ERRORS = 20
"""So many of the things that are wrong with one request are told; a body may hold a hundred thousand."""


class FieldError(NamedTuple):
    """One thing that is wrong with a request: where (a JSON pointer) and what."""

    pointer: str
    detail: str


class InferqError(Exception):
    """Root of all errors that inferq raises on purpose."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Error"
    retryable: ClassVar[bool] = False
    challenge: str | None = None
    """What `WWW-Authenticate` says: which credential would do."""

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after

    @classmethod
    def explained(cls) -> tuple[str, str]:
        """What an error of this class means, and what to do about it: the two paragraphs of its docstring."""
        meaning, _, remedy = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")
        return meaning.replace("\n", " "), remedy.replace("\n", " ")


class RequestError(InferqError):
    """The request cannot be served as it is."""

    status = 400


class UnavailableError(InferqError):
    """The same request may succeed later."""

    status = 503
    retryable = True


class PredictionError(InferqError):
    """Why an accepted prediction ended `failed`; met in its `error`, and where its picture is drawn."""

    status = 422


class InternalError(InferqError):
    """Something went wrong on our side; the log holds the cause under the `trace_id`.

    Try again; if it stays, look for the `trace_id` in the server's log.
    """

    code = "internal_error"
    title = "Internal error"
    retryable = True


class SetupError(InferqError):
    """A command cannot run with this configuration, environment or usage.

    Change what the message names.
    """

    code = "setup_error"
    title = "Cannot start"


class MalformedRequest(RequestError):
    """The body is not what its `Content-Type` says, or breaks off.

    Send the whole body, in the form that its `Content-Type` names.
    """

    code = "malformed_request"
    title = "Malformed request"


class HostNotAllowed(RequestError):
    """The `Host` header names a host that this server does not answer for (`INFERQ_ALLOWED_HOSTS`).

    Use a name that the server answers for, or add this one to the setting.
    """

    code = "host_not_allowed"
    title = "Host not allowed"


class Unauthenticated(RequestError):
    """No credential, or one that is expired or revoked; or a wrong user name or password.

    Sign in, or send an API key that is valid: `Authorization: Bearer iq_…`.
    """

    code = "unauthenticated"
    status = 401
    title = "Sign in first"
    challenge = "Bearer"

    @classmethod
    def invalid_token(cls, detail: str) -> Self:
        """A credential was sent, but it is not valid."""
        error = cls(detail)
        error.challenge = 'Bearer error="invalid_token"'
        return error


class InsufficientScope(RequestError):
    """The credential does not allow this call.

    Use a credential with the scope that `detail` names.
    """

    code = "insufficient_scope"
    status = 403
    title = "Not allowed with this credential"

    @classmethod
    def of(cls, scope: str) -> Self:
        """A scope that is missing."""
        error = cls(f"This needs a credential with the scope '{scope}'.")
        error.challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        return error


class CrossOrigin(RequestError):
    """A browser page of another origin tried to change something here.

    Send it from the server's own page or a program; behind a proxy that renames the host, set `INFERQ_PUBLIC_URL`.
    """

    code = "cross_origin"
    status = 403
    title = "Cross-origin request refused"


class NotFound(RequestError):
    """There is no such thing, or it belongs to someone else.

    Check the path and the id; predictions are forgotten after `INFERQ_RETENTION`, at `expires_at`.
    """

    code = "not_found"
    status = 404
    title = "Not found"


class MethodNotAllowed(RequestError):
    """The path exists, but not with this method.

    Use a method that the `Allow` header lists.
    """

    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"


class AlreadyFinished(RequestError):
    """The prediction has reached another terminal state.

    Nothing needs to be done; look at the prediction for its outcome.
    """

    code = "already_finished"
    status = 409
    title = "Already finished"


class NotFinished(RequestError):
    """The prediction has no result yet.

    Wait for its end, with `Prefer: wait=N` or the events, then ask again.
    """

    code = "not_finished"
    status = 409
    title = "Not finished yet"
    retryable = True


class UploadTooLarge(RequestError):
    """The body is too large: an upload above `INFERQ_MAX_UPLOAD_BYTES`, or JSON above 128 KiB.

    Send a smaller file, or raise the setting. A list of ids can be sent in several requests.
    """

    code = "upload_too_large"
    status = 413
    title = "Upload too large"


class RequestTooSlow(RequestError):
    """The request arrived more slowly than any connection that is worth waiting for.

    Send it again over a faster connection, or make the upload smaller.
    """

    code = "request_too_slow"
    status = 408
    title = "Request too slow"


class HeadTooLarge(RequestError):
    """The request's line and headers are larger than what is read of them.

    Send fewer and shorter headers; what is long belongs into the body.
    """

    code = "head_too_large"
    status = 431
    title = "Request head too large"


class RangeNotSatisfiable(RequestError):
    """The `Range` header asks for bytes beyond the end of the file.

    Ask for a part that exists; `Content-Range` has the file's size.
    """

    code = "range_not_satisfiable"
    status = 416
    title = "Range not satisfiable"


class NotAnImage(RequestError):
    """The bytes are no picture, whatever their name says.

    Send the picture itself: not a link to it, a page around it or its Base64 text.
    """

    code = "not_an_image"
    status = 415
    title = "Not an image"


class UnsupportedFormat(RequestError):
    """A picture or body in a format, or with a `Content-Type`, that is not accepted here.

    Convert it to a format that is accepted, as JPEG or PNG; send JSON as `application/json`.
    """

    code = "unsupported_format"
    status = 415
    title = "Unsupported format"


class EmptyUpload(RequestError):
    """The upload has no bytes.

    Check that the file was read before it was sent.
    """

    code = "empty_upload"
    status = 422
    title = "Empty upload"


class ImageTruncated(RequestError):
    """The picture's file breaks off before its end.

    Send the file again from a whole copy.
    """

    code = "image_truncated"
    status = 422
    title = "Image file is incomplete"


class TooManyPixels(RequestError):
    """The picture has more pixels than `INFERQ_MAX_PIXELS`.

    Make the picture smaller, or raise the setting.
    """

    code = "too_many_pixels"
    status = 422
    title = "Too many pixels"


class InputGone(RequestError):
    """The stored input of an earlier prediction is gone, so that it cannot be run again.

    Send the input itself again.
    """

    code = "input_gone"
    status = 409
    title = "Input is gone"


class ReceiverGone(RequestError):
    """A receiver of webhooks answered 410 before, so nothing is sent to it.

    Have the receiver take webhooks again, then enable its URL: `POST /api/v1/webhooks/enable`.
    """

    code = "receiver_gone"
    status = 409
    title = "Receiver wants no more"


class InvalidParameter(RequestError):
    """A parameter is unknown, missing or out of its range; `errors` points at it.

    Change what `errors` points at: a place in the body, or the name of a field, query parameter or header.
    """

    code = "invalid_parameter"
    status = 422
    title = "Invalid parameter"

    @classmethod
    def of(cls, field: str, detail: str) -> Self:
        """One field that is wrong."""
        return cls(f"{field}: {detail}.", errors=[FieldError(f"/{field}", detail)])


class InvalidInput(RequestError):
    """The JSON input is not what the model takes; `errors` points at each place.

    Change what `errors` points at; `input_schema` of `GET /api/v1/models/{name}` says what is taken.
    """

    code = "invalid_input"
    status = 422
    title = "Invalid input"

    @classmethod
    def of(cls, errors: Sequence[FieldError]) -> Self:
        """Places that are wrong."""
        told = (f"{error.pointer or 'the input'}: {error.detail}" for error in errors)
        return cls(f"{'; '.join(told)}.", errors=errors)


class UnknownModel(RequestError):
    """No worker has registered a model of this name (and version).

    Choose one of `GET /api/v1/models`, or start a worker that serves it.
    """

    code = "unknown_model"
    status = 422
    title = "Unknown model"


class IdempotencyKeyReused(RequestError):
    """The `Idempotency-Key` was used before for other content.

    Use a new key for each new request; send the same key only to repeat the very same one.
    """

    code = "idempotency_key_reused"
    status = 422
    title = "Idempotency key used for another request"


class TooManyInFlight(UnavailableError):
    """The caller has as many unfinished predictions as one owner may have.

    Wait until some have ended; `Retry-After` says when that is expected.
    """

    code = "too_many_in_flight"
    status = 429
    title = "Too many predictions in flight"


class RateLimited(UnavailableError):
    """Too many requests in a short time.

    Wait as long as `Retry-After` says.
    """

    code = "rate_limited"
    status = 429
    title = "Too many requests"


class QueueFull(UnavailableError):
    """As many predictions wait as this deployment allows.

    Wait as long as `Retry-After` says, or add workers.
    """

    code = "queue_full"
    title = "Queue is full"


class RenderingBusy(UnavailableError):
    """As many pictures wait to be drawn as this server lets wait.

    Wait as long as `Retry-After` says.
    """

    code = "rendering_busy"
    title = "Too many pictures to draw"


class StorageUnavailable(UnavailableError):
    """The storage of inputs does not answer.

    Try again after `Retry-After`, with the same `Idempotency-Key`; if it stays, look at the storage.
    """

    code = "storage_unavailable"
    title = "Storage unavailable"


class StateUnavailable(UnavailableError):
    """The state store (Redis/Valkey) does not answer, so nothing can be accepted or looked up.

    Try again after `Retry-After`, with the same `Idempotency-Key`; if it stays, look at the store.
    """

    code = "state_unavailable"
    title = "State store unavailable"


class IssuerUnavailable(UnavailableError):
    """The issuer of an access token does not tell its keys now, so the token cannot be checked.

    Try again after `Retry-After`; if it stays, look at `INFERQ_OIDC_ISSUER` and whether this server reaches it.
    """

    code = "issuer_unavailable"
    title = "Issuer unavailable"


class ServerUnreachable(UnavailableError):
    """No server answered at a client's URL within its time-out; raised by the client alone.

    Check the URL (`INFERQ_URL`) and that the server runs.
    """

    code = "server_unreachable"
    title = "Server unreachable"


class DiskFull(UnavailableError):
    """The storage has no room for the input.

    Try again after `Retry-After`; delete predictions, shorten `INFERQ_RETENTION` or add room.
    """

    code = "disk_full"
    status = 507
    title = "Storage is full"


class ImageDamaged(PredictionError):
    """The picture's header was sound, but its pixels could not be decoded.

    Send the file again from a whole copy; what an image viewer opens, a new export of it mends.
    """

    code = "image_damaged"
    title = "Image is damaged"


class OutOfMemory(PredictionError):
    """The input took more memory than a worker may take (`INFERQ_WORKER_MEMORY_BYTES`), also with nothing beside it.

    Make the input smaller, or raise the limit if the machine has more.
    """

    code = "out_of_memory"
    title = "Out of memory"


class InputMissing(PredictionError):
    """The stored input is gone, so there is nothing to predict on.

    Send the input again as a new prediction.
    """

    code = "input_missing"
    title = "Input is gone"


class InputDamaged(PredictionError):
    """The stored input is not what was uploaded, by its SHA-256: the storage has damaged it.

    Send the input again as a new prediction, and look at the storage.
    """

    code = "input_damaged"
    status = 500
    title = "Input is damaged"


class ModelFailed(PredictionError):
    """The model raised an error on this input.

    Try another input or other parameters; the worker's log has the cause.
    """

    code = "model_failed"
    status = 500
    title = "The model failed"


class AttemptsExhausted(PredictionError):
    """Every attempt ended with the death of its worker, so the input is not tried again.

    Do not repeat it as it is; the workers' logs say what they died of (often memory).
    """

    code = "attempts_exhausted"
    status = 500
    title = "Gave up after several attempts"


class AttemptTimeout(PredictionError):
    """No attempt was done within `INFERQ_ATTEMPT_TIMEOUT`.

    Send a smaller input, or raise the setting.
    """

    code = "attempt_timeout"
    status = 504
    title = "The model took too long"


class QueueTimeout(PredictionError):
    """It waited longer than it may, so it is not started any more.

    Send it again when less waits, allow a longer `start_within`, or add workers.
    """

    code = "queue_timeout"
    status = 504
    title = "Waited too long"
    retryable = True


class PredictionCanceled(PredictionError):
    """It was canceled before it could finish; raised by the client alone.

    Nothing needs to be done; run it again if the result is wanted after all.
    """

    code = "canceled"
    status = 409
    title = "Canceled"


class WrongWeights(SetupError):
    """A model's weights are not the file that its card names.

    Fetch the weights again, or write their checksum into the card if they were changed on purpose.
    """

    code = "wrong_weights"
    title = "Wrong model weights"


def error_classes() -> Iterator[type[InferqError]]:
    """Every concrete error class, in the order of this module."""
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
