"""Commands that serve: `up`, `api`, `worker`."""

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from inferq.errors import SetupError
from inferq.settings import ANYWHERE, PREFIX, Settings
from inferq.telemetry import configure_logging, exposing
from inferq.telemetry.traces import start_traces, stop_traces

ModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MODEL]...",
        help="Models, model folders or module:Class; without any, the bundled one and INFERQ_MODELS_DIR.",
    ),
]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on (INFERQ_HOST).")]
PortOption = Annotated[
    int | None, typer.Option(help="Port to listen on (INFERQ_PORT).", min=1, max=65535)
]
DataDirOption = Annotated[Path | None, typer.Option(help="Where the data live (INFERQ_DATA_DIR).")]

ReloadOption = Annotated[
    bool, typer.Option("--reload", help="Begin anew when a model's code or card is saved.")
]

ShareMetricsOption = Annotated[
    Path | None, typer.Option(hidden=True, help="Where the parent's processes keep their metrics.")
]


def add_commands(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command()(up)
    app.command()(api)
    app.command()(worker)


def read_settings(*, process: str | None = None, **options: Any) -> Settings:
    """The settings of this process; options that were given count more than the environment.

    Args:
        process: What its log lines say of where they come from.
        options: By the names of settings; None where they were not given.

    Raises:
        SetupError: A value is not valid; the message names the variable.
    """
    try:
        settings = Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise SetupError(f"A setting is not valid. {wrong}.") from error
    configure_logging(settings, process=process)
    return settings


def up(
    models: ModelsArgument = None,
    host: HostOption = None,
    port: PortOption = None,
    data_dir: DataDirOption = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Worker processes; by default one a device of INFERQ_PROVIDERS.", min=1),
    ] = None,
    reload: ReloadOption = False,
) -> None:
    """Serve on this machine: Valkey, a worker, the API and the web page, in one command."""
    from inferq.embedded.supervisor import Supervisor  # noqa: PLC0415 - other commands need none of it

    settings = read_settings(process="up", host=host, port=port, data_dir=data_dir)
    Supervisor(settings, models=models or (), workers=workers, reload=reload).run(
        lambda url: _banner(url, settings)
    )


def api(
    host: HostOption = None,
    port: PortOption = None,
    fd: Annotated[
        int | None, typer.Option(hidden=True, help="A listening socket of the parent.")
    ] = None,
    healthcheck: Annotated[
        bool,
        typer.Option("--healthcheck", help="Only say whether the API of this machine answers."),
    ] = False,
    share_metrics: ShareMetricsOption = None,
) -> None:
    """Run the HTTP API alone; state store, broker and storage come from the settings."""
    settings = read_settings(process="api", host=host, port=port)
    if healthcheck:
        from inferq.api.liveness import check_api  # noqa: PLC0415 - as below

        host = ANYWHERE.get(settings.host, settings.host)
        _tell_health(check_api(host, settings.port, name=settings.allowed_hosts[0]))
    from inferq.api.app import serve  # noqa: PLC0415 - other commands need none of it

    if share_metrics:
        exposing.share_metrics(share_metrics)
    start_traces(settings, process="api")
    try:
        serve(settings, fd=fd)
    finally:
        stop_traces()


def worker(
    models: ModelsArgument = None,
    concurrency: Annotated[
        int | None,
        typer.Option(help="Predictions in hand at once; by default one more than CPUs.", min=1),
    ] = None,
    reload: ReloadOption = False,
    healthcheck: Annotated[
        bool,
        typer.Option("--healthcheck", help="Only say whether the worker of this machine is well."),
    ] = False,
    share_metrics: ShareMetricsOption = None,
) -> None:
    """Run a worker alone; state store, broker and storage come from the settings."""
    if healthcheck:
        from inferq.worker.liveness import check_workers  # noqa: PLC0415 - a probe should cost little

        _tell_health(check_workers())
    from inferq.worker.app import run_worker  # noqa: PLC0415 - other commands need none of it

    settings = read_settings(process="worker")
    if share_metrics:
        # The API tells them.
        settings = settings.model_copy(update={"metrics_port": None})
        exposing.share_metrics(share_metrics)
    start_traces(settings, process="worker")
    try:
        status = run_worker(settings, models or (), concurrency=concurrency, on_save=reload)
    finally:
        stop_traces()
    raise typer.Exit(status)


def _tell_health(trouble: str | None) -> NoReturn:
    """For orchestrators: status 0 where all is well, else 1 and the reason."""
    typer.echo(trouble or "well", err=trouble is not None)
    raise typer.Exit(0 if trouble is None else 1)


def _banner(url: str, settings: Settings) -> None:
    typer.echo(
        f"\n  inferq is ready\n"
        f"    open       {url}\n"
        f"    API docs   {url}/api/docs\n"
        f"    data       {settings.data_dir.absolute()}\n"
        f"    try        {sys.argv[0]} predict photo.jpg\n"
        f"    stop       Ctrl-C\n"
    )
