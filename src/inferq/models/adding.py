"""From an `.onnx` file to a model folder that can be served, there whole or not at all."""

import hashlib
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inferq.errors import SetupError
from inferq.models.base import Context
from inferq.models.card import CARD_FILE, Card, read_card
from inferq.models.card_file import card_text
from inferq.models.catalogue import identify, load_models, own_folders
from inferq.models.code_folder import model_name
from inferq.models.onnx_file import Wishes, read_card_parts
from inferq.models.runtimes.onnx import read_graph

WEIGHTS_FILE = "model.onnx"


@dataclass(frozen=True, slots=True)
class Added:
    """A new model folder and its card."""

    folder: Path
    card: Card


def add_onnx(file: Path, models_dir: Path, *, name: str | None, wishes: Wishes) -> Added:
    """Makes a model folder of an `.onnx` file, and tries it before it takes its place.

    Args:
        file: The network.
        models_dir: Where the folder is made; it is made too if it is not there.
        name: Of the model; by default that of the file. A name that is taken gets its next version.
        wishes: What the file does not tell, or tells wrongly.

    Raises:
        SetupError: The file is no detector, does not tell enough, cannot be run, or is there already.
    """
    name = _name(file.stem if name is None else name)
    graph = read_graph(file)
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    about = {
        "schema": 1,
        "name": name,
        "version": _next_version(name, digest, models_dir),
        "kind": "object-detection",
        "description": graph.metadata.get("description", f"Made of {file.name}."),
        "license": graph.metadata.get("license", "unknown"),
        "runtime": "onnx",
        "weights": WEIGHTS_FILE,
        "sha256": digest,
        "source": {"file": file.name},
    }
    models_dir.mkdir(parents=True, exist_ok=True)
    draft = models_dir / f".adding-{secrets.token_hex(4)}"
    try:
        _write(draft, file, about | read_card_parts(graph, wishes))
        (model,) = load_models([draft], Context())
        folder = models_dir / model.about.reference.replace("@", "-")
        draft.rename(folder)
    except OSError as error:
        raise SetupError(f"The model folder cannot be written to {models_dir}: {error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Added(folder, read_card(folder))


def _write(folder: Path, weights: Path, card: dict[str, Any]) -> None:
    folder.mkdir()
    shutil.copyfile(weights, folder / WEIGHTS_FILE)
    (folder / CARD_FILE).write_text(card_text(card), encoding="utf-8")


def _name(wanted: str) -> str:
    name = model_name(wanted)
    if not name:
        raise SetupError(
            f"{wanted!r} makes no name of letters, digits and dashes; give one with --name."
        )
    return name


def _next_version(name: str, digest: str, models_dir: Path) -> str:
    newest = 0
    for folder in own_folders(models_dir):
        try:
            known = identify(folder)
        except SetupError:
            continue
        if known.name != name:
            continue
        if (folder / CARD_FILE).is_file() and read_card(folder).sha256 == digest:
            raise SetupError(f"This file is there already: {known.reference} in {folder}.")
        if known.version.isdigit():
            newest = max(newest, int(known.version))
    return str(newest + 1)
