"""What routes work with: the services of this process, and who is asking."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from inferq.api.capacity import Capacity
from inferq.api.push import Changes
from inferq.api.rendering import Renders
from inferq.api.viewer import Viewer
from inferq.models.register import ModelRegister
from inferq.predictions.deliveries import Deliveries
from inferq.predictions.events import EventLog
from inferq.predictions.lists import PredictionLists
from inferq.predictions.queues import Queues
from inferq.predictions.store import PredictionStore
from inferq.queue import CeleryResults, Publisher
from inferq.render.processes import RenderProcesses
from inferq.settings import Settings
from inferq.storage import Storage
from inferq.upkeep.loop import Upkeep
from inferq.upkeep.parts import Parts
from inferq.webhooks.callbacks import Callbacks

LOCAL_OWNER = "local"


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that routes talk to; made once per process."""

    settings: Settings
    store: PredictionStore
    lists: PredictionLists
    queues: Queues
    events: EventLog
    deliveries: Deliveries
    callbacks: Callbacks
    storage: Storage
    register: ModelRegister
    publisher: Publisher
    results: CeleryResults
    upkeep: Upkeep
    capacity: Capacity
    viewer: Viewer
    changes: Changes
    renders: Renders
    drawing: RenderProcesses

    @classmethod
    def create(cls, settings: Settings) -> "Services":
        """Connects to nothing yet.

        Raises:
            SetupError: A setting is missing.
        """
        parts = Parts.create(settings)
        viewer = Viewer(parts)
        return cls(
            settings=settings,
            store=parts.store,
            lists=PredictionLists(parts.client),
            queues=parts.queues,
            events=EventLog(parts.client),
            deliveries=parts.deliveries,
            callbacks=Callbacks(parts.rules, settings.webhook_url),
            storage=parts.storage,
            register=parts.register,
            publisher=parts.publisher,
            results=parts.results,
            upkeep=Upkeep(parts),
            capacity=Capacity(parts),
            viewer=viewer,
            changes=Changes(settings.state_url(), viewer),
            renders=Renders(),
            drawing=RenderProcesses(),
        )


async def get_services(request: Request) -> Services:
    """The services that the application's lifespan made."""
    services: Services = request.app.state.services
    return services


async def get_owner() -> str:
    """Who is asking; on loopback, everyone is the same local user."""
    return LOCAL_OWNER


ServicesDep = Annotated[Services, Depends(get_services)]
OwnerDep = Annotated[str, Depends(get_owner)]
