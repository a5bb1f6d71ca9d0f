"""Commands about models: `inferq models list | show | reload`; those on folders and files are in `model_folders.py` and `fetch.py`."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from inferq.cli import fetch, model_folders, tuning
from inferq.cli.inspect import UrlOption
from inferq.client import Client
from inferq.errors import SetupError

RELOAD_SECONDS = 300.0
MOST_LABELS = 12
"""Of those that `show` spells out."""


def add_commands(app: typer.Typer) -> None:
    """Adds this file's group of commands."""
    group = typer.Typer(help="Models: what is served, and model folders of your own.")
    group.callback(invoke_without_command=True)(models)
    group.command("list")(list_)
    group.command()(show)
    group.command()(reload)
    model_folders.add_commands(group)
    fetch.add_commands(group)
    tuning.add_commands(group)
    app.add_typer(group, name="models")


def models(context: typer.Context, url: UrlOption = None) -> None:
    """Models: what is served, and model folders of your own. Without a command, the list."""
    if context.invoked_subcommand is None:
        list_(url)


def list_(url: UrlOption = None) -> None:
    """List the models that the running server knows."""
    with Client(url) as client:
        client.ready()
        table = Table("model", "kind", "labels", "license", "workers", "description")
        for card in client.models():
            labels, workers = str(len(card["labels"])), str(card["workers"])
            table.add_row(
                _reference(card),
                card["kind"],
                labels,
                card["license"],
                workers,
                card["description"],
            )
    Console().print(table)


def show(
    name: Annotated[str, typer.Argument(help="`name`, for its newest version, or `name@version`.")],
    url: UrlOption = None,
) -> None:
    """Show what a model says of itself: parameters, labels, licence, source, what was measured."""
    with Client(url) as client:
        client.ready()
        cards = client.models()
    for card in cards:
        if name in (card["name"], _reference(card)):
            _print_card(card)
            return
    known = ", ".join(map(_reference, cards)) or "none yet"
    raise SetupError(f"The server knows no model {name!r}; it knows {known}.")


def reload() -> None:
    """Have the workers on this machine take up model folders that are new, changed or gone.

    Each finishes what it runs, then starts anew; what waits meanwhile is not lost.
    """
    from inferq.worker.reloading import ask_to_reload, reloadable_workers  # noqa: PLC0415

    workers = reloadable_workers()
    if not workers:
        raise SetupError("No worker of yours runs on this machine; start one with `inferq up`.")
    back = ask_to_reload(workers, seconds=RELOAD_SECONDS)
    for said in back:
        typer.echo(f"{said['worker']} serves {', '.join(said['models'])}")
    if len(back) < len(workers):
        late = len(workers) - len(back)
        typer.echo(
            f"inferq: {late} of {len(workers)} did not start anew; their logs say why.", err=True
        )
        raise typer.Exit(1)


def _reference(card: dict[str, Any]) -> str:
    return f"{card['name']}@{card['version']}"


def _print_card(card: dict[str, Any]) -> None:
    table = Table(show_header=False, box=None)
    rows: dict[str, object] = {
        "model": _reference(card),
        "description": card["description"],
        "kind": card["kind"],
        "takes": ", ".join([card["input_kind"], *card["media_types"]]),
        "gives": card["result_kind"],
        "license": card["license"],
        "workers": card["workers"],
        "batch size": card["batch_size"],
        "labels": _some(card["labels"]),
    }
    for language, labels in card.get("translated_labels", {}).items():
        rows[f"labels in {language}"] = _some(labels)
    for name, schema in card["parameters"].get("properties", {}).items():
        rows[name] = f"{schema.get('description', '')} Default: {schema.get('default')}"
    for part in ("source", "measured"):
        rows |= {f"{part}: {name}": value for name, value in card[part].items()}
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console().print(table)


def _some(labels: dict[str, str]) -> str:
    names = list(labels.values())
    more = f" and {len(names) - MOST_LABELS} more" if len(names) > MOST_LABELS else ""
    return f"{len(names)}: {', '.join(names[:MOST_LABELS])}{more}"
