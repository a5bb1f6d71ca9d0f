"""Events: what happens to predictions, pushed as Server-Sent Events."""

from typing import Annotated, Any

from fastapi import Header, Query, Response

from inferq.api.deps import ReadAccess, ServicesDep
from inferq.api.routers import resource_router
from inferq.api.schemas import Responses, problems
from inferq.api.streams import Wish, follow_all, follow_one
from inferq.api.waiting import find

STREAM_SCHEMA: dict[str, Any] = {
    "type": "string",
    "description": "Server-Sent Events (WHATWG HTML); `data` is JSON.",
    "examples": [
        'event: succeeded\nid: 1764000000000-0\ndata: {"task_id": "8e30…", "state": "succeeded", …}\n\n'
    ],
}
STREAM: Responses = {
    200: {
        "description": "The event stream",
        "content": {"text/event-stream": {"schema": STREAM_SCHEMA}},
    }
}
ENDED: Responses = {
    204: {"description": "The client has seen the end; `EventSource` does not come back"}
}

LastEventId = Annotated[
    str | None,
    Header(description="The `id` of the last event seen; what came since is sent first."),
]

router = resource_router(
    tags=["events"], default_response_class=Response, responses=STREAM | problems(503)
)


@router.get(
    "/predictions/{task_id}/events",
    summary="Follow a prediction",
    responses=ENDED | problems(404),
)
def follow_prediction(
    task_id: str, services: ServicesDep, access: ReadAccess, last_event_id: LastEventId = None
) -> Response:
    """The prediction as it is, then each change of it, until its end.

    `event` is its state; `queue` (at most once a second) says that its place has changed; `deleted` that there is
    none any more; `resync` that the `Last-Event-ID` is not known any more. `data` is the whole prediction.
    """
    record = find(services, task_id, access.owner)
    return follow_one(services, access, record, last_event_id)


@router.get("/events", summary="Follow all predictions")
def follow(
    services: ServicesDep,
    access: ReadAccess,
    batch: Annotated[str | None, Query(description="Only what carries this batch label.")] = None,
    load: Annotated[
        bool, Query(description="Also tell what all models have to do, as `GET /queue` does.")
    ] = False,
    last_event_id: LastEventId = None,
) -> Response:
    """What is unfinished (`snapshot`, in parts, the last of which is `complete`), then each change of any prediction.

    `event` is the state that a prediction has now and `data` the whole prediction; `deleted` has its `task_id`;
    `queue` (at most once a second) has new places in the queue, `{"items": [{"task_id", "queue"}, …]}`; `resync`
    says that the `Last-Event-ID` is not known any more: what the client knows may be stale, and snapshots follow.
    With `load`, an event of that name (at most once a second) has the answer of `GET /queue` whenever it is another.
    """
    return follow_all(services, access, Wish(batch, load), last_event_id)
