"""The card that the documentation prints is the card that is read."""

import re
import tomllib
from pathlib import Path

from pydantic import BaseModel

from inferq.models.card import Card

TEXT = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def printed() -> dict:
    (card,) = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return tomllib.loads(card)


def fields(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_the_printed_card_is_valid():
    Card.model_validate(printed())


def test_the_printed_card_leaves_nothing_out():
    card = printed()
    assert set(card) == fields(Card)
    for name, field in Card.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert set(card[name]) == fields(field.annotation), name


def test_every_command_that_the_page_names_exists():
    from inferq.cli import app

    group = next(group for group in app.registered_groups if group.name == "models")
    known = {
        command.name or command.callback.__name__
        for command in group.typer_instance.registered_commands
    }
    named = set(re.findall(r"inferq models (\w+)", TEXT))
    assert named <= known
    assert {"add", "check", "run", "reload"} <= named
