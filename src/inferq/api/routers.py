"""Routers of the API. Their routes go into the application one by one: FastAPI asks routers within it for each route twice."""

from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from inferq.api.schemas import Responses, problems
from inferq.predictions.links import API_PREFIX


def resource_router(
    prefix: str = "", *, responses: Responses | None = None, **options: Any
) -> APIRouter:
    """The router of a resource.

    Args:
        prefix: Of its paths, behind that of the API.
        responses: What all its routes may answer, beside the problems of every request.
        options: What else FastAPI's takes.
    """
    return root_router(
        prefix=API_PREFIX + prefix,
        responses=problems(400, 401, 403, 422) | (responses or {}),
        **options,
    )


def root_router(**options: Any) -> APIRouter:
    """A router of what lies outside the API: documents, health."""
    return APIRouter(generate_unique_id_function=_operation_id, **options)


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0] if route.tags else 'root'}-{route.name.rstrip('_')}"
