"""ONNX files as YOLOv8 and YOLOX export them, which find what the bundled network finds: it works inside them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inferq.models.card import read_card
from inferq.models.catalogue import bundled_folder

SIDE, INNER_SIDE = 320, 300
STRIDES = (8, 16, 32)
FOUND, CLASSES = 1917, 90
CELLS = sum((SIDE // stride) ** 2 for stride in STRIDES)
"""2100: rows that a YOLO network has at this size; those beyond `FOUND` are empty."""
CENTERED = SIDE * np.array([[0, 0.5, 0, -1], [0.5, 0, -1, 0], [0, 0.5, 0, 1], [0.5, 0, 1, 0]])
"""Turns (y_min, x_min, y_max, x_max) as fractions into (x, y, width, height) in pixels of the input."""

Nodes = list[onnx.NodeProto]


def class_names() -> list[str]:
    """Names of the network's 90 classes, of which ten mean nothing."""
    labels = read_card(bundled_folder()).labels
    return [labels.get(class_id, f"nothing {class_id}") for class_id in range(1, CLASSES + 1)]


def write_yolov8(path: Path) -> None:
    """Writes what Ultralytics exports: RGB fractions in, `[1, 4 + C, A]` out, names in the metadata."""
    prepare = [helper.make_node("Mul", ["images", "levels"], ["picture"])]
    read = [
        helper.make_node("Concat", ["centered", "scores"], ["found"], axis=2),
        helper.make_node("Pad", ["found", "missing_rows"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["output0"], perm=[0, 2, 1]),
    ]
    model = _around_the_bundled(prepare, read, {}, ("output0", [1, 4 + CLASSES, CELLS]))
    for key, value in {
        "task": "detect",
        "names": str(dict(enumerate(class_names()))),
        "imgsz": f"[{SIDE}, {SIDE}]",
    }.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)


def write_yolox(path: Path) -> None:
    """Writes what YOLOX exports: BGR levels in, raw `[1, A, 5 + C]` out, no names."""
    prepare = [helper.make_node("Gather", ["images", "backwards"], ["picture"], axis=1)]
    read = [
        helper.make_node("Pad", ["centered", "missing_rows"], ["boxes_of_cells"]),
        helper.make_node("Pad", ["scores", "missing_rows"], ["scores_of_cells"]),
        helper.make_node("Div", ["boxes_of_cells", "strides"], ["in_cells"]),
        helper.make_node("Split", ["in_cells", "halves"], ["centers", "sizes"], axis=2),
        helper.make_node("Sub", ["centers", "cells"], ["offsets"]),
        helper.make_node("Max", ["sizes", "tiny"], ["real_sizes"]),
        helper.make_node("Log", ["real_sizes"], ["logs"]),
        helper.make_node(
            "Concat", ["offsets", "logs", "objectness", "scores_of_cells"], ["output"], axis=2
        ),
    ]
    grids = [np.mgrid[: SIDE // stride, : SIDE // stride][::-1] for stride in STRIDES]
    cells = np.concatenate([grid.reshape(2, -1).T for grid in grids])
    strides = np.concatenate(
        [np.full((grid[0].size, 1), s) for s, grid in zip(STRIDES, grids, strict=True)]
    )
    constants = {
        "backwards": np.array([2, 1, 0]),
        "halves": np.array([2, 2]),
        "tiny": np.float32(1e-3),
        "cells": cells[None].astype(np.float32),
        "strides": strides[None].astype(np.float32),
        "objectness": (np.arange(CELLS) < FOUND).astype(np.float32)[None, :, None],
    }
    onnx.save(
        _around_the_bundled(prepare, read, constants, ("output", [1, CELLS, 5 + CLASSES])), path
    )


def _around_the_bundled(
    prepare: Nodes, read: Nodes, constants: dict[str, np.ndarray], output: tuple[str, Sequence[int]]
) -> onnx.ModelProto:
    """A graph that makes `picture` (RGB levels `[1, 3, SIDE, SIDE]`) of `images`, and reads `centered` and `scores`."""
    bundled = onnx.load(bundled_folder() / "model.onnx")
    between = [
        helper.make_node("Resize", ["picture", "", "", "inner_size"], ["small"], mode="linear"),
        helper.make_node("Transpose", ["small"], ["rows_first"], perm=[0, 2, 3, 1]),
        helper.make_node("Clip", ["rows_first", "black", "levels"], ["clipped"]),
        helper.make_node("Round", ["clipped"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["image"], to=TensorProto.UINT8),
    ]
    center = helper.make_node("MatMul", ["boxes", "to_center"], ["centered"])
    constants = constants | {
        "levels": np.float32(255),
        "black": np.float32(0),
        "inner_size": np.array([1, 3, INNER_SIDE, INNER_SIDE]),
        "to_center": CENTERED.astype(np.float32),
        "missing_rows": np.array([0, 0, 0, 0, CELLS - FOUND, 0]),
    }
    used = {name for node in (*prepare, *between, center, *read) for name in node.input}
    graph = helper.make_graph(
        [*prepare, *between, *bundled.graph.node, center, *read],
        "exported",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
        [
            *bundled.graph.initializer,
            *(
                numpy_helper.from_array(np.asarray(value), name)
                for name, value in constants.items()
                if name in used
            ),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=bundled.opset_import, ir_version=bundled.ir_version
    )
    onnx.checker.check_model(model, full_check=True)
    return model
