"""Webhooks: what became of deliveries, sending them again, and the secret that signs them."""

from typing import Annotated

from fastapi import Body, Query, Request, Response

from inferq.api.bodies import JsonRoute
from inferq.api.deps import ChangeAccess, ReadAccess, Services, ServicesDep, Submitter
from inferq.api.openapi import answers
from inferq.api.paging import next_link, read_cursor
from inferq.api.routers import resource_router
from inferq.api.schemas import problems
from inferq.api.webhook_schemas import (
    DeliveryPage,
    DeliveryQuery,
    DisabledUrl,
    DisabledUrls,
    Enabling,
    Rotation,
    SigningSecret,
)
from inferq.errors import NotFound, ReceiverGone
from inferq.predictions.deliveries import Delivery
from inferq.webhooks.signing import new_secret

router = resource_router(
    "/webhooks", tags=["webhooks"], responses=problems(503), route_class=JsonRoute
)


@router.get(
    "/deliveries",
    summary="List deliveries",
    responses=answers(200, description="A page", names=("Link",)),
)
def list_(
    request: Request,
    response: Response,
    services: ServicesDep,
    access: ReadAccess,
    query: Annotated[DeliveryQuery, Query()],
) -> DeliveryPage:
    """What was told of the caller's predictions, newest first, with how each attempt went.

    A delivery is kept as long as its prediction.
    """
    found, position = services.deliveries.page(
        access.owner, query.state, limit=query.limit, after=read_cursor(query.cursor)
    )
    response.headers.update(next_link(request, position))
    return DeliveryPage(
        items=tuple(found), next_cursor=None if position is None else position.encode()
    )


@router.get(
    "/deliveries/{task_id}", summary="Look at the delivery of a prediction", responses=problems(404)
)
def get(task_id: str, services: ServicesDep, access: ReadAccess) -> Delivery:
    """What was told of one prediction's end; there is nothing before it has ended."""
    return _find(services, access.owner, task_id)


@router.post(
    "/deliveries/{task_id}/redeliver",
    summary="Deliver again",
    status_code=202,
    responses=problems(403, 404, 409),
)
def redeliver(task_id: str, services: ServicesDep, access: ChangeAccess) -> Delivery:
    """Sends a delivery again, at once and if need be for another day, whatever came of it before.

    Its `webhook-id` stays the same.
    """
    delivery = _find(services, access.owner, task_id)
    if services.deliveries.redeliver(task_id) == "disabled":
        raise ReceiverGone(f"{delivery.url} answered 410 and is not sent to until it is enabled.")
    return _find(services, access.owner, task_id)


@router.get("/disabled", summary="List disabled URLs")
def list_disabled(services: ServicesDep, access: ReadAccess) -> DisabledUrls:
    """The URLs that answered 410, and so get no more of the caller's deliveries; the latest first."""
    found = services.deliveries.disabled(access.owner)
    return DisabledUrls(
        items=tuple(DisabledUrl(url=url, disabled_at=since) for url, since in found.items())
    )


@router.post(
    "/enable",
    summary="Enable a URL again",
    status_code=204,
    responses=problems(403, 404, 413, 415),
)
def enable(services: ServicesDep, access: ChangeAccess, wish: Enabling) -> None:
    """Sends to a URL again that answered 410 before. What was not delivered meanwhile can be delivered again."""
    if not services.deliveries.enable(access.owner, wish.url):
        raise NotFound("This URL is not disabled.")


@router.get("/secret", summary="Show the signing secret")
def show_secret(response: Response, services: ServicesDep, caller: Submitter) -> SigningSecret:
    """The secret that the caller's deliveries are signed with; the first call makes it."""
    response.headers["Cache-Control"] = "no-store"
    return SigningSecret.of(services.deliveries.secrets(caller.owner, new_secret()))


@router.post(
    "/secret/rotate", summary="Rotate the signing secret", responses=problems(403, 413, 415)
)
def rotate_secret(
    response: Response,
    services: ServicesDep,
    caller: Submitter,
    wish: Annotated[Rotation, Body()] = Rotation(),  # noqa: B008 - immutable
) -> SigningSecret:
    """Makes a new secret; for a while, deliveries carry a signature of each, so that no receiver misses one."""
    response.headers["Cache-Control"] = "no-store"
    secrets = services.deliveries.rotate(caller.owner, new_secret(), overlap=wish.overlap)
    return SigningSecret.of(secrets)


def _find(services: Services, owner: str, task_id: str) -> Delivery:
    delivery = services.deliveries.get(owner, task_id)
    if delivery is None:
        raise NotFound("There is no delivery of such a prediction (yet, or any more).")
    return delivery
