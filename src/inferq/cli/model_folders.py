"""Commands on model folders, which need no server: `inferq models new | check | run | add`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter

from inferq.cli.inputs import GivenInput, ParamOption, read_inputs, split_params
from inferq.cli.report import Format, check_output, write_report
from inferq.cli.serve import read_settings
from inferq.errors import SetupError
from inferq.models.card import CARD_FILE, LANGUAGE_TAG
from inferq.models.label_file import Names, read_labels
from inferq.models.parameters import parse_parameters
from inferq.predictions.record import (
    ModelReference,
    Prediction,
    Result,
    State,
    new_task_id,
)

if TYPE_CHECKING:
    from inferq.models.served import ServedModel

FolderArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="Model folder: `model.toml` and weights, or `model.py`; or module:Class.",
    ),
]
ToOption = Annotated[
    Path | None, typer.Option(metavar="DIR", file_okay=False, help="Folder of model folders.")
]
OWN = ""
LABELS_OPTION = re.compile(rf"({LANGUAGE_TAG})=(.+)")
RELOAD_SECONDS = 300.0
FITS = {
    True: "card, weights and network fit together",
    False: "it loads, and its hooks do what their annotations say",
}
_RESULT: TypeAdapter[Any] = TypeAdapter(Result)


def add_commands(group: typer.Typer) -> None:
    """Adds this file's commands."""
    group.command()(new)
    group.command()(check)
    group.command()(run)
    group.command()(add)


def new(
    name: Annotated[str, typer.Argument(help="Of the model, and of the folder that is made here.")],
    onnx: Annotated[bool, typer.Option("--onnx", help="With an ONNX network.")] = False,
) -> None:
    """Make a model folder for code of your own: a small model that works, with a test."""
    from inferq.models.new_folder import new_folder  # noqa: PLC0415 - other commands need none of it

    folder = new_folder(name, Path(), template="onnx" if onnx else "python")
    typer.echo(
        f"made         {folder}/model.py: write your own there\n"
        f"try it       inferq models run {folder} photo.jpg\n"
        f"test it      pytest {folder}\n"
        f"serve it     inferq up ./{folder} --reload"
    )


def check(
    folder: FolderArgument,
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="[INPUT]...", help="As for `run`: to try it on.")
    ] = None,
) -> None:
    """Check a model folder: load it, warm it, try it; say what is wrong, or how quick it is and what it finds.

    Code in it is run.

    Exit status: 0 it can be served, 2 it cannot.
    """
    from inferq.models.trial import try_model  # noqa: PLC0415 - other commands need none of it

    model = _load(folder, measure=True)
    typer.echo(f"{model.about.reference}: {FITS[(folder / CARD_FILE).is_file()]}")
    _echo_batching(model)
    sample = model.sample()
    if sample is None:
        typer.echo("not tried: it has no sample; write sample()")
    else:
        trial = try_model(model, sample, model.sample_parameters())
        _echo_timings("a sample", trial.timings_ms)
    given = read_inputs(model.about, inputs or [])
    predictions = list(_predict(model, given, ()))
    for prediction in predictions:
        _echo_timings(str(prediction.input.filename), prediction.timings_ms)
    if predictions:
        write_report(predictions, Format.TABLE, None)


def run(
    folder: FolderArgument,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...", help="Pictures and folders; JSON, as a file or written here; files."
        ),
    ],
    param: ParamOption = None,
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
    """Predict with a model folder, without any server. Code in it is run."""
    check_output(output_format, output)
    fields = split_params(param, score_threshold=score_threshold)
    model = _load(folder)
    given = read_inputs(model.about, inputs)
    write_report(_predict(model, given, fields), output_format, output)


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


def _load(folder: Path, *, measure: bool = False) -> "ServedModel[Any, Any]":
    """A model as a worker would load it; its batch size is only measured if it matters."""
    from inferq.models.catalogue import load_models  # noqa: PLC0415 - other commands need none of it
    from inferq.models.code_folder import ClassPath  # noqa: PLC0415
    from inferq.models.inputs import prepare_pillow  # noqa: PLC0415
    from inferq.worker.context import worker_context  # noqa: PLC0415

    if folder.is_file():
        raise SetupError(f"{folder} is a file; `inferq models add` makes a model folder of it.")
    prepare_pillow()
    path = None if folder.exists() else ClassPath.parse(str(folder))
    ctx = worker_context(read_settings())
    (model,) = load_models([path or folder], ctx if measure else replace(ctx, batching="off"))
    return model


def _echo_batching(model: "ServedModel[Any, Any]") -> None:
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
    model: "ServedModel[Any, Any]",
    inputs: Iterable[GivenInput],
    fields: Sequence[tuple[str, str]],
) -> Iterator[Prediction]:
    """What the model makes of inputs, as the server would tell it."""
    from inferq.models.base import File  # noqa: PLC0415
    from inferq.models.trial import try_model  # noqa: PLC0415

    parameters = parse_parameters(model.about.parameters, fields)
    max_pixels = read_settings().max_pixels
    for each in inputs:
        started = datetime.now(UTC)
        given = each.checked(model.about, max_pixels=max_pixels)
        data = File(each.data, media_type=given.media_type, filename=given.filename)
        trial = try_model(model, data, parameters)
        yield Prediction(
            task_id=new_task_id(),
            state=State.SUCCEEDED,
            model=ModelReference.parse(model.about.reference),
            created_at=started,
            started_at=started,
            finished_at=datetime.now(UTC),
            attempts=1,
            input=given,
            parameters=parameters,
            result=_RESULT.validate_python(trial.result),
            timings_ms=dict(trial.timings_ms),
        )


def _echo_timings(name: str, timings: Mapping[str, float]) -> None:
    typer.echo(f"{name}: {', '.join(f'{stage} {ms:.1f} ms' for stage, ms in timings.items())}")
