"""Prints docs/configuration.md: every setting, from its field in `inferq.settings`. `make gen` writes it again."""

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from inferq.settings import PREFIX, Settings

HEAD = """\
# Configuration

Every setting is a variable of the environment, a line of a file `.env` in the folder where `inferq` is started, or a file
named by the variable with `_FILE` behind it, which is for secrets (`INFERQ_REDIS_URL_FILE=/run/secrets/redis_url`; the newline at
the file's end does not count). What stands in two of them is taken from the environment first, then from the file, then
from `.env`. Options of a command (`--port`) count more than all three. All settings have a default under which `inferq up`
works; a value that is not valid, and a file that cannot be read, keep every command from starting, and it says which.

Durations are seconds or ISO 8601 (`3600`, `PT1H`); lists are separated by commas; sizes are in bytes.

<!-- Written by `make gen` from src/inferq/settings.py. -->
"""
GROUPS: Mapping[str, str] = {
    "host": "Where it listens and keeps its data",
    "redis_url": "Servers and storage",
    "models_dir": "Models",
    "providers": "How workers use the machine",
    "retention": "Life of a prediction",
    "max_queued": "Limits",
    "allowed_hosts": "Who may reach it",
    "demo": "Who may use it",
    "sign_in_limit": "How often",
    "webhook_url": "Webhooks",
    "log_format": "Logs, metrics, traces",
    "url": "Clients",
}
"""The page's headings, each by the field that it begins with."""
NO_DEFAULT = "—"


def main() -> None:
    """Prints the page."""
    sys.stdout.write(page())


def page() -> str:
    """The whole page.

    Raises:
        ValueError: A heading begins with a field that does not exist.
    """
    if missing := GROUPS.keys() - Settings.model_fields.keys():
        raise ValueError(f"no setting is called {', '.join(sorted(missing))}")
    return "\n".join([HEAD, *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if heading := GROUPS.get(name):
            space = "" if name == next(iter(GROUPS)) else "\n"
            yield f"{space}## {heading}\n\n| variable | default | meaning |\n|---|---|---|"
        meaning = (field.description or "").replace("|", "\\|")
        yield f"| `{PREFIX}{name.upper()}` | {_default(field)} | {meaning} |"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "the user's data directory"
    written = _written(field.default)
    return f"`{written}`" if written else NO_DEFAULT


def _written(value: Any) -> str:
    """A value as an operator writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.0f}"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(Path(value)) if isinstance(value, Path) else str(value)


if __name__ == "__main__":
    main()
