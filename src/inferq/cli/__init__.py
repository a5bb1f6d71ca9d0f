"""The `inferq` command; one file a group of commands."""

import sys

import typer

from inferq.cli import accounts, failed, inspect, models, predict, serve, status
from inferq.errors import InferqError, ServerUnreachable, SetupError

WRONG_USAGE = 2
UNREACHABLE = 3

app = typer.Typer(
    name="inferq",
    help="Asynchronous model server: post an input, get a task id, have the result pushed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
serve.add_commands(app)
predict.add_commands(app)
models.add_commands(app)
accounts.add_commands(app)
status.add_commands(app)
failed.add_commands(app)
inspect.add_commands(app)


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
