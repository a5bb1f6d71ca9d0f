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

# In the order in which they are asked, as far as their paths allow it: they are gone through for every request.
ROUTERS = (
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
    documents.router,
    health.router,
)


def add_routes(app: FastAPI) -> None:
    """Adds them all."""
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
