"""Every route of the API, a file a resource."""

from fastapi import APIRouter

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

api = APIRouter(prefix=API_PREFIX, responses=problems(400, 401, 403, 422))
api.include_router(auth.router)
api.include_router(lists.router)
api.include_router(exports.router)
api.include_router(predictions.router)
api.include_router(events.router)
api.include_router(pictures.router)
api.include_router(batches.router)
api.include_router(models.router)
api.include_router(queue.router)
api.include_router(limits.router)
api.include_router(webhooks.router)

root = APIRouter()
root.include_router(api)
root.include_router(documents.router)
root.include_router(health.router)
