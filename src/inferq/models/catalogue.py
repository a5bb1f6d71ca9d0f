"""From what an operator names (nothing, a model, a folder) to models that can be loaded."""

from collections.abc import Collection, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import structlog

from inferq.errors import SetupError
from inferq.models import BUNDLED
from inferq.models.base import Context, Model
from inferq.models.batching import choose_batching
from inferq.models.card import CARD_FILE, check_weights, read_card

log = structlog.get_logger()


def bundled_folder() -> Path:
    """The model folder inside the package."""
    return Path(str(files("inferq.models"))) / "zoo" / BUNDLED


def own_folders(models_dir: Path | None) -> list[Path]:
    """The model folders of `models_dir`, by name; none where there is no such folder."""
    if models_dir is None:
        return []
    # A folder that begins with a dot is being written.
    found = (card.parent for card in models_dir.glob(f"*/{CARD_FILE}"))
    return sorted(folder for folder in found if not folder.name.startswith("."))


def find_folders(names: Sequence[str], models_dir: Path | None) -> list[Path]:
    """The model folders of names; without any, the bundled one and all of `models_dir`.

    Args:
        names: Each a model (`name` for all its versions, `name@version` for one), a folder of `models_dir` by its
            name, or the path of a model folder.
        models_dir: Where an operator's own model folders lie.

    Raises:
        SetupError: A name is none of these.
    """
    known = [bundled_folder(), *own_folders(models_dir)]
    if not names:
        return known
    found = [folder for name in names for folder in _find(name, known)]
    return list({folder.resolve(): folder for folder in found}.values())


def folder_of(reference: str, models_dir: Path | None) -> Path | None:
    """The folder of `name@version`, bundled or in `models_dir`; None where there is none."""
    known = [bundled_folder(), *own_folders(models_dir)]
    return next((folder for folder in known if reference in _names(folder)), None)


def open_models(
    names: Sequence[str], models_dir: Path | None, ctx: Context
) -> list[Model[Any, Any]]:
    """Finds, loads and warms models; see `find_folders`.

    What was named has to work. What merely lies in `models_dir` is left out with a message if it does not: one
    folder with a slip must not keep the others from being served.

    Raises:
        SetupError: A name is unknown, or a model that was named is at fault.
    """
    folders = find_folders(names, models_dir)
    return load_models(folders, ctx, optional=[] if names else own_folders(models_dir))


def check_folders(names: Sequence[str], models_dir: Path | None) -> None:
    """Checks cards and weights of the models without which `open_models` would fail; loads nothing.

    Raises:
        SetupError: As `open_models` would.
    """
    for folder in find_folders(names, models_dir) if names else [bundled_folder()]:
        check_weights(folder, read_card(folder))


def load_models(
    folders: Sequence[Path], ctx: Context, *, optional: Collection[Path] = ()
) -> list[Model[Any, Any]]:
    """Loads and warms the models of folders; they are ready to predict when this returns.

    Args:
        folders: Model folders.
        ctx: Threads and devices.
        optional: Those that are left out, with a message, where they are at fault.

    Raises:
        SetupError: A card, its weights or the runtime is at fault, or two folders hold one model.
    """
    models: dict[str, Model[Any, Any]] = {}
    for folder in folders:
        try:
            model = _load(folder, ctx, models)
        except SetupError as error:
            if folder not in optional:
                raise
            log.error("model_left_out", folder=str(folder), reason=str(error))  # noqa: TRY400 - it says enough
            continue
        models[model.card.reference] = model
    return list(models.values())


def _find(name: str, known: Sequence[Path]) -> list[Path]:
    found = [folder for folder in known if name == folder.name or name in _names(folder)]
    if found:
        return found
    if (Path(name) / CARD_FILE).is_file():
        return [Path(name)]
    models = ", ".join(dict.fromkeys(each for folder in known for each in _names(folder)[1:]))
    raise SetupError(
        f"{name!r} is no model: known are {models}, or name a folder with {CARD_FILE}."
    )


def _names(folder: Path) -> tuple[str, ...]:
    """What the model of a folder answers to; a card that cannot be read has no say."""
    try:
        card = read_card(folder)
    except SetupError:
        return ()
    return card.name, card.reference


def _load(folder: Path, ctx: Context, loaded: Collection[str]) -> Model[Any, Any]:
    # numpy and the runtime are loaded only where models are: `inferq models list` needs neither.
    from inferq.models.detector import Detector  # noqa: PLC0415
    from inferq.models.tuned import as_tuned  # noqa: PLC0415

    card = read_card(folder)
    if card.reference in loaded:
        raise SetupError(f"{card.reference} stands in two folders; give one another version.")
    model = Detector(folder, card)
    ctx = as_tuned(ctx, card)
    model.load(ctx)
    try:
        model.warm_up()
    except Exception as error:
        raise SetupError(
            f"{card.reference} was loaded from {folder}, but cannot predict: {error}"
        ) from error
    model.batching = choose_batching(model, ctx)
    return model
