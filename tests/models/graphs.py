"""Model folders with tiny ONNX graphs that return given tensors, and no scores for dark pictures."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TYPES = {
    "uint8": TensorProto.UINT8,
    "float16": TensorProto.FLOAT16,
    "float32": TensorProto.FLOAT,
}


def write_graph(
    path: Path,
    tensors: dict[str, np.ndarray],
    *,
    input_shape: tuple[int, ...],
    dtype: str = "float32",
    batch: int | None = None,
    threshold: float = 0.0,
    gated: tuple[str, ...] = (),
) -> None:
    """Writes a graph that returns these tensors for every picture.

    Args:
        path: The `.onnx` file.
        tensors: Output name to one picture's tensor `[…]`, without the batch axis.
        input_shape: Of one picture.
        dtype: Of the input; with float16 the outputs are float16 too.
        batch: The fixed batch axis, or None for a dynamic one.
        threshold: Mean of a picture's values above which it counts as bright.
        gated: Outputs that are multiplied by 0 for pictures that are not bright.
    """
    axis = "n" if batch is None else batch
    returned = TYPES["float32" if dtype == "uint8" else dtype]
    nodes = [
        helper.make_node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "pixel_axes"], ["mean"], keepdims=0),
        helper.make_node("Greater", ["mean", "threshold"], ["bright"]),
        helper.make_node("Cast", ["bright"], ["gate"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["gate", "zero"], ["nothing"]),
    ]
    constants = {
        "pixel_axes": np.array([1, 2, 3], np.int64),
        "threshold": np.array(threshold, np.float32),
        "zero": np.array(0, np.float32),
    }
    outputs = []
    for name, tensor in tensors.items():
        constants[f"{name}_value"] = tensor[None].astype(np.float32)
        constants[f"{name}_shape"] = np.array([-1] + [1] * tensor.ndim, np.int64)
        source, operation = ("gate", "Mul") if name in gated else ("nothing", "Add")
        nodes += [
            helper.make_node("Reshape", [source, f"{name}_shape"], [f"{name}_gate"]),
            helper.make_node(operation, [f"{name}_gate", f"{name}_value"], [f"{name}_wide"]),
            helper.make_node("Cast", [f"{name}_wide"], [name], to=returned),
        ]
        outputs.append(helper.make_tensor_value_info(name, returned, [axis, *tensor.shape]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TYPES[dtype], [axis, *input_shape])],
        outputs,
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def write_card(folder: Path, *, labels: dict[int, str], **tables: Any) -> None:
    """Writes `model.toml` for the folder's `model.onnx`; tables are `input`, `outputs` and so on."""
    card = {
        "schema": 1, "name": "tiny", "version": "1", "kind": "object-detection", "description": "Tiny.",
        "license": "Apache-2.0", "runtime": "onnx", "weights": "model.onnx",
        "sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(),
    }  # fmt: skip
    card |= {key: value for key, value in tables.items() if not isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in card.items()]
    named = {key: value for key, value in tables.items() if isinstance(value, dict)}
    for table, fields in (named | {"labels": labels}).items():
        lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in fields.items())]
    (folder / "model.toml").write_text("\n".join(lines))
