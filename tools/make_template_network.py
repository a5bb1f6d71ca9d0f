"""Writes the network of `inferq models new --onnx`: which channel of a picture is the brightest on average."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TARGET = Path(__file__).parents[1] / "src/inferq/models/templates/onnx/net.onnx"
SHARPNESS = 8.0


def main() -> None:
    """Writes `net.onnx`: float32 `image` [N, 3, height, width] to `scores` [N, 3], which sum to 1."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["means"]),
        helper.make_node("MatMul", ["means", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
    ]
    weights = numpy_helper.from_array(SHARPNESS * np.eye(3, dtype=np.float32), "weights")
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, "H", "W"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 3])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, TARGET)


if __name__ == "__main__":
    main()
