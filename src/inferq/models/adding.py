"""From an `.onnx` file or a SavedModel to a model folder that can be served, there whole or not at all."""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inferq.errors import SetupError
from inferq.models.base import Context
from inferq.models.card import CARD_FILE, Card, read_card, weights_digest
from inferq.models.card_file import card_text
from inferq.models.catalogue import identify, load_models, own_folders
from inferq.models.code_folder import model_name
from inferq.models.graph_card import Wishes, read_card_parts
from inferq.models.runtimes import find_runtime

ONNX_FILE = "model.onnx"
SAVED_MODEL = "saved_model"
"""What exporters call the folder of a SavedModel, and we the copy of it."""


@dataclass(frozen=True, slots=True)
class Added:
    """A new model folder and its card."""

    folder: Path
    card: Card


def add_network(network: Path, models_dir: Path, *, name: str | None, wishes: Wishes) -> Added:
    """Makes a model folder of a network, and tries it before it takes its place.

    Args:
        network: An `.onnx` file, or the folder of a TensorFlow SavedModel.
        models_dir: Where the folder is made; it is made too if it is not there.
        name: Of the model; by default that of the file or folder. A name that is taken gets its next version.
        wishes: What the network does not tell, or tells wrongly.

    Raises:
        SetupError: It is no detector, does not tell enough, cannot be run, or is there already.
    """
    name = _name(_given_name(network) if name is None else name)
    runtime = "tensorflow" if network.is_dir() else "onnx"
    graph = find_runtime(runtime).read_graph(network)
    digest = weights_digest(network)
    about = {
        "schema": 1,
        "name": name,
        "version": _next_version(name, digest, models_dir),
        "kind": "object-detection",
        "description": graph.metadata.get("description", f"Made of {network.name}."),
        "license": graph.metadata.get("license", "unknown"),
        "runtime": runtime,
        "weights": SAVED_MODEL if network.is_dir() else ONNX_FILE,
        "sha256": digest,
        "source": {"file": network.name},
    }
    draft = models_dir / f".adding-{secrets.token_hex(4)}"
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        _write(draft, network, about | read_card_parts(graph, wishes))
        return put_in_place(draft, models_dir)
    except OSError as error:
        raise SetupError(f"The model folder cannot be written to {models_dir}: {error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def put_in_place(draft: Path, models_dir: Path) -> Added:
    """Tries the model folder that lies at `draft`, and gives it its name in `models_dir`.

    Raises:
        SetupError: It cannot be served.
        OSError: It cannot be moved there.
    """
    (model,) = load_models([draft], Context())
    folder = models_dir / folder_name(model.about.reference)
    draft.rename(folder)
    return Added(folder, read_card(folder))


def folder_name(reference: str) -> str:
    """What the folder of a `name@version` is called."""
    return reference.replace("@", "-")


def _write(folder: Path, network: Path, card: dict[str, Any]) -> None:
    folder.mkdir()
    if network.is_dir():
        shutil.copytree(network, folder / card["weights"])
    else:
        shutil.copyfile(network, folder / card["weights"])
    (folder / CARD_FILE).write_text(card_text(card), encoding="utf-8")


def _given_name(network: Path) -> str:
    """A file's or folder's name; an exporter's `saved_model` is told apart by the folder around it."""
    network = network.resolve()
    if not network.is_dir():
        return network.stem
    return network.parent.name if network.name == SAVED_MODEL else network.name


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
            raise SetupError(f"This network is there already: {known.reference} in {folder}.")
        if known.version.isdigit():
            newest = max(newest, int(known.version))
    return str(newest + 1)
