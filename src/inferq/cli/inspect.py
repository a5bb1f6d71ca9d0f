"""Commands that look: `doctor`, `openapi`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from inferq.cli.deployment import deployment_settings
from inferq.cli.serve import DataDirOption, read_settings
from inferq.client import Client

UrlOption = Annotated[
    str | None, typer.Option(help="Server (INFERQ_URL; by default the one that runs here).")
]


def add_commands(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command()(doctor)
    app.command()(openapi)


def doctor(
    url: UrlOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines, for programs.")] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Check this machine, what inferq depends on and the running server; say what is wrong, and what to do."""
    from inferq.cli.checks import check_all  # noqa: PLC0415 - other commands need none of it

    settings = deployment_settings(data_dir)
    failed = False
    with Client(url) as client:
        for found in check_all(settings, client):
            failed |= found.level == "WRONG"
            line = f"{found.level:<6}{found.part:<10}{found.text}"
            typer.echo(json.dumps(asdict(found), ensure_ascii=False) if as_json else line)
    if failed:
        raise typer.Exit(1)


def openapi() -> None:
    """Print the OpenAPI document."""
    from inferq.api.app import create_app  # noqa: PLC0415 - other commands need none of it

    typer.echo(
        json.dumps(
            create_app(read_settings()).openapi(), indent=2, sort_keys=True, ensure_ascii=False
        )
    )
