"""Model folders of code, written by tests."""

from pathlib import Path
from textwrap import dedent

from inferq.models.base import Context
from inferq.models.catalogue import load_models
from inferq.models.own_model import OwnModel

HEAD = """\
from PIL import Image
from pydantic import BaseModel, Field
from inferq import Box, Context, Detection, File, Model


class Params(BaseModel):
    top_k: int = Field(3, ge=1, le=20)


class Guess(BaseModel):
    label: str
    score: float
"""


def code_folder(folder: Path, code: str) -> Path:
    """A model folder whose `model.py` is the usual imports and this code."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "model.py").write_text(f"{HEAD}\n\n{dedent(code)}")
    return folder


def loaded(folder: Path, code: str) -> OwnModel:
    """The model of such a folder, loaded and warm."""
    (model,) = load_models([code_folder(folder, code)], Context())
    assert isinstance(model, OwnModel)
    return model
