"""`inferq models fetch`: a model of the catalogue, downloaded, tried and handed to the workers that run here."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from inferq.cli.model_folders import ToOption, hand_over, new_models_dir
from inferq.cli.serve import read_settings

INTERRUPTED = 130


def add_commands(group: typer.Typer) -> None:
    """Adds this file's command."""
    group.command()(fetch)


def fetch(
    name: Annotated[str, typer.Argument(help="`name`, for its newest version, or `name@version`.")],
    to: ToOption = None,
) -> None:
    """Download a model of the catalogue and have the server that runs here take it up.

    Size and SHA-256 are those of the catalogue, or what came is deleted. An interrupted download goes on where it
    broke off. INFERQ_MODELS_MIRROR names another server, INFERQ_MODELS_CATALOGUE a catalogue of your own.

    Exit status: 0 it is there, 2 it is not, 130 interrupted.
    """
    from inferq.models.fetch_catalogue import read_catalogue  # noqa: PLC0415 - other commands need
    from inferq.models.fetching import fetch_model  # noqa: PLC0415 - none of it

    settings = read_settings()
    entry = read_catalogue(settings.models_catalogue).find(name)
    models_dir = new_models_dir(to)
    try:
        with _progress() as progress:
            shown = progress.add_task(entry.reference, total=entry.bytes)
            added = fetch_model(
                entry,
                models_dir,
                mirror=settings.models_mirror,
                told=lambda there: progress.update(shown, completed=there),
            )
    except KeyboardInterrupt:
        typer.echo("inferq: interrupted. The same command goes on from here.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"{added.card.reference:<12} {added.folder}\nlicense      {added.card.license}")
    hand_over(models_dir, added.card.reference)


def _progress() -> Progress:
    """A bar with bytes, speed and time left, if standard error is a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
