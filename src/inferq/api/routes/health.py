"""Probes: whether the process lives, and whether it can accept predictions."""

from fastapi import Response

from inferq.api.deps import ServicesDep
from inferq.api.routers import root_router
from inferq.api.schemas import Readiness, problems
from inferq.errors import UnavailableError

router = root_router(tags=["health"], responses=problems(400))


@router.get("/healthz", summary="Does the process live?")
async def healthz() -> dict[str, str]:
    """The process lives and its event loop turns."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Can predictions be accepted?",
    responses={503: {"model": Readiness, "description": "State store or storage is away"}},
)
def readyz(services: ServicesDep, response: Response) -> Readiness:
    """200 if predictions can be accepted, even with the broker away (`degraded`); else 503."""
    checks = {"broker": "ok" if services.publisher.reachable else "unavailable"}
    for name, check in (("state", services.store.ping), ("storage", services.storage.check)):
        try:
            check()
            checks[name] = "ok"
        except UnavailableError:
            checks[name] = "unavailable"
            response.status_code = UnavailableError.status
    status = "ready" if set(checks.values()) == {"ok"} else "degraded"
    return Readiness(
        status="unavailable" if response.status_code == UnavailableError.status else status,
        checks=checks,
    )
