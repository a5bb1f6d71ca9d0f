"""`inferq drain` and `inferq resume`: workers take nothing new, finish what they run, and stay, until they are let go on."""

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from inferq.cli.deployment import deployment_settings, state_of
from inferq.cli.overview import running
from inferq.cli.serve import DataDirOption
from inferq.errors import SetupError
from inferq.models.draining import Draining, Target
from inferq.models.register import ModelRegister, Worker
from inferq.predictions.record import Record
from inferq.worker.liveness import host_of

LOOK_SECONDS = 0.5

AllOption = Annotated[bool, typer.Option("--all", help="All workers, also those to come.")]
ModelOption = Annotated[
    str | None, typer.Option(help="All workers, but of this model alone (`name@version`).")
]
HostOption = Annotated[
    str | None, typer.Option(help="The workers of this host, also those to come.")
]
WorkerOption = Annotated[
    str | None, typer.Option(help="One worker, as `inferq status` names it, until it ends.")
]


def add_commands(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command()(drain)
    app.command()(resume)


def drain(
    all_of_them: AllOption = False,
    model: ModelOption = None,
    host: HostOption = None,
    worker: WorkerOption = None,
    timeout: Annotated[
        float,
        typer.Option(min=0, help="Seconds to wait until nothing of it runs; 0 does not wait."),
    ] = 120,
    data_dir: DataDirOption = None,
) -> None:
    """Have workers take nothing new; what runs is finished, what waits goes to others or waits. `inferq resume` ends it.

    Returns once nothing runs any more: then their processes can be ended, or their machine.
    """
    target = _target(all_of_them, model, host, worker)
    with state_of(deployment_settings(data_dir)) as client:
        register = ModelRegister(client)
        _check(target, register)
        Draining(client).start(target)
        deadline = time.monotonic() + timeout
        while busy := _busy(target, register.workers(), running(client)):
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_SECONDS)
    if busy and timeout:
        for line in busy:
            typer.echo(line, err=True)
        raise typer.Exit(1)
    told = "is told to take" if busy else "takes"
    typer.echo(f"{_named(target)} {told} nothing new until `inferq resume --{target}`.")


def resume(
    all_of_them: AllOption = False,
    model: ModelOption = None,
    host: HostOption = None,
    worker: WorkerOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Let workers take work again; with `--all`, whatever `inferq drain` was told."""
    target = _target(all_of_them, model, host, worker)
    with state_of(deployment_settings(data_dir)) as client:
        lifted = Draining(client).end(target)
    for each in lifted:
        typer.echo(f"{_named(each)} takes work again.")
    if not lifted:
        raise SetupError("It was not drained; `inferq status` shows what is.")


def _target(all_of_them: bool, model: str | None, host: str | None, worker: str | None) -> Target:
    """What is meant.

    Raises:
        SetupError: Not exactly one of them was named.
    """
    named = [
        Target("all") if all_of_them else None,
        Target("model", model) if model else None,
        Target("host", host) if host else None,
        Target("worker", worker) if worker else None,
    ]
    targets = [target for target in named if target]
    if len(targets) != 1:
        raise SetupError("Name one of --all, --model, --host and --worker.")
    return targets[0]


def _check(target: Target, register: ModelRegister) -> None:
    """Whether there is such a one.

    Raises:
        SetupError: There is not, so that a slip of the pen leaves no mark.
    """
    known = {
        "all": [""],
        "model": register.references(),
        "host": [host_of(each.worker) for each in register.workers()],
        "worker": [each.worker for each in register.workers()],
    }[target.kind]
    if target.name not in known:
        there = ", ".join(sorted(set(known))) or "none"
        raise SetupError(f"There is no {target.kind} {target.name!r}; there is {there}.")


def _busy(target: Target, workers: Sequence[Worker], at_work: Sequence[Record]) -> list[str]:
    """Who still takes or runs something that is meant, in words."""

    def meant(worker: str, model: str) -> bool:
        return target.covers(worker=worker, host=host_of(worker), model=model)

    lines = []
    for each in workers:
        taken = [
            model
            for model in each.models
            if meant(each.worker, model) and model not in each.drained
        ]
        if taken:
            lines.append(f"{each.worker} still takes predictions of {', '.join(taken)}")
    runs = [record for record in at_work if meant(record.worker, str(record.prediction.model))]
    lines += [f"{record.worker} still runs {record.task_id}" for record in runs]
    return lines


def _named(target: Target) -> str:
    return "Every worker" if target.kind == "all" else f"{target.kind.capitalize()} {target.name}"
