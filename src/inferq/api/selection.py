"""What a request selects of an owner's predictions."""

from inferq.api.deps import Services
from inferq.api.schemas import Selection
from inferq.predictions.lists import Filter


def chosen(services: Services, selection: Selection) -> Filter:
    """The filter of a selection; a model's name alone stands for all its versions."""
    return Filter(
        states=frozenset(selection.state),
        models=frozenset(_references(services, selection.model)),
        labels=frozenset(selection.label),
        batches=frozenset(selection.batch),
        created_after=selection.created_after,
        created_before=selection.created_before,
    )


def _references(services: Services, models: tuple[str, ...]) -> set[str]:
    references: set[str] = set()
    if any("@" not in model for model in models):
        cards = services.register.cards()
        references = {card.reference for card in cards if card.name in models}
    # What nobody has registered matches nothing.
    return references | {model for model in models if "@" in model} or set(models)
