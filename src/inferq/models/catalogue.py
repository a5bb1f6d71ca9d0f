"""From what an operator names (nothing, a bundled model, a folder) to models that can be loaded."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from inferq.errors import SetupError
from inferq.models.base import Context, Model
from inferq.models.card import CARD_FILE, read_card

BUNDLED = "ssdlite-mobilenet-v2-coco"


def bundled_folder() -> Path:
    """The model folder inside the package."""
    return Path(str(files("inferq.models"))) / "zoo" / BUNDLED


def find_folders(names: Sequence[str], models_dir: Path | None) -> list[Path]:
    """The model folders of names and paths; without any, the bundled one and all of `models_dir`.

    Raises:
        SetupError: A name is neither a folder, nor one of `models_dir`, nor bundled.
    """
    own = sorted(path.parent for path in models_dir.glob(f"*/{CARD_FILE}")) if models_dir else []
    if not names:
        return [bundled_folder(), *own]
    known = {BUNDLED: bundled_folder()} | {folder.name: folder for folder in own}
    return [_find(name, known) for name in names]


def load_models(folders: Sequence[Path], ctx: Context) -> list[Model[Any, Any]]:
    """Loads and warms the models of folders; they are ready to predict when this returns.

    Raises:
        SetupError: A card, its weights or the runtime is at fault, or two folders hold one model.
    """
    models: dict[str, Model[Any, Any]] = {}
    for folder in folders:
        model = _open(folder)
        if model.card.reference in models:
            raise SetupError(
                f"{model.card.reference} stands in two folders; give one another version."
            )
        model.load(ctx)
        model.warm_up()
        models[model.card.reference] = model
    return list(models.values())


def _find(name: str, known: dict[str, Path]) -> Path:
    if name in known:
        return known[name]
    if (Path(name) / CARD_FILE).is_file():
        return Path(name)
    raise SetupError(
        f"{name!r} is no model: known are {', '.join(known)}, or name a folder with {CARD_FILE}."
    )


def _open(folder: Path) -> Model[Any, Any]:
    # numpy and the runtime are loaded only where models are: `inferq models` needs neither.
    from inferq.models.detector import Detector  # noqa: PLC0415

    return Detector(folder, read_card(folder))
