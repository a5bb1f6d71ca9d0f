"""From an ONNX file to a model folder that predicts, for each output format; nothing is said but what a file lacks."""

import io
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from inferq.errors import SetupError
from inferq.models.adding import add_network
from inferq.models.base import Context
from inferq.models.catalogue import load_models
from inferq.models.graph_card import Wishes
from inferq.models.trial import try_model
from models.graphs import write_graph

SIDE = 64
CELLS = 8 * 8 + 4 * 4 + 2 * 2
PICTURE = (128, 64)
"""Twice as wide as high: letterboxed, its box lies between two bars."""


def raw(name: str) -> dict[str, np.ndarray]:
    """Tensors that say: class 1 of 2 at 0.9, from (16, 24) to (48, 40) of the input's 64 pixels."""
    corner, center = (16, 24, 48, 40), (32, 32, 32, 16)
    if name == "yolov8":
        column = np.zeros((6, CELLS))
        column[:, 5] = [*center, 0.0, 0.9]
        return {"output0": column}
    if name == "end2end":
        return {"output0": np.array([[*corner, 0.9, 1], [0] * 6])}
    if name == "yolox":
        row = np.zeros((CELLS, 7))
        # The cell (4, 4) of the grid of 8 pixels: centre (32, 32), size exp(log(4)) * 8 by exp(log(2)) * 8.
        row[4 * 8 + 4] = [0, 0, np.log(4), np.log(2), 0.9, 0, 1]
        return {"output": row}
    logits = np.full((3, 2), -9.0)
    logits[1, 1] = np.log(9)  # sigmoid of it is 0.9
    boxes = np.full((3, 4), 0.01)
    boxes[1] = np.array(center) / SIDE
    return {"logits": logits, "pred_boxes": boxes}


@pytest.fixture(params=["yolov8", "end2end", "yolox", "detr"])
def told(request, tmp_path: Path) -> tuple[str, Path]:
    """A network whose file tells its classes, and the format of its outputs."""
    path = tmp_path / f"{request.param}.onnx"
    write_graph(path, raw(request.param), input_shape=(3, SIDE, SIDE), batch=1)
    model = onnx.load(path)
    model.metadata_props.add(key="names", value="{0: 'cat', 1: 'dog'}")
    onnx.save(model, path)
    return request.param, path


def test_a_file_that_tells_its_classes_is_served_without_a_word(told, tmp_path: Path):
    name, file = told
    added = add_network(file, tmp_path / "models", name=None, wishes=Wishes())
    assert added.card.output_format == name
    (model,) = load_models([added.folder], Context())
    buffer = io.BytesIO()
    Image.new("RGB", PICTURE, "white").save(buffer, "PNG")
    (found,) = try_model(model, buffer.getvalue(), {}).result["detections"]
    assert (found["label"], found["class_id"]) == ("dog", 1)
    assert found["score"] == pytest.approx(0.9, abs=1e-3)
    box = [found["box"][edge] for edge in ("x_min", "y_min", "x_max", "y_max")]
    # A letterbox halves the picture; yolox lays it at the top, the others in the middle; detr stretches it.
    expected = {
        "yolov8": [32, 16, 96, 48],
        "end2end": [32, 16, 96, 48],
        "yolox": [32, 48, 96, 64],
        "detr": [32, 24, 96, 40],
    }
    assert box == pytest.approx(expected[name], abs=0.2)


def test_a_graph_that_cannot_be_run_as_presumed_is_refused_and_leaves_nothing(tmp_path: Path):
    file = tmp_path / "net.onnx"
    write_graph(file, {"output": np.zeros((30, 7))}, input_shape=(3, SIDE, SIDE))
    with pytest.raises(SetupError, match="30 rows, but an input of 64 x 64"):
        add_network(
            file, tmp_path / "models", name="net", wishes=Wishes("yolox", labels=["cat", "dog"])
        )
    assert list((tmp_path / "models").iterdir()) == []
