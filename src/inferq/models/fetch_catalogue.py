"""The catalogue of models that can be fetched: where each lies, its checksum, and the card to write beside it."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from inferq.errors import SetupError
from inferq.models.adding import ONNX_FILE
from inferq.models.card import Card, CardPart, Name, Version, explain

CATALOGUE_FILE = "catalogue.toml"


class Entry(CardPart):
    """One model of the catalogue: an `.onnx` file somewhere, and what else its card says."""

    name: Name
    version: Version
    url: str = Field(pattern=r"^https?://")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=1)
    license: str
    card: dict[str, Any]

    @property
    def reference(self) -> str:
        """The model's full name: `name@version`."""
        return f"{self.name}@{self.version}"

    def full_card(self) -> dict[str, Any]:
        """The card to write: what the entry says, and what its own table `card` adds."""
        return self._told() | {"source": {"url": self.url}} | self.card

    def _told(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "name": self.name,
            "version": self.version,
            "license": self.license,
            "runtime": "onnx",
            "weights": ONNX_FILE,
            "sha256": self.sha256,
        }

    @model_validator(mode="after")
    def _with_sound_card(self) -> Self:
        twice = self.card.keys() & self._told().keys()
        if twice:
            raise ValueError(f"leave {', '.join(sorted(twice))} out of its card")
        try:
            Card.model_validate(self.full_card())
        except ValidationError as error:
            raise ValueError(f"its card is not valid: {explain(error)}") from error
        return self


class Catalogue(CardPart):
    """All that can be fetched."""

    schema_version: Literal[1] = Field(1, alias="schema")
    models: tuple[Entry, ...] = ()

    def find(self, name: str) -> Entry:
        """The entry of `name@version`, or of a name's newest version.

        Raises:
            SetupError: There is none; the message says which there are.
        """
        named = [entry for entry in self.models if name in (entry.name, entry.reference)]
        if named:
            return max(named, key=lambda entry: (entry.version.isdigit(), _number(entry.version)))
        known = ", ".join(entry.reference for entry in self.models)
        raise SetupError(
            f"The catalogue has no model {name!r}; "
            + (f"it has {known}." if known else "it is empty.")
            + " INFERQ_MODELS_CATALOGUE names a catalogue of your own."
        )


def read_catalogue(path: Path | None) -> Catalogue:
    """Reads a catalogue; without a path, that of the package.

    Raises:
        SetupError: There is none, or it is not valid; the message says where.
    """
    if path is None:
        path = Path(str(files("inferq.models"))) / "zoo" / CATALOGUE_FILE
    try:
        return Catalogue.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SetupError(f"The catalogue {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise SetupError(f"{path} is not a valid catalogue: {explain(error)}.") from error


def _number(version: str) -> int:
    return int(version) if version.isdigit() else 0
