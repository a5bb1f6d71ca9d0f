"""Every route of the API, a file a resource."""

from fastapi import FastAPI

from inferq.api.routes import (
    auth,
    batches,
    documents,
    events,
    exports,
    health,
    limits,
    lists,
    models,
    pictures,
    predictions,
    queue,
    webhooks,
)
from inferq.api.schemas import problems
from inferq.predictions.links import API_PREFIX

# In the order in which they are asked, as far as their paths allow it: they are gone through for every request.
RESOURCES = (
    lists.router,
    exports.router,
    predictions.router,
    events.router,
    pictures.router,
    batches.router,
    models.router,
    queue.router,
    limits.router,
    webhooks.router,
    auth.router,
)
OTHERS = (documents.router, health.router)


def add_routes(app: FastAPI) -> None:
    """Adds them all, each router by itself: FastAPI goes through routers within routers once a level for every request."""
    for router in RESOURCES:
        app.include_router(router, prefix=API_PREFIX, responses=problems(400, 401, 403, 422))
    for router in OTHERS:
        app.include_router(router)
