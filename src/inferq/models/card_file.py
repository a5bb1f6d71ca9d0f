"""A card as the text of `model.toml`."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def card_text(card: Mapping[str, Any]) -> str:
    """TOML of plain values and tables of them; tables come last, in their order."""
    return "\n".join(_lines(card, ())) + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """The lines of a table without its head, and then those of the tables within it."""
    tables = {name: value for name, value in table.items() if isinstance(value, Mapping)}
    for name, value in table.items():
        if name not in tables:
            yield f"{_key(name)} = {_value(value)}"
    for name, inner in tables.items():
        inner_path = (*path, name)
        yield ""
        yield f"[{'.'.join(map(_key, inner_path))}]"
        yield from _lines(inner, inner_path)


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    # JSON's strings, numbers, booleans and lists are TOML's, but for this character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
