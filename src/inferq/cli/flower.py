"""`inferq flower`: Celery's own monitor, for whoever knows it, on the deployment's broker."""

import secrets
from importlib.util import find_spec
from typing import Annotated

import typer

from inferq.cli.deployment import deployment_settings, with_state
from inferq.cli.serve import DataDirOption
from inferq.errors import SetupError
from inferq.queue import create_celery

USER = "admin"


def add_commands(app: typer.Typer) -> None:
    """Adds this file's command."""
    app.command()(flower)


def flower(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 5555,
    data_dir: DataDirOption = None,
) -> None:
    """Show Celery's workers and tasks in a browser, with Flower (extra `flower`).

    Workers tell it what they do where INFERQ_CELERY_EVENTS is on. It asks for the name `admin` and INFERQ_ADMIN_PASSWORD,
    or a password that it prints. Nothing can be changed there.
    """
    if find_spec("flower") is None:
        raise SetupError("Flower is not installed: pip install 'inferq[flower]'.")
    settings = with_state(deployment_settings(data_dir))
    if settings.admin_password is not None:
        password, told = settings.admin_password.get_secret_value(), "INFERQ_ADMIN_PASSWORD"
    else:
        password = told = secrets.token_urlsafe(12)
    typer.echo(f"Flower listens on http://{host}:{port}; user {USER}, password {told}")
    options = {
        "address": host,
        "port": port,
        "basic-auth": f"{USER}:{password}",
        "read-only": True,
        "enable-events": False,  # Workers take no orders.
    }
    create_celery(settings.queue_url()).start(
        ["flower", *(f"--{name}={value}" for name, value in options.items())]
    )
