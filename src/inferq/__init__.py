"""inferq: an asynchronous model server. POST an input, get a task id, have the result pushed.

The public names are loaded when they are first used, so that `import inferq` does no work.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inferq.client import AsyncClient, Client
    from inferq.models.base import Context, File, Model
    from inferq.predictions.record import Box, Detection, Prediction

__version__ = "0.1.0"
__all__ = [
    "AsyncClient",
    "Box",
    "Client",
    "Context",
    "Detection",
    "File",
    "Model",
    "Prediction",
    "__version__",
]

_HOMES = {
    "AsyncClient": "inferq.client",
    "Box": "inferq.predictions.record",
    "Client": "inferq.client",
    "Context": "inferq.models.base",
    "Detection": "inferq.predictions.record",
    "File": "inferq.models.base",
    "Model": "inferq.models.base",
    "Prediction": "inferq.predictions.record",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'inferq' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
