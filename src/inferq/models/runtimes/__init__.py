"""What runs networks: one file a runtime, the only importer of its library, loaded when a card names it."""

from importlib import import_module
from typing import cast

from inferq.errors import SetupError
from inferq.models.runtimes.base import Graph, Runtime, Session, Tensor

__all__ = ["RUNTIMES", "Graph", "Runtime", "Session", "Tensor", "find_runtime"]

RUNTIMES = {
    "onnx": ("inferq.models.runtimes.onnx", "pip install onnxruntime"),
    "tensorflow": ("inferq.models.runtimes.tensorflow", "pip install 'inferq[tensorflow]'"),
}
"""A card's `runtime` to its module, and what installs its library."""


def find_runtime(name: str) -> Runtime:
    """The runtime that a card names.

    Raises:
        SetupError: Its library is not installed, or cannot be loaded.
    """
    module, install = RUNTIMES[name]
    try:
        return cast("Runtime", import_module(module))
    except ImportError as error:
        raise SetupError(
            f"The runtime {name!r} is not installed here ({error}). Install it: {install}."
        ) from error
