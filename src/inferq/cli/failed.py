"""`inferq failed`: what has failed, of all users, to be run again or dropped once its cause is mended."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import redis
import typer
from rich.console import Console

from inferq.api.deps import Services
from inferq.api.schemas import Rerun
from inferq.api.submit import rerun as run_again
from inferq.cli.deployment import deployment_settings, state_of, with_state
from inferq.cli.overview import Failure, failure_table, failures
from inferq.cli.serve import DataDirOption
from inferq.errors import InferqError, SetupError
from inferq.predictions.lists import Filter
from inferq.predictions.record import Record, State, new_task_id
from inferq.predictions.store import PredictionStore
from inferq.settings import Settings

MOST = 1000
IDEMPOTENCY_KEY = "inferq failed rerun"
"""So that what is asked for twice is run again once."""

commands = typer.Typer(no_args_is_help=True, help="Predictions that have failed, of all users.")

IdsArgument = Annotated[list[str] | None, typer.Argument(metavar="[TASK_ID]...")]
AllOption = Annotated[bool, typer.Option("--all", help="All that the other options leave.")]
ModelOption = Annotated[str | None, typer.Option(help="Of this model alone (`name@version`).")]
CodeOption = Annotated[str | None, typer.Option(help="With this error code alone.")]
LimitOption = Annotated[int, typer.Option(min=1, max=MOST, help="Most predictions, the newest.")]


def add_commands(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.add_typer(commands, name="failed")


@commands.command("list")
def list_failed(
    model: ModelOption = None,
    code: CodeOption = None,
    limit: LimitOption = 50,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines, for programs.")] = False,
    data_dir: DataDirOption = None,
) -> None:
    """List what has failed, the newest first."""
    with state_of(deployment_settings(data_dir)) as client:
        found = _failures(client, model, code, limit)
    if as_json:
        for each in found:
            typer.echo(json.dumps(asdict(each), ensure_ascii=False))
    elif found:
        Console().print(failure_table(found, title=None))
    else:
        typer.echo("Nothing has failed that is still kept.")


@commands.command()
def rerun(
    task_ids: IdsArgument = None,
    all_of_them: AllOption = False,
    model: ModelOption = None,
    code: CodeOption = None,
    limit: LimitOption = MOST,
    data_dir: DataDirOption = None,
) -> None:
    """Run predictions again that have failed, for their owners; asked for twice, each is run again once.

    It reads and writes the storage, so it needs the settings that the API has.
    """
    settings = with_state(deployment_settings(data_dir))
    services = Services.create(settings)
    refused = 0
    for record in _chosen(settings, task_ids, all_of_them, model, code, limit):
        try:
            made = run_again(
                services, record, Rerun(), new_task_id(), idempotency_key=IDEMPOTENCY_KEY
            )
        except InferqError as error:
            refused += 1
            typer.echo(f"{record.task_id}  not run again: {error}", err=True)
            continue
        typer.echo(f"{record.task_id}  runs again as {made.record.task_id}")
    if refused:
        raise typer.Exit(1)


@commands.command()
def drop(
    task_ids: IdsArgument = None,
    all_of_them: AllOption = False,
    model: ModelOption = None,
    code: CodeOption = None,
    limit: LimitOption = MOST,
    data_dir: DataDirOption = None,
) -> None:
    """Delete predictions that have failed, with their inputs; upkeep removes those."""
    settings = with_state(deployment_settings(data_dir))
    with state_of(settings) as client:
        store = PredictionStore(client)
        for record in _chosen(settings, task_ids, all_of_them, model, code, limit):
            store.delete(record.task_id)
            typer.echo(f"{record.task_id}  dropped")


def _chosen(
    settings: Settings,
    task_ids: Sequence[str] | None,
    all_of_them: bool,
    model: str | None,
    code: str | None,
    limit: int,
) -> list[Record]:
    """What a command is about: the predictions that are named, or all that have failed.

    Raises:
        SetupError: Neither was asked for, or one that is named has not failed.
    """
    with state_of(settings) as client:
        if not task_ids:
            if not all_of_them:
                raise SetupError(
                    "Name task ids, or --all (with --model or --code for some of them)."
                )
            found = [each.task_id for each in _failures(client, model, code, limit)]
            return PredictionStore(client).get_many(found)
        records = {record.task_id: record for record in PredictionStore(client).get_many(task_ids)}
        for task_id in task_ids:
            if task_id not in records:
                raise SetupError(f"There is no prediction {task_id} (any more).")
            if (state := records[task_id].prediction.state) is not State.FAILED:
                raise SetupError(f"Prediction {task_id} is {state}, and has not failed.")
        return [records[task_id] for task_id in dict.fromkeys(task_ids)]


def _failures(
    client: redis.Redis, model: str | None, code: str | None, limit: int
) -> list[Failure]:
    wanted = Filter(models=frozenset({model} if model else ()))
    found = failures(client, wanted, limit=MOST if code else limit)
    return [each for each in found if code in (None, each.code)][:limit]
