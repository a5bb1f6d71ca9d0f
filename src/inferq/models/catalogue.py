"""From what an operator names (nothing, a model, a folder, a class) to models that can be loaded."""

import sys
from collections.abc import Collection, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import structlog

from inferq.errors import SetupError
from inferq.models import BUNDLED
from inferq.models.base import Context
from inferq.models.batching import choose_batching
from inferq.models.card import CARD_FILE, check_weights, read_card
from inferq.models.code_folder import (
    CODE_FILE,
    ClassPath,
    Identity,
    import_class,
    import_folder,
    read_identity,
)
from inferq.models.served import ServedModel

Home: TypeAlias = Path | ClassPath
"""Where a model comes from: its folder, or a class."""

log = structlog.get_logger()


def bundled_folder() -> Path:
    """The model folder inside the package."""
    return Path(str(files("inferq.models"))) / "zoo" / BUNDLED


def own_folders(models_dir: Path | None) -> list[Path]:
    """The model folders of `models_dir`, by name; none where there is no such folder."""
    if models_dir is None:
        return []
    # A folder that begins with a dot is being written.
    found = {
        file.parent for name in (CARD_FILE, CODE_FILE) for file in models_dir.glob(f"*/{name}")
    }
    return sorted(folder for folder in found if not folder.name.startswith("."))


def identify(folder: Path) -> Identity:
    """What a folder's model is called; runs none of its code.

    Raises:
        SetupError: It is no model folder, or its `model.toml` or `model.py` cannot be read.
    """
    if _is_code(folder):
        return read_identity(folder)
    card = read_card(folder)
    return Identity(card.name, card.version)


def find_models(names: Sequence[str], models_dir: Path | None) -> list[Home]:
    """Where the models of names come from; without any, the bundled one and all of `models_dir`.

    Args:
        names: Each a model (`name` for all its versions, `name@version` for one), a folder of `models_dir` by its
            name, the path of a model folder, or a class (`module:Class`).
        models_dir: Where an operator's own model folders lie.

    Raises:
        SetupError: A name is none of these.
    """
    known = [bundled_folder(), *own_folders(models_dir)]
    if not names:
        return [*known]
    found = [home for name in names for home in _find(name, known)]
    return list({_unique(home): home for home in found}.values())


def folder_of(reference: str, models_dir: Path | None) -> Path | None:
    """The folder of `name@version`, bundled or in `models_dir`; None where there is none."""
    known = [bundled_folder(), *own_folders(models_dir)]
    return next((folder for folder in known if reference in _names(folder)), None)


def open_models(
    names: Sequence[str], models_dir: Path | None, ctx: Context
) -> list[ServedModel[Any, Any]]:
    """Finds, loads and warms models; see `find_models`.

    What was named has to work. What merely lies in `models_dir` is left out with a message if it does not: one
    folder with a slip must not keep the others from being served.

    Raises:
        SetupError: A name is unknown, or a model that was named is at fault.
    """
    homes = find_models(names, models_dir)
    return load_models(homes, ctx, optional=[] if names else own_folders(models_dir))


def check_folders(names: Sequence[str], models_dir: Path | None) -> None:
    """Checks cards, weights and the syntax of code without which `open_models` would fail; loads and runs nothing.

    Raises:
        SetupError: As `open_models` would.
    """
    for home in find_models(names, models_dir) if names else [bundled_folder()]:
        if isinstance(home, Path) and _is_code(home):
            read_identity(home)
        elif isinstance(home, Path):
            check_weights(home, read_card(home))


def code_folders(names: Sequence[str], models_dir: Path | None) -> list[Path]:
    """The folders in which a change concerns models of these names; runs no code.

    Raises:
        SetupError: As for `find_models`.
    """
    homes = find_models(names, models_dir)
    folders = [home if isinstance(home, Path) else home.folder() for home in homes]
    return [*folders, *([] if names or models_dir is None else [models_dir])]


