"""Requests that cannot be served as they are (4xx)."""

from collections.abc import Sequence
from typing import Self

from inferq.errors.base import FieldError, RequestError


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
