"""Commands on model folders, which need no server: `inferq models check | run | add`."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter

from inferq.cli.pictures import find_pictures
from inferq.cli.report import Format, check_output, write_report
from inferq.cli.serve import read_settings
from inferq.errors import SetupError
from inferq.models.card import LANGUAGE_TAG
from inferq.models.label_file import Names, read_labels
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
ToOption = Annotated[
    Path | None, typer.Option(metavar="DIR", file_okay=False, help="Folder of model folders.")
]
OWN = ""
LABELS_OPTION = re.compile(rf"({LANGUAGE_TAG})=(.+)")
RELOAD_SECONDS = 300.0
_RESULT: TypeAdapter[Any] = TypeAdapter(Result)


def add_commands(group: typer.Typer) -> None:
    """Adds this file's commands."""
    group.command()(check)
    group.command()(run)
    group.command()(add)


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

    model = _load(folder, measure=True)
    card = model.card
    typer.echo(f"{card.reference}: card, weights and network fit together")
    _echo_batching(model)
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


def add(
    network: Annotated[
        Path,
        typer.Argument(
            metavar="NETWORK", exists=True, help="A detector: FILE.onnx, or a SavedModel's folder."
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the model; by default that of the network.")
    ] = None,
    output_format: Annotated[
        str | None, typer.Option(help="How its outputs are read, where the file does not tell.")
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LANGUAGE=]FILE",
            help="Names of its classes, one a line, or a label map (.pbtxt); with `vi=FILE` as well, those to show in"
            " Vietnamese.",
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="Side of its input, where the file leaves it open.")
    ] = None,
    to: ToOption = None,
) -> None:
    """Make a model folder of an ONNX file or a SavedModel and have the server that runs here take it up.

    By default the folder is made in INFERQ_MODELS_DIR, else where the workers of this machine look for models.
    """
    from inferq.models.adding import add_network  # noqa: PLC0415 - other commands need none of it
    from inferq.models.graph_card import Wishes  # noqa: PLC0415

    names = _read_names(labels or [])
    wishes = Wishes(output_format, names.pop(OWN, None), size, names)
    models_dir = new_models_dir(to)
    added = add_network(network, models_dir, name=name, wishes=wishes)
    typer.echo(f"{added.card.reference:<12} {added.folder}")
    fed = added.card.input
    typer.echo(
        f"read as      {added.card.output_format}, {len(added.card.labels)} labels\n"
        f"fed with     {fed.width} x {fed.height}, {fed.resize}, {fed.color}, {fed.dtype}"
        " (presumed where the file does not tell)\n"
        f"look first   inferq models check {added.folder} photo.jpg"
    )
    hand_over(models_dir, added.card.reference)


def _read_names(options: list[str]) -> dict[str, Names]:
    """Names of classes by language; under `OWN` those of the model itself."""
    names: dict[str, Names] = {}
    for option in options:
        given = LABELS_OPTION.fullmatch(option)
        language, path = given.groups() if given else (OWN, option)
        if language in names:
            raise SetupError(f"--labels {option}: names in this language are given already.")
        names[language] = read_labels(Path(path))
    return names


def new_models_dir(to: Path | None) -> Path:
    """Where a new model folder is made: as said, as set, or where the workers of this machine look."""
    from inferq.worker.reloading import reloadable_workers  # noqa: PLC0415

    settings = read_settings()
    if to is not None:
        return to.absolute()
    said = [file.read() or {} for file in reloadable_workers()]
    served = {each["models_dir"] for each in said if each.get("models_dir")}
    if settings.models_dir is None and len(served) == 1:
        return Path(served.pop())
    return settings.models_folder()


def hand_over(models_dir: Path, reference: str) -> None:
    """Has those workers begin anew that serve all of a folder."""
    from inferq.worker.reloading import ask_to_reload, reloadable_workers  # noqa: PLC0415

    workers = [
        file
        for file in reloadable_workers()
        if (file.read() or {}).get("models_dir") == str(models_dir)
    ]
    if not workers:
        typer.echo(f"serve it     INFERQ_MODELS_DIR={models_dir} inferq up")
        return
    back = ask_to_reload(workers, seconds=RELOAD_SECONDS)
    if not all(reference in said["models"] for said in back) or len(back) < len(workers):
        raise SetupError(f"A worker did not take up {reference}; its log says why.")
    typer.echo(f"served now   inferq predict --model {reference} photo.jpg")


def _load(folder: Path, *, measure: bool = False) -> "Model[Any, Any]":
    """A model as a worker would load it; its batch size is only measured if it matters."""
    from inferq.models.catalogue import load_models  # noqa: PLC0415 - other commands need none of it
    from inferq.models.inputs import prepare_pillow  # noqa: PLC0415
    from inferq.worker.context import worker_context  # noqa: PLC0415

    if folder.is_file():
        raise SetupError(f"{folder} is a file; `inferq models add` makes a model folder of it.")
    prepare_pillow()
    ctx = worker_context(read_settings())
    (model,) = load_models([folder], ctx if measure else replace(ctx, batching="off"))
    return model


def _echo_batching(model: "Model[Any, Any]") -> None:
    tried = ", ".join(
        f"{ms:.1f} ms in batches of {n}" for n, ms in model.batching.milliseconds.items()
    )
    size = model.batching.size
    chosen = f"batches of up to {size}" if size > 1 else "one by one"
    runs = model.batching.parallel
    typer.echo(
        f"runs {chosen}, {runs} at once" + (f" (a prediction takes {tried})" if tried else "")
    )


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
