"""Reads deploy/compose/compose.yaml as Compose does: anchors, variables, profiles, the order of the start."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = "deploy/compose"
FILE = ROOT / FOLDER / "compose.yaml"
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\})")


def variables(text: str) -> Iterator[tuple[str, str]]:
    """The variables of a text, each with its default."""
    for match in VARIABLE.finditer(text):
        if match["name"]:
            yield match["name"], match["default"] or ""


def interpolated(value: Any, known: Mapping[str, str]) -> Any:
    """A value with its variables replaced."""
    if isinstance(value, Mapping):
        return {key: interpolated(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolated(inner, known) for inner in value]
    if isinstance(value, str):
        return VARIABLE.sub(
            lambda m: (known.get(m["name"]) or m["default"] or "") if m["name"] else "$", value
        )
    return value


def read(known: Mapping[str, str] | None = None, checkout: Path = ROOT) -> dict[str, Any]:
    """The file of a checkout with these variables."""
    text = (checkout / FOLDER / "compose.yaml").read_text()
    loaded: dict[str, Any] = interpolated(yaml.safe_load(text), known or {})
    return loaded


def read_env(checkout: Path) -> dict[str, str]:
    """What stands in the `.env` of a checkout."""
    file = checkout / FOLDER / ".env"
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def start_order(services: Mapping[str, Any], profiles: Sequence[str]) -> list[str]:
    """The services that start with these profiles, each behind what it depends on."""
    wanted = {
        name: service
        for name, service in services.items()
        if not service.get("profiles") or set(service["profiles"]) & set(profiles)
    }
    order: list[str] = []

    def visit(name: str) -> None:
        for other, how in wanted[name].get("depends_on", {}).items():
            assert other in wanted or how.get("required") is False, f"{name} needs {other}"
            if other in wanted and other not in order:
                visit(other)
        if name not in order:
            order.append(name)

    for name in wanted:
        visit(name)
    return order
