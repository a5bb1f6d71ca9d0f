"""A new model folder of code, to be filled: a small model that works, and a test that passes."""

import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Literal

from inferq.errors import SetupError
from inferq.models.code_folder import model_name

TEMPLATE = "Template"
"""Stands in the templates for the class, and in lower case for the file of its test."""


def new_folder(name: str, into: Path, *, template: Literal["python", "onnx"]) -> Path:
    """Writes a model folder.

    Args:
        name: Of the model, and of the folder.
        into: Where the folder is made.
        template: Which of the templates.

    Raises:
        SetupError: The name is none, or there is something of that name already.
    """
    if model_name(name) != name:
        hint = model_name(name)
        raise SetupError(
            f"{name!r} is no model's name: a-z, 0-9 and dashes{f', such as {hint}' if hint else ''}."
        )
    folder = into / name
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise SetupError(f"{folder} is there already; take another name.") from error
    source = Path(str(files("inferq.models"))) / "templates" / template
    for file in source.iterdir():
        if file.suffix == ".py":
            target = folder / file.name.replace(TEMPLATE.lower(), name.replace("-", "_"))
            target.write_text(_named(file.read_text(encoding="utf-8"), name), encoding="utf-8")
        elif file.is_file():
            shutil.copyfile(file, folder / file.name)
    return folder


def _named(text: str, name: str) -> str:
    """A template's text with the class of the model in its place."""
    words = "".join(word.capitalize() for word in name.split("-"))
    return re.sub(rf"\b{TEMPLATE}\b", words if words[0].isalpha() else f"Model{words}", text)
