"""A network whose answer proves its input, says how large its batch was, and that some pictures make fail."""

import io
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from models.graphs import write_card

SIDE = 64
COUNT = 32 * 32
MOST = 16


def write_echo_model(folder: Path, *, features: int, name: str = "echo", **card: object) -> Path:
    """A model folder; each picture of number n and each batch gets an answer of its own, see `read_echo`.

    Args:
        folder: Where to make it.
        features: See `write_echo_graph`.
        name: Of the model.
        card: Further fields of its card.
    """
    folder.mkdir(parents=True)
    write_echo_graph(folder / "model.onnx", features=features)
    write_card(
        folder,
        labels={size: f"batch of {size}" for size in range(MOST + 1)},
        **{"name": name, "output_format": "end2end", "max_batch": MOST} | card,
        input={"name": "image", "width": SIDE, "height": SIDE},
        outputs={"detections": "detections"},
    )
    return folder


def write_echo_graph(path: Path, *, features: int, score: float = 0.9) -> None:
    """The network alone.

    Args:
        path: The file.
        features: Rows and columns of the matrix that each run reads: what a run costs, whatever its batch.
        score: Of the one detection.
    """
    random = np.random.default_rng(1)
    constants = {
        "pixel_axes": np.array([1, 2], np.int64),
        "row_axis": np.array([1], np.int64),
        "widen": np.full((3, features), 1e-3, np.float32),
        "weights": random.normal(0, 1e-3, (features, features)).astype(np.float32),
        "nothing": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "score": np.array(score, np.float32),
        "level": np.array(128, np.float32),
        "table": np.zeros((1, 1), np.float32),
        "first": np.array(0, np.int64),
        **{f"channel_{n}": np.array([n], np.int64) for n in range(3)},
    }
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
        node("ReduceMean", ["values", "pixel_axes"], ["means"], keepdims=0),
        node("MatMul", ["means", "widen"], ["wide"]),
        node("MatMul", ["wide", "weights"], ["mixed"]),
        node("ReduceMean", ["mixed", "row_axis"], ["mixed_mean"]),
        node("Mul", ["mixed_mean", "nothing"], ["zero"]),
        *(node("Gather", ["means", f"channel_{n}"], [f"mean_{n}"], axis=1) for n in range(3)),
        # A picture whose blue is bright asks for a row that the table has not: the whole run fails.
        node("Greater", ["mean_2", "level"], ["bad"]),
        node("Cast", ["bad"], ["row"], to=TensorProto.INT64),
        node("Squeeze", ["row", "row_axis"], ["rows"]),
        node("Gather", ["table", "rows"], ["looked_up"], axis=0),
        node("Add", ["zero", "looked_up"], ["left"]),
        node("Add", ["mean_0", "one"], ["right"]),
        node("Add", ["mean_1", "one"], ["bottom"]),
        node("Add", ["left", "score"], ["sure"]),
        node("Shape", ["means"], ["shape"]),
        node("Gather", ["shape", "first"], ["batch"], axis=0),
        node("Cast", ["batch"], ["batch_number"], to=TensorProto.FLOAT),
        node("Add", ["left", "batch_number"], ["class"]),
        node("Concat", ["left", "left", "right", "bottom", "sure", "class"], ["rows_of_6"], axis=1),
        node("Unsqueeze", ["rows_of_6", "row_axis"], ["detections"]),
    ]
    graph = helper.make_graph(
        nodes,
        "echo",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("detections", TensorProto.FLOAT, ["n", 1, 6])],
        [numpy_helper.from_array(array, each) for each, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)


def echo_picture(number: int, *, bad: bool = False) -> bytes:
    """A PNG that stands for a number below `COUNT`; a bad one makes each run fail that it is in."""
    down, across = divmod(number, 32)
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (across, down, 255 if bad else 0)).save(buffer, "PNG")
    return buffer.getvalue()


def read_echo(box: dict[str, float]) -> int:
    """The number that an answer proves."""
    return round(box["y_max"] - 1) * 32 + round(box["x_max"] - 1)
