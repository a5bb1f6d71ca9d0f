"""TensorFlow SavedModels; the only importer of tensorflow."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inferq.errors import SetupError
from inferq.models.base import Context
from inferq.models.providers import Provider, parse_provider
from inferq.models.runtimes.base import Graph, Tensor

# Read when it is imported: it greets every process with lines about the CPU; what it warns of still comes.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

GRAPH_FILE = "saved_model.pb"
SIGNATURE: str = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def runtime_version() -> str:
    """Name and version of the library."""
    return f"TensorFlow {tf.__version__}"


def installed_providers() -> list[str]:
    """Names of the providers that this build of the library has; a device may still be missing."""
    return ["cuda", "cpu"] if tf.test.is_built_with_cuda() else ["cpu"]


def read_graph(path: Path) -> Graph:
    """Reads what the serving signature of a SavedModel takes and returns; loads no weights.

    Raises:
        SetupError: The folder is no SavedModel, or has no such signature.
    """
    file = path / GRAPH_FILE
    try:
        saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SetupError(
            f"{path} is no SavedModel: it has no {GRAPH_FILE}. Name the folder that holds it."
        ) from error
    except DecodeError as error:
        raise SetupError(f"{file} is not a whole SavedModel; fetch or export it again.") from error
    signatures = {
        name: signature
        for graph in saved.meta_graphs
        if tf.saved_model.SERVING in graph.meta_info_def.tags
        for name, signature in graph.signature_def.items()
    }
    if SIGNATURE not in signatures:
        names = ", ".join(sorted(signatures)) or "none"
        raise SetupError(
            f"{path} has no signature {SIGNATURE!r} for serving (it has: {names}). Export it with its signature, as"
            " the Object Detection API's exporter_main_v2.py does."
        )
    signature = signatures[SIGNATURE]
    return Graph(_tensors(signature.inputs.items()), _tensors(signature.outputs.items()))


def open_session(path: Path, ctx: Context) -> "SavedModelSession":
    """Loads a SavedModel.

    Raises:
        SetupError: The folder is no sound SavedModel, or TensorFlow cannot be set up as `ctx` says.
    """
    read_graph(path)
    wanted = [parse_provider(text) for text in ctx.providers]
    _set_up(ctx.threads, next((each for each in wanted if each.name == "cuda"), None))
    return SavedModelSession(path)


class SavedModelSession:
    """One copy of a network, shared by all threads of a process."""

    def __init__(self, path: Path) -> None:
        """Loads graph and weights.

        Raises:
            SetupError: TensorFlow cannot.
        """
        try:
            self._model = tf.saved_model.load(str(path))
            self._function = self._model.signatures[SIGNATURE]
        except Exception as error:
            raise SetupError(f"TensorFlow cannot load {path}: {error}") from error

    def run(
        self, inputs: Mapping[str, npt.NDArray[np.generic]]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Runs the graph of the signature; returns all its outputs by name. Safe to call from several threads."""
        tensors = {name: tf.constant(array) for name, array in inputs.items()}
        return {name: tensor.numpy() for name, tensor in self._function(**tensors).items()}


@cache
def _set_up(threads: int, gpu: Provider | None) -> None:
    """Sets TensorFlow up, once a process: it has the same threads for all models.

    `threads` is the pool within an operation. The one between operations stays at a thread a CPU: all callers share
    it, and a single thread there has them wait for each other.

    Raises:
        SetupError: It runs already with other threads or devices, or finds no such GPU.
    """
    devices = tf.config.list_physical_devices("GPU")
    if gpu is not None:
        devices = devices if gpu.device is None else devices[gpu.device : gpu.device + 1]
        if not devices:
            raise SetupError(
                f"INFERQ_PROVIDERS asks for {str(gpu)!r}, but TensorFlow finds no such GPU."
                " Its CUDA libraries come with: pip install 'tensorflow[and-cuda]'."
            )
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.set_visible_devices([] if gpu is None else devices, "GPU")
        for device in tf.config.get_visible_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, enable=True)
    except RuntimeError as error:
        raise SetupError(
            f"TensorFlow runs in this process already, with other threads or devices: {error}"
        ) from error


def _tensors(told: Iterable[tuple[str, meta_graph_pb2.TensorInfo]]) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(
            name,
            tf.as_dtype(info.dtype).name,
            tuple(None if axis.size < 0 else axis.size for axis in info.tensor_shape.dim),
        )
        for name, info in sorted(told)
    )
