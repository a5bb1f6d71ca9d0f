"""Inputs and parameters as a command line gives them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inferq.cli.pictures import find_pictures
from inferq.errors import SetupError
from inferq.predictions.record import Input

if TYPE_CHECKING:
    from inferq.models.register import RegisteredCard

ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param", "-p", metavar="NAME=VALUE", help="A parameter of the model; repeat it for more."
    ),
]


@dataclass(frozen=True, slots=True)
class GivenInput:
    """One input: its bytes, and a name that tells its media type."""

    data: bytes
    name: str

    def checked(self, card: "RegisteredCard", *, max_pixels: int) -> Input:
        """The input as a record tells of it.

        Raises:
            RequestError: The model does not take it; the class says why.
        """
        from inferq.models.accepting import (  # noqa: PLC0415 - other commands need none of it
            PictureLimits,
            check_input,
        )

        accepted = check_input(
            card,
            self.data,
            media_type="",
            filename=self.name,
            limits=PictureLimits(max_pixels),
        )
        return Input(filename=self.name, **asdict(accepted))


def read_inputs(card: "RegisteredCard", given: Sequence[str]) -> Iterator[GivenInput]:
    """What arguments stand for: files, folders of pictures, or JSON itself.

    Raises:
        SetupError: There is no such file.
    """
    for argument in given:
        path = Path(argument)
        if card.input_kind == "json" and not _is_file(path):
            yield GivenInput(argument.encode(), "input.json")
        elif not path.exists():
            raise SetupError(f"There is no file {argument}.")
        elif path.is_dir() and card.input_kind != "image":
            raise SetupError(f"{argument} is a folder; name files.")
        else:
            for found in find_pictures([path], recursive=False):
                yield GivenInput(found.path.read_bytes(), str(found.path))


def split_params(given: Sequence[str] | None, **named: object) -> list[tuple[str, str]]:
    """Names and texts of parameters that were given; those of options that were not are left out.

    Raises:
        SetupError: One is not `NAME=VALUE`.
    """
    fields = [(name, str(value)) for name, value in named.items() if value is not None]
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise SetupError(f"--param {text}: write it as NAME=VALUE.")
        fields.append((name, value))
    return fields


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a long text is no path
        return False
