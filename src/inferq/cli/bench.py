"""`inferq bench`: loads a deployment for a bounded time, and reports what it does."""

import io
import mimetypes
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import orjson
import typer
from PIL import Image
from rich.console import Console
from rich.table import Table

from inferq.cli.inputs import ParamOption, split_params
from inferq.cli.pictures import find_pictures
from inferq.client.connection import Connection
from inferq.client.sources import NAMELESS
from inferq.errors import InferqError
from inferq.load import run
from inferq.load.deployment import Deployment, Payload
from inferq.load.figures import Figures, Times
from inferq.load.knee import Knee, find_knee
from inferq.load.phases import closed_loop, open_loop

NONE_FINISHED = 1
CLIENTS = (1, 8, 32)
KNEE_BEGINS = 0.5
"""Share of the throughput that many clients get."""
LIMIT_TIMES_IDLE = 5
PICTURE = (640, 480)


def add_commands(app: typer.Typer) -> None:
    """Adds this file's command."""
    app.command()(bench)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    clients: Sequence[int]
    rates: Sequence[float]
    knee: bool
    limit_ms: float | None
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured."""

    url: str
    inputs: int
    phases: tuple[Figures, ...]
    knee: Knee | None


def bench(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[INPUT]...",
            exists=True,
            help="Pictures, folders of them, or files of another kind to send in turn; by default a picture of noise.",
        ),
    ] = None,
    clients: Annotated[
        list[int] | None,
        typer.Option(
            "--clients", "-c", min=1, help="So many that wait for each answer; repeatable."
        ),
    ] = None,
    rate: Annotated[
        list[float] | None,
        typer.Option(
            "--rate", "-r", min=0.01, help="Predictions a second, answered or not; repeatable."
        ),
    ] = None,
    knee: Annotated[
        bool | None,
        typer.Option(
            "--knee/--no-knee",
            help="Look for the highest rate that is still answered in time; by default where neither clients nor"
            " rates are given.",
        ),
    ] = None,
    limit_ms: Annotated[
        float | None,
        typer.Option(
            "--limit-ms",
            min=1,
            metavar="MS",
            help="What 95 of 100 results have to come within for that; by default five times what one client waits.",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Length of each measurement.")] = 8.0,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Model to use.")] = None,
    param: ParamOption = None,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="One request a prediction, answered at its end (`Prefer: wait`), instead of 202 and a stream of events.",
        ),
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Do not delete the predictions.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON, for programs.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Server (INFERQ_URL; by default the one that runs here).")
    ] = None,
) -> None:
    """Load a running deployment and report throughput, latency, where the time goes, and the knee.

    Let nothing else run meanwhile. Latency counts from when a prediction was due, so that it grows while a server
    stalls. Where this command runs on the server's machine it takes a little of its processors; it tells how much.
    What it has made is deleted at the end.

    Exit status: 0 measured, 1 nothing succeeded, 2 wrong usage or configuration, 3 server unreachable.
    """
    connection = Connection.of(url, None)
    payloads = _payloads(inputs or [])
    given = bool(clients or rate)
    plan = Plan(
        clients=clients or (() if given else CLIENTS),
        rates=rate or (),
        knee=(not given) if knee is None else knee,
        limit_ms=limit_ms,
        seconds=seconds,
        warm_up=min(2.0, seconds / 4),
    )
    deployment = Deployment(
        connection.url,
        connection.api_key,
        payloads,
        options=split_params(param, model=model),
        wait=wait,
    )
    screen = Console(stderr=as_json)
    phases, found = run(_measure(deployment, plan, screen, keep=keep))
    if as_json:
        report = Report(connection.url, len(payloads), tuple(phases), found)
        typer.echo(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2).decode())
    else:
        _show(phases, found, screen)
    if not any(figures.finished for figures in phases):
        raise typer.Exit(NONE_FINISHED)


def _payloads(given: Sequence[Path]) -> list[Payload]:
    """The inputs; a picture of noise, which takes no less to decode than a photograph, where none is given."""
    if not given:
        buffer = io.BytesIO()
        Image.effect_noise(PICTURE, 64).convert("RGB").save(buffer, "JPEG", quality=75)
        return [Payload(buffer.getvalue(), "image/jpeg", "noise.jpg")]
    return [
        Payload(
            found.path.read_bytes(),
            mimetypes.guess_type(found.path.name)[0] or NAMELESS,
            f"input{found.path.suffix}",
        )
        for found in find_pictures(given, recursive=True)
    ]


async def _measure(
    deployment: Deployment, plan: Plan, screen: Console, *, keep: bool
) -> tuple[list[Figures], Knee | None]:
    phases: list[Figures] = []

    async def closed(clients: int) -> None:
        screen.print(f"{clients} {'client' if clients == 1 else 'clients'} …", style="dim")
        phase = await closed_loop(
            deployment, clients=clients, seconds=plan.seconds, warm_up=plan.warm_up
        )
        phases.append(Figures.of(phase))

    async def at(rate: float) -> Figures:
        screen.print(f"{rate:.1f} a second …", style="dim")
        phase = await open_loop(deployment, rate=rate, seconds=plan.seconds, warm_up=plan.warm_up)
        return Figures.of(phase)

    async with deployment:
        try:
            for clients in plan.clients:
                await closed(clients)
            phases += [await at(rate) for rate in plan.rates]
            if not plan.knee:
                return phases, None
            for clients in sorted({min(CLIENTS), max(CLIENTS)} - set(plan.clients)):
                await closed(clients)
            first, limit = _begin(phases, plan)
            return phases, await find_knee(at, first=first, limit_ms=limit)
        finally:
            if not keep:
                await deployment.forget()


def _begin(phases: Sequence[Figures], plan: Plan) -> tuple[float, float]:
    """The rate at which the search for the knee begins, and what it is held against."""
    closed = [figures for figures in phases if figures.load[0] == "clients"]
    idle = min(closed, key=lambda figures: figures.load[1]).result
    most = max(figures.per_second for figures in closed)
    if idle is None or not most:
        reasons = ", ".join(sorted({reason for figures in closed for reason in figures.failed}))
        raise InferqError(f"No prediction succeeded ({reasons}); there is no knee to look for.")
    return KNEE_BEGINS * most, plan.limit_ms or LIMIT_TIMES_IDLE * idle.p50


def _show(phases: Sequence[Figures], knee: Knee | None, screen: Console) -> None:
    everything = [*phases, *(knee.steps if knee else ())]
    screen.print(_throughput(everything))
    screen.print(_stages(everything))
    if knee is None:
        return
    if knee.held is None:
        screen.print(f"Knee: below {knee.broke:.1f}/s (p95 above {knee.limit_ms:.0f} ms at once)")
    elif knee.broke is None:
        screen.print(
            f"Knee: above {knee.held:.1f}/s, where p95 still was within {knee.limit_ms:.0f} ms"
        )
    else:
        screen.print(
            f"Knee: {knee.held:.1f}/s; at {knee.broke:.1f}/s p95 passes {knee.limit_ms:.0f} ms, or some fail"
        )


def _throughput(phases: Sequence[Figures]) -> Table:
    table = Table(title="Throughput and latency (ms)", title_justify="left", box=None)
    for name in ("load", "done/s", "failed", "202 p50", "p95", "p99"):
        table.add_column(name, justify="left" if name == "load" else "right")
    for name in ("result p50", "p95", "p99", "most", "sent late p99", "generator CPU"):
        table.add_column(name, justify="right")
    for each in phases:
        failed = "; ".join(f"{count} {reason}" for reason, count in each.failed.items())
        table.add_row(
            _load(each),
            f"{each.per_second:.1f}",
            failed or "0",
            *_cells(each.accepted, ("p50", "p95", "p99")),
            *_cells(each.result, ("p50", "p95", "p99", "most")),
            f"{each.late_ms:.1f}",
            f"{each.generator_ms:.2f}",
        )
    return table


def _stages(phases: Sequence[Figures]) -> Table:
    names = list(dict.fromkeys(name for each in phases for name in each.stages_ms))
    table = Table(title="Where the time goes (mean ms)", title_justify="left", box=None)
    table.add_column("load")
    for name in names:
        table.add_column(name, justify="right")
    for each in phases:
        spent = (each.stages_ms.get(name) for name in names)
        table.add_row(_load(each), *("-" if ms is None else f"{ms:.1f}" for ms in spent))
    return table


def _load(figures: Figures) -> str:
    name, value = figures.load
    if name == "rate":
        return f"{value:.1f}/s"
    return f"{value:.0f} {'client' if value == 1 else 'clients'}"


def _cells(times: Times | None, names: Sequence[str]) -> list[str]:
    return ["-" if times is None else f"{getattr(times, name):.1f}" for name in names]
