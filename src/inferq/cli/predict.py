"""`inferq predict`: photographs in, a table out."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from inferq.client import Client
from inferq.errors import InferqError
from inferq.predictions.record import DetectionsResult, Prediction

AT_ONCE = 8
SOME_FAILED = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    path: Path
    prediction: Prediction | None
    error: InferqError | None


def add_commands(app: typer.Typer) -> None:
    """Adds this file's command."""
    app.command()(predict)


def predict(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Pictures.")
    ],
    model: Annotated[str | None, typer.Option(help="Model to use.")] = None,
    score_threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least score.")
    ] = None,
    save_annotated: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False, help="Also save the pictures with their boxes drawn."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one prediction a line as JSON.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Server (INFERQ_URL; by default the one that runs here).")
    ] = None,
) -> None:
    """Predict on pictures with a running server."""
    with Client(url) as client:
        client.ready()
        outcomes = _predict_all(
            client, files, model=model, score_threshold=score_threshold, quiet=as_json
        )
        if save_annotated is not None:
            _save_annotated(client, outcomes, save_annotated)
    for outcome in outcomes:
        if outcome.error is not None:
            typer.echo(f"{outcome.path}: {outcome.error}", err=True)
    if as_json:
        _print_json(outcomes)
    else:
        Console().print(_table(outcomes))
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(SOME_FAILED)


def _predict_all(
    client: Client,
    files: list[Path],
    *,
    model: str | None,
    score_threshold: float | None,
    quiet: bool,
) -> list[Outcome]:
    """Predicts on all files, a few at once; returns them in their order."""

    def one(path: Path) -> Outcome:
        try:
            return Outcome(
                path, client.predict(path, model=model, score_threshold=score_threshold), None
            )
        except InferqError as error:
            return Outcome(path, None, error)

    console = Console(stderr=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(one, path) for path in files]
        shown = track(
            as_completed(futures),
            "Predicting",
            total=len(files),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        for _ in shown:
            pass
    return [future.result() for future in futures]


def _save_annotated(client: Client, outcomes: list[Outcome], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = Counter[str]()
    for outcome in outcomes:
        if outcome.prediction is None:
            continue
        names[outcome.path.stem] += 1
        count = names[outcome.path.stem]
        suffix = "" if count == 1 else f"-{count}"
        picture = client.annotated(outcome.prediction.task_id)
        (folder / f"{outcome.path.stem}-annotated{suffix}.jpg").write_bytes(picture)


def _print_json(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.prediction is not None:
            typer.echo(outcome.prediction.model_dump_json())
        elif outcome.error is not None:
            problem = {
                "file": str(outcome.path),
                "code": outcome.error.code,
                "detail": outcome.error.detail,
            }
            typer.echo(json.dumps({"error": problem}))


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("file", "label", "score", "box (pixels)", "time")
    for outcome in outcomes:
        for row in _rows(outcome):
            table.add_row(*row)
    return table


def _rows(outcome: Outcome) -> Iterator[tuple[str, str, str, str, str]]:
    if outcome.prediction is None:
        yield str(outcome.path), "failed", "", "", ""
        return
    result = outcome.prediction.result
    detections = result.detections if isinstance(result, DetectionsResult) else ()
    time = f"{outcome.prediction.timings_ms.get('total', 0):.0f} ms"
    if not detections:
        yield str(outcome.path), "nothing found", "", "", time
    for index, detection in enumerate(detections):
        box = detection.box
        corners = f"{box.x_min:.0f}, {box.y_min:.0f} to {box.x_max:.0f}, {box.y_max:.0f}"
        first = (str(outcome.path), time) if index == 0 else ("", "")
        yield first[0], detection.label, f"{detection.score:.2f}", corners, first[1]
