"""What routes work with: the services of this process, and who is asking."""

from dataclasses import dataclass
from typing import Annotated

import anyio
from fastapi import Depends, Request

from inferq.api.push import Changes
from inferq.models.register import ModelRegister
from inferq.predictions.store import PredictionStore
from inferq.queue import Publisher
from inferq.settings import Settings
from inferq.state import connect
from inferq.storage import Storage

RENDERS_AT_ONCE = 2
LOCAL_OWNER = "local"


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that routes talk to; made once per process."""

    settings: Settings
    store: PredictionStore
    storage: Storage
    register: ModelRegister
    publisher: Publisher
    changes: Changes
    render_limit: anyio.CapacityLimiter

    @classmethod
    def create(cls, settings: Settings) -> "Services":
        """Connects to nothing yet.

        Raises:
            SetupError: A setting is missing.
        """
        client = connect(settings.state_url())
        store = PredictionStore(client)
        return cls(
            settings=settings,
            store=store,
            storage=Storage(settings.blob_url()),
            register=ModelRegister(client),
            publisher=Publisher(settings.queue_url(), store),
            changes=Changes(settings.state_url()),
            render_limit=anyio.CapacityLimiter(RENDERS_AT_ONCE),
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
