"""The card that the documentation prints is the card that is read."""

import re
import tomllib
from pathlib import Path

from pydantic import BaseModel
from typer.main import get_group

from inferq.cli import app
from inferq.models.card import TRANSLATED_LABELS, Card
from inferq.models.detector import Detector
from inferq.models.outputs import OUTPUT_FORMATS

TEXT = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def printed(*, all_lines: bool = False) -> dict:
    """The card of the page; with `all_lines`, also what another format would need."""
    card, _ = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return tomllib.loads(
        re.sub(r"^# (\w+ = )", r"\1", card, flags=re.MULTILINE) if all_lines else card
    )


def fields(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_the_printed_card_is_valid():
    card = Card.model_validate(printed())
    Detector(Path(), card)  # which refuses tensors and options that are not the format's


def test_every_output_format_is_in_the_table():
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*?) \|", TEXT, re.MULTILINE))
    assert rows.keys() == OUTPUT_FORMATS.keys()
    for name, tensors in rows.items():
        named = re.findall(r"`([a-z_]{3,})`", tensors)
        assert sorted(named) == sorted(OUTPUT_FORMATS[name].shapes), name


def test_the_printed_card_leaves_nothing_out():
    card = printed(all_lines=True)
    assert set(card) == fields(Card) - {TRANSLATED_LABELS}
    assert Card.model_validate(printed()).translated_labels.keys() == {"vi"}
    for name, field in Card.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert set(card[name]) == fields(field.annotation), name


def test_every_command_that_the_page_names_exists():
    known = set(get_group(app).commands["models"].commands)
    named = set(re.findall(r"inferq models (\w+)", TEXT))
    assert named <= known
    assert {"add", "check", "run", "reload", "fetch"} <= named
