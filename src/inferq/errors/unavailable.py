"""What could be served later (429, 503, 507)."""

from inferq.errors.base import UnavailableError


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


class RecordTooNew(StateUnavailable):
    """A newer version of inferq made this prediction, in a form that the process that was asked does not know.

    It is so while a deployment is upgraded or taken back; try again after `Retry-After`. If it stays, upgrade what is older.
    """

    code = "record_too_new"
    title = "Made by a newer version"


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
