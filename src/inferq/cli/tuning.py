"""`inferq models tune`: how a model is run best on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inferq.cli.pictures import find_pictures
from inferq.cli.serve import read_settings
from inferq.errors import SetupError

if TYPE_CHECKING:
    from inferq.models.agreement import Agreement
    from inferq.models.base import Context
    from inferq.models.tuning import Way

COLUMNS = f"{'predictions/s':>13}  {'alone, ms':>9}  {'batch':>5}  {'against the card':<68}  way"


def add_commands(group: typer.Typer) -> None:
    """Adds this file's command."""
    group.command()(tune)


def tune(
    model: Annotated[str, typer.Argument(metavar="MODEL|DIR", help="A model, or its folder.")],
    pictures: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PICTURE]...", exists=True, help="Photographs to compare detections on."
        ),
    ] = None,
) -> None:
    """Measure how a model is run best on this machine, and have its workers run it so from their next start on.

    Tries what is installed of CUDA and Core ML, the card's variants of the weights, threads, levels of graph
    optimisation and sizes of batches. Let nothing else run meanwhile. Settings count more than what is found.
    """
    from inferq.models.card import CARD_FILE, read_card  # noqa: PLC0415 - other commands need none of it
    from inferq.models.catalogue import find_models  # noqa: PLC0415
    from inferq.models.inputs import prepare_pillow  # noqa: PLC0415
    from inferq.models.tuned import machine, write_tuned  # noqa: PLC0415
    from inferq.models.tuning import Tuner  # noqa: PLC0415
    from inferq.worker.context import worker_context  # noqa: PLC0415

    settings = read_settings(log_level="warning")
    homes = find_models([model], settings.models_folder())
    if len(homes) > 1:
        raise SetupError(f"{model!r} has several versions; say which: name@version, or a folder.")
    folder = homes[0]
    if not isinstance(folder, Path) or not (folder / CARD_FILE).is_file():
        raise SetupError(
            f"{model!r} is code: only networks with a card are tuned. Its batch size is measured at each start."
        )
    card, ctx = read_card(folder), worker_context(settings)
    prepare_pillow()
    photographs = [each.path.read_bytes() for each in find_pictures(pictures or [], recursive=True)]
    typer.echo(
        f"{card.reference} on {machine(ctx.cpus)}; {len(photographs)} photographs\n{COLUMNS}"
    )
    way = Tuner(folder, ctx, pictures=photographs, report=_echo).run()
    measured = {
        "predictions_per_second": round(way.per_second, 1),
        "milliseconds_alone": round(way.alone_ms, 2),
        "photographs": len(photographs),
        "against_the_card": _agreement_text(way.agreement),
    }
    path = write_tuned(settings.tuned_folder(), card, way.ctx, measured)
    typer.echo(
        f"chosen   {_way_text(way.ctx)}, batches of up to {way.ctx.batch_size}\n"
        f"written  {path}\n"
        "next     inferq models reload, or start the workers; delete the file to undo it"
    )


def _echo(way: "Way") -> None:
    if way.per_second:
        numbers = f"{way.per_second:13.1f}  {way.alone_ms:9.2f}  {way.ctx.batch_size:5d}"
    else:
        numbers = f"{'-':>13}  {'-':>9}  {'-':>5}"
    refused = f" (not in question: {way.refused})" if way.refused else ""
    typer.echo(f"{numbers}  {_agreement_text(way.agreement):<68}  {_way_text(way.ctx)}{refused}")


def _way_text(ctx: "Context") -> str:
    weights = f"{ctx.variant} weights" if ctx.variant else "the card's weights"
    runs = f"{ctx.parallel} {'run' if ctx.parallel == 1 else 'runs'} at once"
    threads = f"{ctx.threads} {'thread' if ctx.threads == 1 else 'threads'}"
    return f"{','.join(ctx.providers)}, {weights}, {runs} of {threads}, {ctx.optimization} optimisation"


def _agreement_text(found: "Agreement") -> str:
    if not found.found:
        return "nothing to compare"
    return (
        f"{found.kept} of {found.found} kept, {found.in_place} in place,"
        f" score ±{found.mean_score:.4f} (most {found.score:.4f}), edges ±{found.pixels:.1f} px"
    )
