"""Commands that look: `doctor`, `openapi`."""

import json
from collections.abc import Callable
from typing import Annotated

import typer

from inferq.cli.serve import read_settings
from inferq.client import Client
from inferq.errors import InferqError, SetupError
from inferq.safety import findings, is_local
from inferq.settings import Settings

UrlOption = Annotated[
    str | None, typer.Option(help="Server (INFERQ_URL; by default the one that runs here).")
]


def add_commands(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command()(doctor)
    app.command()(openapi)


def doctor(url: UrlOption = None) -> None:
    """Check this machine and the running server, and say what is wrong."""
    settings = read_settings()
    with Client(url) as client:
        told = [
            *_check_settings(settings),
            _finding("storage", lambda: _check_storage(settings)),
            _finding("valkey", lambda: _check_valkey(settings)),
            _finding("model", _check_bundled_model),
            _finding("server", lambda: _check_server(client)),
            _finding("workers", lambda: _check_workers(client)),
        ]
    for name, wrong, text in told:
        typer.echo(f"{'WRONG' if wrong else 'ok':<6}{name:<10}{text}")
    if any(wrong for _, wrong, _ in told):
        raise typer.Exit(1)


def openapi() -> None:
    """Print the OpenAPI document."""
    from inferq.api.app import create_app  # noqa: PLC0415 - other commands need none of it

    typer.echo(
        json.dumps(
            create_app(read_settings()).openapi(), indent=2, sort_keys=True, ensure_ascii=False
        )
    )


def _check_settings(settings: Settings) -> list[tuple[str, bool, str]]:
    """What would keep a deployment from starting, or is doubtful."""
    found = [
        ("settings", True, f"{finding.setting}: {finding.text}") for finding in findings(settings)
    ]
    kind = "for this machine alone" if is_local(settings) else "for others to reach"
    return found or [("settings", False, f"{kind}; nothing is unsafe")]


def _finding(name: str, check: Callable[[], str]) -> tuple[str, bool, str]:
    try:
        return name, False, check()
    except InferqError as error:
        return name, True, str(error)


def _check_storage(settings: Settings) -> str:
    from inferq.storage import Storage  # noqa: PLC0415 - other commands need none of it

    if settings.storage_url is None:
        return f"inferq up keeps inputs in {settings.data_dir.absolute() / 'storage'}"
    return f"{Storage.of(settings).prove()} takes and gives files"


def _check_valkey(settings: Settings) -> str:
    from inferq.embedded.valkey import find_binary  # noqa: PLC0415 - other commands need none of it

    if settings.redis_url is not None:
        return "INFERQ_REDIS_URL names a server; inferq up starts none"
    return f"inferq up starts {find_binary(settings.valkey_bin)}"


def _check_bundled_model() -> str:
    from inferq.models.card import check_weights, read_card  # noqa: PLC0415
    from inferq.models.catalogue import bundled_folder  # noqa: PLC0415

    card = read_card(bundled_folder())
    check_weights(bundled_folder(), card)
    return f"{card.reference} is whole"


def _check_server(client: Client) -> str:
    readiness = client.ready()
    if readiness["status"] != "ready":
        wrong = ", ".join(
            f"{name} {state}" for name, state in readiness["checks"].items() if state != "ok"
        )
        raise SetupError(f"{client.url} is {readiness['status']}: {wrong}")
    return f"{client.url} is ready"


def _check_workers(client: Client) -> str:
    client.ready()
    serving = [card for card in client.models() if card["workers"]]
    if not serving:
        raise SetupError("no worker is registered; start one with `inferq worker`")
    return ", ".join(f"{card['name']}@{card['version']} by {card['workers']}" for card in serving)
