"""Commands on model folders, without a server: `inferq models check | run`."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter

from inferq.cli.pictures import find_pictures
from inferq.cli.report import Format, check_output, write_report
from inferq.cli.serve import read_settings
from inferq.models.parameters import check_parameters
from inferq.predictions.record import (
    Input,
    ModelReference,
    Prediction,
    Result,
    State,
    new_task_id,
)

if TYPE_CHECKING:
    from inferq.models.base import Model
    from inferq.models.inputs import ImageHeader

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Model folder: `model.toml` and weights.")
]
_RESULT: TypeAdapter[Any] = TypeAdapter(Result)


def add_commands(group: typer.Typer) -> None:
    """Adds this file's commands."""
    group.command()(check)
    group.command()(run)


def check(
    folder: FolderArgument,
    pictures: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PICTURE]...", exists=True, help="Pictures to try it on."),
    ] = None,
) -> None:
    """Check a model folder: load it, warm it, try it; say what is wrong, or how quick it is and what it finds.

    Exit status: 0 it can be served, 2 it cannot.
    """
    from inferq.models.trial import try_model  # noqa: PLC0415 - other commands need none of it

    model = _load(folder)
    card = model.card
    typer.echo(f"{card.reference}: card, weights and network fit together")
    trial = try_model(model, model.sample(), check_parameters(card.parameter_schema(), {}))
    _echo_timings("a grey picture", trial.timings_ms)
    predictions = list(_predict(model, pictures or [], None))
    for prediction in predictions:
        _echo_timings(str(prediction.input.filename), prediction.timings_ms)
    if predictions:
        write_report(predictions, Format.TABLE, None)


def run(
    folder: FolderArgument,
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE...", exists=True, help="Pictures, and folders.")
    ],
    score_threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least score.")
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", help="As for `inferq predict`.")
    ] = Format.TABLE,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write there instead of to standard output."),
    ] = None,
) -> None:
    """Predict on pictures with a model folder, without any server."""
    check_output(output_format, output)
    found = [picture.path for picture in find_pictures(pictures, recursive=False)]
    write_report(_predict(_load(folder), found, score_threshold), output_format, output)


def _load(folder: Path) -> "Model[Any, Any]":
    from inferq.models.base import Context  # noqa: PLC0415 - other commands need none of it
    from inferq.models.catalogue import load_models  # noqa: PLC0415
    from inferq.models.inputs import prepare_pillow  # noqa: PLC0415

    prepare_pillow()
    (model,) = load_models([folder], Context(providers=read_settings().providers))
    return model


def _predict(
    model: "Model[Any, Any]", pictures: list[Path], score_threshold: float | None
) -> Iterator[Prediction]:
    """What the model makes of pictures, as the server would tell it."""
    from inferq.models.inputs import read_image_header  # noqa: PLC0415
    from inferq.models.trial import try_model  # noqa: PLC0415

    given = {} if score_threshold is None else {"score_threshold": score_threshold}
    parameters = check_parameters(model.card.parameter_schema(), given)
    max_pixels = read_settings().max_pixels
    for path in pictures:
        data, started = path.read_bytes(), datetime.now(UTC)
        header = read_image_header(data, max_pixels=max_pixels)
        trial = try_model(model, data, parameters)
        yield Prediction(
            task_id=new_task_id(),
            state=State.SUCCEEDED,
            model=ModelReference.parse(model.card.reference),
            created_at=started,
            started_at=started,
            finished_at=datetime.now(UTC),
            attempts=1,
            input=_input(path, header, data),
            parameters=parameters,
            result=_RESULT.validate_python(trial.result),
            timings_ms=dict(trial.timings_ms),
        )


def _input(path: Path, header: "ImageHeader", data: bytes) -> Input:
    return Input(
        filename=str(path),
        media_type=header.media_type,
        width=header.width,
        height=header.height,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _echo_timings(name: str, timings: Mapping[str, float]) -> None:
    typer.echo(f"{name}: {', '.join(f'{stage} {ms:.1f} ms' for stage, ms in timings.items())}")
