"""A card as the text of `model.toml`."""

import json
import re
from collections.abc import Mapping
from typing import Any

BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def card_text(card: Mapping[str, Any]) -> str:
    """TOML of plain values and tables of them; tables come last, in their order."""
    tables = {name: value for name, value in card.items() if isinstance(value, Mapping)}
    lines = [_line(name, value) for name, value in card.items() if name not in tables]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(_line(key, value) for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _line(key: str, value: object) -> str:
    return f"{key if BARE_KEY.fullmatch(key) else _value(key)} = {_value(value)}"


def _value(value: object) -> str:
    # JSON's strings, numbers, booleans and lists are TOML's, but for this character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
