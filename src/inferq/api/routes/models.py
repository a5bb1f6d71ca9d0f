"""The models that workers serve."""

from inferq.api.deps import MAY_READ, Services, ServicesDep
from inferq.api.routers import resource_router
from inferq.api.schemas import ModelCard, ModelList, problems
from inferq.errors import NotFound
from inferq.models.register import RegisteredCard

router = resource_router(tags=["models"], dependencies=[MAY_READ], responses=problems(503))


@router.get("/models", summary="List the models")
def list_(services: ServicesDep) -> ModelList:
    """Every model known here, with its parameters and the workers that serve it now."""
    cards = services.register.cards()
    default = (
        services.register.find(None, services.settings.default_model).reference if cards else None
    )
    return ModelList(items=tuple(_with_workers(services, card) for card in cards), default=default)


@router.get("/models/{name}", summary="Look at a model", responses=problems(404))
def get(name: str, services: ServicesDep) -> ModelCard:
    """One model, by `name` (its newest version) or `name@version`."""
    for card in services.register.cards():
        if name in (card.name, card.reference):
            return _with_workers(services, card)
    raise NotFound(f"There is no model {name!r}.")


def _with_workers(services: Services, card: RegisteredCard) -> ModelCard:
    return ModelCard(**card.model_dump(), workers=services.register.serving(card.reference).workers)
