"""ONNX Runtime; the only importer of onnxruntime."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnxruntime

from inferq.errors import SetupError
from inferq.models.base import Context
from inferq.models.runtimes.base import Graph, Tensor

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
DTYPES = {"float": "float32", "double": "float64"}
"""What ONNX calls otherwise than numpy."""


def read_graph(path: Path) -> Graph:
    """Reads what a graph takes, returns and tells.

    Raises:
        SetupError: The file is no sound graph.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(path, options, providers=[PROVIDERS["cpu"]])
    except Exception as error:
        raise SetupError(f"ONNX Runtime cannot load {path}: {error}") from error
    return Graph(
        tuple(map(_tensor, session.get_inputs())),
        tuple(map(_tensor, session.get_outputs())),
        dict(session.get_modelmeta().custom_metadata_map),
    )


def open_session(path: Path, ctx: Context) -> "OnnxSession":
    """Loads an `.onnx` file.

    Raises:
        SetupError: The file is no sound graph, or a provider is not installed here.
    """
    return OnnxSession(path, ctx)


class OnnxSession:
    """One copy of a network, shared by all threads of a process."""

    def __init__(self, path: Path, ctx: Context) -> None:
        """Loads and optimises the graph.

        Args:
            path: The `.onnx` file.
            ctx: Threads that one run uses; keys of `PROVIDERS`, most wanted first.

        Raises:
            SetupError: The file is no sound graph, or a provider is not installed here.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = ctx.threads
        # Spinning threads take from the callers the very cores that they wait for.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=_provider_names(ctx.providers)
            )
        except Exception as error:
            raise SetupError(f"ONNX Runtime cannot load {path}: {error}") from error
        self._names = [output.name for output in self._session.get_outputs()]

    def run(
        self, inputs: Mapping[str, npt.NDArray[np.generic]]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Runs the graph; returns all its outputs by name, float16 as float32. Safe to call from several threads."""
        arrays = cast("list[npt.NDArray[Any]]", self._session.run(self._names, dict(inputs)))
        # Boxes and scores are reckoned with further, for which eleven bits are too few.
        wide = (a.astype(np.float32) if a.dtype == np.float16 else a for a in arrays)
        return dict(zip(self._names, wide, strict=True))


def _tensor(told: Any) -> Tensor:
    shape = tuple(size if isinstance(size, int) else None for size in told.shape)
    dtype = told.type.removeprefix("tensor(").removesuffix(")")
    return Tensor(told.name, DTYPES.get(dtype, dtype), shape)


def _provider_names(providers: Sequence[str]) -> list[str]:
    installed = onnxruntime.get_available_providers()
    for name in providers:
        if name not in PROVIDERS:
            raise SetupError(f"INFERQ_PROVIDERS names {name!r}; known are {', '.join(PROVIDERS)}.")
        if PROVIDERS[name] not in installed:
            raise SetupError(
                f"INFERQ_PROVIDERS asks for {name!r}, which this ONNX Runtime does not have."
                " For CUDA: pip uninstall onnxruntime && pip install 'inferq[gpu]'."
            )
    return [PROVIDERS[name] for name in providers]
