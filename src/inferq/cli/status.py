"""`inferq status`: queues, workers and the last failures of a deployment, as they are now and as they change."""

import sys
import time
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from inferq.cli.deployment import deployment_settings, with_state
from inferq.cli.overview import look, shown
from inferq.cli.serve import DataDirOption
from inferq.errors import StateUnavailable
from inferq.upkeep.parts import Parts

EVERY_SECONDS = 1.0


def add_commands(app: typer.Typer) -> None:
    """Adds this file's command."""
    app.command()(status)


def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print it once, as JSON, for programs.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Print it once.")] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Show queues, workers and the last failures; on a terminal, as they change (Ctrl-C ends it)."""
    parts = Parts.create(with_state(deployment_settings(data_dir)))
    if as_json:
        typer.echo(look(parts).as_json())
    elif once or not sys.stdout.isatty():
        Console().print(shown(look(parts)))
    else:
        _follow(lambda: shown(look(parts)))


def _follow(look: Callable[[], RenderableType]) -> None:
    """Shows it again each second, until the user ends it; an absent store is waited for."""
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        try:
            while True:
                try:
                    shown: RenderableType = look()
                except StateUnavailable as error:
                    shown = Text(str(error), style="red")
                live.update(shown, refresh=True)
                time.sleep(EVERY_SECONDS)
        except KeyboardInterrupt:
            return
