"""ONNX Runtime; the only importer of onnxruntime."""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnxruntime

from inferq.errors import SetupError
from inferq.models.base import Context
from inferq.models.providers import NUMBERED, Provider, parse_provider
from inferq.models.runtimes.base import Graph, Tensor

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
DTYPES = {"float": "float32", "double": "float64"}
"""What ONNX calls otherwise than numpy."""
GPU_HELP = (
    "CUDA takes an NVIDIA driver (does `nvidia-smi` show the device?) and another build of ONNX Runtime:"
    " pip install 'inferq[gpu]', then pip uninstall -y onnxruntime, then"
    " pip install --force-reinstall --no-deps onnxruntime-gpu."
    " To serve without a GPU, unset INFERQ_PROVIDERS."
)
_LEVELS = {
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
}


def runtime_version() -> str:
    """Name and version of the library."""
    return f"ONNX Runtime {onnxruntime.__version__}"


def installed_providers() -> list[str]:
    """Names of the providers that this build of the library has; a device may still be missing."""
    installed = onnxruntime.get_available_providers()
    return [name for name, theirs in PROVIDERS.items() if theirs in installed]


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
            ctx: Threads that one run uses; providers as `INFERQ_PROVIDERS` names them, most wanted first;
                how far the graph is rewritten before it runs.

        Raises:
            SetupError: The file is no sound graph, or a provider is unknown, not installed or not able to start.
        """
        wanted = [parse_provider(text) for text in ctx.providers]
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = _LEVELS[ctx.optimization]
        options.intra_op_num_threads = ctx.threads
        # Spinning threads take from the callers the very cores that they wait for.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=_execution_providers(wanted)
            )
        except SetupError:
            raise
        except Exception as error:
            raise SetupError(f"ONNX Runtime cannot load {path}: {error}") from error
        _check_providers(self._session, wanted)
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


def _execution_providers(providers: Sequence[Provider]) -> list[tuple[str, dict[str, str]]]:
    """Names and options as ONNX Runtime takes them."""
    installed = onnxruntime.get_available_providers()
    for provider in providers:
        if PROVIDERS[provider.name] not in installed:
            raise SetupError(
                f"INFERQ_PROVIDERS asks for {str(provider)!r}, which the ONNX Runtime that is installed"
                f" ({onnxruntime.__version__}) does not have. {GPU_HELP}"
            )
    if any(provider.name in NUMBERED for provider in providers):
        # Finds CUDA and cuDNN where pip put them. It prints what it misses.
        with contextlib.redirect_stdout(sys.stderr):
            onnxruntime.preload_dlls()
    return [
        (
            PROVIDERS[provider.name],
            {} if provider.device is None else {"device_id": str(provider.device)},
        )
        for provider in providers
    ]


def _check_providers(session: onnxruntime.InferenceSession, wanted: Sequence[Provider]) -> None:
    """ONNX Runtime goes on without a provider that it cannot start; whoever asked for a GPU must hear of that."""
    used = session.get_providers()
    for provider in wanted:
        if PROVIDERS[provider.name] not in used:
            raise SetupError(
                f"INFERQ_PROVIDERS asks for {str(provider)!r}, but ONNX Runtime cannot start it here and would run"
                f" on {', '.join(used)}; its own message stands above. {GPU_HELP}"
            )
