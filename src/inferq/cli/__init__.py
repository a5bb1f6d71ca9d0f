"""The `inferq` command; one file a group of commands."""

import sys
from collections import UserDict
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group
from typing_extensions import override

from inferq import __version__
from inferq.errors import InferqError, ServerUnreachable, SetupError

WRONG_USAGE = 2
UNREACHABLE = 3

FILES = {
    "up": "serve",
    "api": "serve",
    "worker": "serve",
    "predict": "predict",
    "models": "models",
    "users": "accounts",
    "keys": "accounts",
    "status": "status",
    "failed": "failed",
    "drain": "drain",
    "resume": "drain",
    "flower": "flower",
    "doctor": "inspect",
    "bench": "bench",
    "openapi": "inspect",
}
"""The file of each command, in the order of the help."""


class _Commands(UserDict[str, Any]):
    """Commands by name, each read from its file when it is asked for: none waits for what the others import."""

    @override
    def __getitem__(self, name: str) -> Any:
        commands = typer.Typer()
        import_module(f"inferq.cli.{self.data[name]}").add_commands(commands)
        return get_group(commands).commands[name]


class _Group(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands(FILES)


app = typer.Typer(
    name="inferq",
    cls=_Group,
    help="Asynchronous model server: post an input, get a task id, have the result pushed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None: ...


def main() -> None:
    """Runs the command line; exit statuses: 0 all well, 1 some failed, 2 wrong usage or set-up, 3 no server."""
    try:
        app()
    except SetupError as error:
        sys.stderr.write(f"inferq: {error}\n")
        raise SystemExit(WRONG_USAGE) from error
    except InferqError as error:
        sys.stderr.write(f"inferq: {error}\n")
        raise SystemExit(UNREACHABLE if isinstance(error, ServerUnreachable) else 1) from error