def load_models(
    homes: Sequence[Home], ctx: Context, *, optional: Collection[Home] = ()
) -> list[ServedModel[Any, Any]]:
    """Loads and warms models; they are ready to predict when this returns. Code of theirs is run.

    Args:
        homes: Model folders and classes.
        ctx: Threads and devices.
        optional: Those that are left out, with a message, where they are at fault.

    Raises:
        SetupError: A card, its weights, code or the runtime is at fault, or two folders hold one model.
    """
    models: dict[str, ServedModel[Any, Any]] = {}
    for home in homes:
        try:
            model = _load(home, ctx, models)
        except SetupError as error:
            if home not in optional:
                raise
            log.error("model_left_out", folder=str(home), reason=str(error))  # noqa: TRY400 - it says enough
            continue
        models[model.about.reference] = model
    return list(models.values())


def _find(name: str, known: Sequence[Path]) -> list[Home]:
    found = [folder for folder in known if name == folder.name or name in _names(folder)]
    if found:
        return [*found]
    folder = Path(name)
    if (folder / CARD_FILE).is_file() or (folder / CODE_FILE).is_file():
        return [folder]
    path = ClassPath.parse(name)
    if path is not None:
        return [path]
    models = ", ".join(dict.fromkeys(each for folder in known for each in _names(folder)[1:]))
    raise SetupError(
        f"{name!r} is no model: known are {models}, or name a folder with {CARD_FILE} or {CODE_FILE},"
        " or a class as module:Class."
    )


def _names(folder: Path) -> tuple[str, ...]:
    """What the model of a folder answers to; one that cannot be read has no say."""
    try:
        identity = identify(folder)
    except SetupError:
        return ()
    return identity.name, identity.reference


def _is_code(folder: Path) -> bool:
    """Whether a folder's model is code; a card counts more, as training code may well lie beside it."""
    return not (folder / CARD_FILE).is_file() and (folder / CODE_FILE).is_file()


def _unique(home: Home) -> Home:
    return home.resolve() if isinstance(home, Path) else home


def _load(home: Home, ctx: Context, loaded: Collection[str]) -> ServedModel[Any, Any]:
    model = _open(home, loaded)
    reference = model.about.reference
    if isinstance(home, Path) and not _is_code(home):
        from inferq.models.tuned import as_tuned  # noqa: PLC0415 - loads runtimes

        ctx = as_tuned(ctx, read_card(home))
    model.load(ctx)
    try:
        model.warm_up()
    except Exception as error:
        raise SetupError(
            f"{reference} was loaded from {home}, but cannot predict: {error}"
        ) from error
    model.batching = choose_batching(model, ctx)
    return model


def _open(home: Home, loaded: Collection[str]) -> ServedModel[Any, Any]:
    """A model that is not loaded yet; of two of one name the second is refused before its code is run."""
    # numpy and the runtimes are loaded only where models are: `inferq models list` needs none of them.
    if isinstance(home, ClassPath):
        from inferq.models.own_model import OwnModel  # noqa: PLC0415

        cls = import_class(home)
        identity = Identity(getattr(cls, "name", home.default_name), cls.version)
        _refuse_second(identity.reference, loaded)
        file = getattr(sys.modules[cls.__module__], "__file__", None)
        return OwnModel(cls, Path(file).parent if file else Path.cwd(), identity)
    if _is_code(home):
        from inferq.models.own_model import OwnModel  # noqa: PLC0415

        identity = read_identity(home)
        _refuse_second(identity.reference, loaded)
        return OwnModel(import_folder(home), home, identity)
    from inferq.models.detector import Detector  # noqa: PLC0415

    card = read_card(home)
    _refuse_second(card.reference, loaded)
    return Detector(home, card)


def _refuse_second(reference: str, loaded: Collection[str]) -> None:
    if reference in loaded:
        raise SetupError(f"{reference} stands in two folders; give one another version.")
