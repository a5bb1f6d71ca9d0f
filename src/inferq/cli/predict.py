"""`inferq predict`: photographs and other files in; a table, a data set or annotated pictures out."""

import sys
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from typing_extensions import override

from inferq.cli.inputs import ParamOption, split_params
from inferq.cli.journal import Journal
from inferq.cli.pictures import Picture, find_pictures
from inferq.cli.report import Format, check_output, whole_file, write_report
from inferq.client import Client, Outcome
from inferq.client.mapping import AT_ONCE
from inferq.errors import InferqError
from inferq.predictions.record import Prediction

DRAWN_AT_ONCE = 4
SOME_FAILED = 1
INTERRUPTED = 130


def add_commands(app: typer.Typer) -> None:
    """Adds this file's command."""
    app.command()(predict)


def predict(
    paths: Annotated[
        list[Path],
        typer.Argument(
            exists=True,
            readable=True,
            help="Pictures and folders of them; files of JSON; other files.",
        ),
    ],
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look into the folders of folders, too.")
    ] = False,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Model to use.")] = None,
    param: ParamOption = None,
    score_threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least score.")
    ] = None,
    batch: Annotated[
        str | None, typer.Option(metavar="LABEL", help="Label that groups the predictions.")
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", help="yolo and voc are zip files; coco is one file.")
    ] = Format.TABLE,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write there instead of to standard output."),
    ] = None,
    save_annotated: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False, help="Also save the pictures with their boxes drawn."
        ),
    ] = None,
    at_once: Annotated[
        int, typer.Option(min=1, help="Pictures that are on their way at a time.")
    ] = AT_ONCE,
    url: Annotated[
        str | None, typer.Option(help="Server (INFERQ_URL; by default the one that runs here).")
    ] = None,
) -> None:
    """Predict on pictures, JSON or other files with a running server.

    With --output, what is done is written to FILE.unfinished at once. After an interruption the same command goes on
    from there: pictures that have not changed (path, size, time written) are not predicted anew as long as server,
    model, score threshold and batch are the same. After a run without failures FILE.unfinished is removed, so that
    the next one begins anew; after one with failures, the same command tries those again.

    Exit status: 0 all succeeded, 1 some failed, 2 wrong usage or configuration, 3 server unreachable, 130 interrupted.
    """
    check_output(output_format, output)
    pictures = find_pictures(paths, recursive=recursive)
    options: dict[str, Any] = {"model": model, "batch": batch}
    for name, value in split_params(param, score_threshold=score_threshold):
        options[name] = [*(options.get(name) or []), value]
    kept = None if output is None else output.with_name(f"{output.name}.unfinished")
    quiet = output is None and output_format != Format.TABLE and sys.stdout.isatty()
    try:
        with Client(url) as client, Journal(kept, options | {"url": client.url}) as journal:
            client.ready()
            run = Run(client, pictures, journal, save_annotated)
            with (
                _progress(quiet=quiet) as progress,
                closing(run.predictions(options, at_once, progress)) as predictions,
            ):
                write_report(predictions, output_format, output)
            if not run.failed:
                journal.remove()
    except KeyboardInterrupt:
        way = "The same command goes on from here." if kept else "With --output it could go on."
        typer.echo(f"inferq: interrupted. {way}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if run.failed:
        raise typer.Exit(SOME_FAILED)


@dataclass
class Run:
    """One run over some pictures."""

    client: Client
    pictures: list[Picture]
    journal: Journal
    annotated: Path | None
    failed: int = 0
    _drawings: dict[Path, Future[None]] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(DRAWN_AT_ONCE))

    def predictions(
        self, options: dict[str, Any], at_once: int, progress: Progress
    ) -> Generator[Prediction, None, None]:
        """What became of the pictures, in their order; what has no prediction is told of and left out."""
        fingerprints = [picture.fingerprint() for picture in self.pictures]
        waiting = [i for i, mark in enumerate(fingerprints) if mark not in self.journal]
        shown = progress.add_task(
            "Predicting", total=len(self.pictures), completed=len(self.pictures) - len(waiting)
        )
        mapped = self.client.map(
            (self.pictures[i].path for i in waiting),
            ordered=False,
            at_once=at_once,
            errors="yield",
            **options,
        )
        refused: set[int] = set()
        with closing(mapped), self._drawn():
            for index, picture in enumerate(self.pictures):
                while fingerprints[index] not in self.journal and index not in refused:
                    outcome = next(mapped)
                    ended = waiting[outcome.index]
                    if not self._keep(fingerprints[ended], self.pictures[ended], outcome):
                        refused.add(ended)
                    progress.advance(shown)
                if index not in refused:
                    prediction = self.journal.read(fingerprints[index])
                    self._draw(picture, prediction)
                    yield _named(prediction, picture.path)

    def _keep(self, fingerprint: str, picture: Picture, outcome: Outcome) -> bool:
        """Writes down what became of a picture; whether it has a prediction."""
        if outcome.error is not None:
            self._tell(picture.path, outcome.error)
        if outcome.prediction is not None:
            self.journal.add(fingerprint, outcome.prediction)
        return outcome.prediction is not None

    def _draw(self, picture: Picture, prediction: Prediction) -> None:
        """Has an annotated copy saved, if one is wanted and anything can be drawn."""
        drawable = prediction.links is not None and prediction.links.annotated is not None
        if self.annotated is not None and drawable:
            path = self.annotated / picture.annotated
            self._drawings[path] = self._pool.submit(self._save_annotated, prediction.task_id, path)

    def _save_annotated(self, task_id: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn = self.client.annotated(task_id)
        with whole_file(path) as file:
            file.write(drawn)

    @contextmanager
    def _drawn(self) -> Iterator[None]:
        """Waits for the annotated copies at the end; an interruption leaves out what has not begun."""
        try:
            yield
            for path, drawing in self._drawings.items():
                error = drawing.exception()
                if isinstance(error, InferqError | OSError):
                    self._tell(path, error)
                elif error is not None:
                    raise error
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _tell(self, path: Path, error: Exception) -> None:
        self.failed += 1
        typer.echo(f"{path}: {error}", err=True)


class RateColumn(ProgressColumn):
    """Pictures a second."""

    @override
    def render(self, task: Task) -> Text:
        """The rate, once it is known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


def _progress(*, quiet: bool) -> Progress:
    """A bar with rate and time left, if standard error is a terminal and `quiet` is not asked for."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=quiet or not console.is_terminal,
    )


def _named(prediction: Prediction, path: Path) -> Prediction:
    """The prediction with the path that its picture has here."""
    there = prediction.input.model_copy(update={"filename": str(path)})
    return prediction.model_copy(update={"input": there})
