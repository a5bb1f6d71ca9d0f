"""Predictions, many at once: list them, delete them."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Query, Request, Response

from inferq.api.bodies import JsonRoute
from inferq.api.deps import ChangeAccess, ReadAccess, ServicesDep
from inferq.api.openapi import answers
from inferq.api.paging import next_link, read_cursor
from inferq.api.routers import resource_router
from inferq.api.schemas import Deleted, Deletion, ListQuery, PredictionPage, problems
from inferq.api.selection import chosen
from inferq.errors import InvalidParameter

router = resource_router(tags=["predictions"], responses=problems(503), route_class=JsonRoute)


@router.get(
    "/predictions",
    summary="List predictions",
    response_model=PredictionPage,
    responses=answers(200, description="A page", names=("Link",)),
)
def list_(
    request: Request,
    services: ServicesDep,
    access: ReadAccess,
    query: Annotated[ListQuery, Query()],
) -> Response:
    """The caller's predictions, newest first; what comes or goes meanwhile moves no page."""
    after = read_cursor(query.cursor)
    page = services.lists.page(
        access.owner, chosen(services, query), limit=query.limit, after=after
    )
    items = ",".join(view.body for view in services.viewer.many(page.records))
    cursor = "null" if page.next is None else f'"{page.next.encode()}"'
    body = f'{{"items":[{items}],"next_cursor":{cursor}}}'
    return Response(body, headers=next_link(request, page.next), media_type="application/json")


@router.post(
    "/predictions/delete",
    summary="Delete predictions",
    responses=problems(403, 408, 413, 415),
)
def delete_many(services: ServicesDep, access: ChangeAccess, deletion: Deletion) -> Deleted:
    """Deletes predictions by id or by a filter, with their pictures and results; what runs is canceled."""
    return Deleted(
        deleted=sum(map(services.store.delete, _chosen_ids(services, access.owner, deletion)))
    )


def _chosen_ids(services: ServicesDep, owner: str, deletion: Deletion) -> Iterator[str]:
    if (deletion.ids is None) == (deletion.filter is None):
        raise InvalidParameter.of("ids", "give either ids or a filter")
    if deletion.ids is not None:
        known = services.store.get_many(deletion.ids)
        return (record.task_id for record in known if record.owner == owner)
    wanted = chosen(services, deletion.filter) if deletion.filter else None
    if not wanted:
        raise InvalidParameter.of("filter", "must name a state, model, label, batch or time")
    return (record.task_id for record in services.lists.every(owner, wanted))
