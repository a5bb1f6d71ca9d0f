"""The queues: what waits and runs of each model, and how fast it is worked off."""

from inferq.api.deps import MAY_READ, ServicesDep
from inferq.api.routers import resource_router
from inferq.api.schemas import QueueList, problems

router = resource_router(tags=["queue"], dependencies=[MAY_READ], responses=problems(503))


@router.get("/queue", summary="Look at the queues")
def get(services: ServicesDep) -> QueueList:
    """What waits and runs of each model, who works it off, and how long a prediction sent now has to wait.

    `GET /events?load=true` tells it whenever it changes.
    """
    return services.viewer.loads()
