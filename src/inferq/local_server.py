"""The server that a user has started on this machine: what leads to it lies where commands find it from any folder."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_config_path


def local_server_file() -> Path:
    """Where `inferq up` writes what leads to this user's server: `inferq predict` and `inferq status` find it from any folder."""
    return user_config_path("inferq") / "server.json"


def write_private(path: Path, text: str) -> None:
    """Puts a file of one text for its owner alone in place, at once."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
    new.replace(path)


@dataclass(frozen=True, slots=True)
class LocalServer:
    """The server that this user has started here; its key is for that server alone."""

    url: str | None = None
    api_key: str | None = None
    data_dir: str | None = None
    """Where its data live; None where that is not known."""

    @classmethod
    def read(cls) -> "LocalServer":
        """What `write` left; nothing where that is not to be read."""
        try:
            kept = json.loads(local_server_file().read_text(encoding="utf-8"))
            return cls(kept["url"], kept.get("api_key"), kept.get("data_dir"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def write(self) -> None:
        """Keeps it for this user alone."""
        path = local_server_file()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, json.dumps(asdict(self)))
