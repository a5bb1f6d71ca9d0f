"""The server's events as they happen, over one connection that is made again whenever it is lost."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import httpx2 as httpx

from inferq.client.exchange import LONGEST_PAUSE, Patience, error_from, unreachable
from inferq.client.sources import fields
from inferq.client.steps import Emit, NextEvent, Open, Pause, Request, Steps
from inferq.errors import InferqError, ServerUnreachable
from inferq.predictions.record import Prediction, QueuePlace, State

EVENTS = "/api/v1/events"
EventKind = Literal[
    "snapshot",
    "queued",
    "running",
    "succeeded",
    "failed",
    "canceled",
    "deleted",
    "queue",
    "resync",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the caller's predictions.

    Attributes:
        kind: The new state of a prediction; `snapshot` for a part of what is unfinished at the start; `deleted`;
            `queue` for new places in the queue; `resync` when events were missed and snapshots follow.
        predictions: Those of a snapshot, or the one that changed.
        deleted: Id of the prediction that was deleted.
        queue: New places by task id.
        complete: Whether this is the last part of a snapshot.
        id: Where in the stream it stands; none for `queue`.
    """

    kind: EventKind
    predictions: tuple[Prediction, ...] = ()
    deleted: str | None = None
    queue: Mapping[str, QueuePlace] = field(default_factory=dict)
    complete: bool = True
    id: str | None = None


def listen(
    receive: Callable[[Event], Iterable[Any]], timeout: float, *, batch: str | None = None
) -> Steps[None]:
    """Listens without end, and emits what `receive` makes of each event.

    After a lost connection the server repeats what was missed (`Last-Event-ID`).

    Raises:
        InferqError: The server refused; `ServerUnreachable` if it stayed away for `timeout` seconds.
    """
    patience = Patience(timeout)
    last_id: str | None = None
    while True:
        began = time.monotonic()
        try:
            response: httpx.Response = yield Open(_request(batch, last_id))
            if response.status_code >= httpx.codes.BAD_REQUEST:
                raise error_from(response)
            if response.status_code == httpx.codes.NO_CONTENT:
                return
            while (sent := (yield NextEvent())) is not None:
                patience.reset()
                last_id = sent.id or last_id
                event = _event(sent)
                for value in receive(event) if event else ():
                    yield Emit(value)
            error: InferqError = ServerUnreachable(f"{response.url} ended.")
        except httpx.TransportError as cause:
            error = unreachable(cause)
        except InferqError as refusal:
            error = refusal
        if time.monotonic() - began > LONGEST_PAUSE:
            patience.reset()
        yield Pause(patience.pause_after(error))


def _request(batch: str | None, last_id: str | None) -> Request:
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    return Request("GET", EVENTS, query=fields({"batch": batch}), headers=headers)


def _event(sent: httpx.ServerSentEvent) -> Event | None:
    """What an event says, or None for a kind that this version does not know."""
    read = _READERS.get(sent.event)
    if read is None:
        return None
    data = json.loads(sent.data) if sent.data else {}
    return Event(kind=cast("EventKind", sent.event), id=sent.id or None, **read(data))


def _read_snapshot(data: Any) -> dict[str, Any]:
    items = tuple(Prediction.model_validate(item) for item in data["items"])
    return {"predictions": items, "complete": data["complete"]}


def _read_change(data: Any) -> dict[str, Any]:
    return {"predictions": (Prediction.model_validate(data),)}


def _read_deleted(data: Any) -> dict[str, Any]:
    return {"deleted": data["task_id"]}


def _read_queue(data: Any) -> dict[str, Any]:
    items = data["items"]
    return {"queue": {item["task_id"]: QueuePlace.model_validate(item["queue"]) for item in items}}


def _read_resync(_: Any) -> dict[str, Any]:
    return {}


_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "snapshot": _read_snapshot,
    "deleted": _read_deleted,
    "queue": _read_queue,
    "resync": _read_resync,
    **dict.fromkeys(State, _read_change),
}
