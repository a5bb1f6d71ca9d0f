"""Makes the int8 variant of the bundled model: most of its convolutions in 8 bits, the sensitive ones in float32.

Calibrated on the photographs of `tools/free_photographs.py`; needs npm and `make setup`. The file differs in its last
digits between processors, so its digest does too.

    .venv/bin/python tools/quantize_coco_ssd.py src/inferq/models/zoo/ssdlite-mobilenet-v2-coco/int8.onnx
"""

import argparse
import hashlib
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from free_photographs import CALIBRATION, photographs
from inferq.models.base import Context
from inferq.models.catalogue import bundled_folder, load_models

Floats = npt.NDArray[np.float32]

# Float32 here kept detections of the calibration photographs best for what it costs.
FIRST_LAYERS = ("Conv_5", "Conv_7", "Conv_11")
BOX_HEADS = ("Conv_154", "Conv_213", "Conv_237", "Conv_261", "Conv_285", "Conv_313")
LEVELS = 64
"""Of a weight's sign: 7 bits, since 8 overflow the 16-bit sums of processors without VNNI."""
OPERATIONS = ["Conv", "Clip"]
MEANS_OF_EVERY = 3


class Photographs(quantization.CalibrationDataReader):
    """The network's inputs of photographs, one after the other."""

    def __init__(self, inputs: Sequence[npt.NDArray[np.uint8]]) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, Any] | None:
        """The next photograph, None after the last."""
        pixels = next(self._inputs, None)
        return None if pixels is None else {"image": pixels[None]}


def quantize(source: Path, target: Path, inputs: Sequence[npt.NDArray[np.uint8]]) -> str:
    """Quantises the network and writes it; returns the file's SHA-256.

    Args:
        source: The bundled network.
        target: File to write.
        inputs: Photographs as the network takes them, uint8 `[300, 300, 3]`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        model = computed_in_float32(source, Path(scratch))
        fold_biases(model)
        in_float = exempt(model)
        round_weights(model, channel_means(model, inputs[::MEANS_OF_EVERY]), in_float)
        rounded, quantized = Path(scratch) / "rounded.onnx", Path(scratch) / "int8.onnx"
        onnx.save(model, rounded)
        quantization.quantize_static(
            rounded,
            quantized,
            Photographs(inputs),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=OPERATIONS,
            nodes_to_exclude=sorted(in_float),
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        model = onnx.load(quantized)
    model.producer_name, model.producer_version, model.doc_string = "inferq", "1", ""
    del model.graph.value_info[:], model.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString(deterministic=True)
    target.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def computed_in_float32(source: Path, scratch: Path) -> onnx.ModelProto:
    """The network with its weights in float32 and its normalisations within its convolutions."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(scratch / "float32.onnx")
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    quant_pre_process(scratch / "float32.onnx", scratch / "shaped.onnx", skip_symbolic_shape=True)
    return onnx.load(scratch / "shaped.onnx")


def fold_biases(model: onnx.ModelProto) -> None:
    """Moves each bias that the graph adds after a residual sum into the convolution before it."""
    graph = model.graph
    weights = {each.name: each for each in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    for add in [node for node in graph.node if node.op_type == "Add"]:
        total, bias = makers.get(add.input[0]), weights.get(add.input[1])
        if total is None or bias is None or total.op_type != "Sum" or uses[total.output[0]] > 1:
            continue
        convolution = next(
            node
            for name in total.input
            if (node := makers[name]).op_type == "Conv" and not node.input[2:] and uses[name] == 1
        )
        _set_bias(graph, convolution, numpy_helper.to_array(bias).ravel())
        total.op_type = "Add"
        total.output[0] = add.output[0]
        graph.node.remove(add)


def exempt(model: onnx.ModelProto) -> frozenset[str]:
    """Names of the nodes that stay in float32: some convolutions, and the clipping of their outputs."""
    layers = {*FIRST_LAYERS, *BOX_HEADS}
    outputs = {node.output[0] for node in model.graph.node if node.name in layers}
    clips = {node.name for node in model.graph.node if outputs & set(node.input)}
    return frozenset(layers | clips)


def channel_means(
    model: onnx.ModelProto, inputs: Sequence[npt.NDArray[np.uint8]]
) -> Mapping[str, Floats]:
    """The mean of every channel that goes into a convolution, by tensor."""
    names = sorted({node.input[0] for node in _convolutions(model)})
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    runs = [session.run(names, {"image": pixels[None]}) for pixels in inputs]
    means = [[values.mean((0, 2, 3)) for values in run] for run in runs]
    return dict(zip(names, (np.mean(each, 0) for each in zip(*means, strict=True)), strict=True))


def round_weights(
    model: onnx.ModelProto, means: Mapping[str, Floats], in_float: frozenset[str]
) -> None:
    """Rounds the weights of each convolution to their levels, and takes from its biases what that adds on average.

    Rounding shifts the mean of a channel, most where it is the sum of nine weights alone; left as it is, that
    changes scores more than all the rest (bias correction, arXiv:1906.04721).
    """
    weights = {each.name: each for each in model.graph.initializer}
    for node in _convolutions(model):
        if node.name in in_float:
            continue
        exact = numpy_helper.to_array(weights[node.input[1]])
        step = np.abs(exact).max((1, 2, 3), keepdims=True) / LEVELS
        step[step == 0] = 1
        rounded = (np.round(exact / step) * step).astype(np.float32)
        weights[node.input[1]].CopyFrom(numpy_helper.from_array(rounded, node.input[1]))
        groups = next((each.i for each in node.attribute if each.name == "group"), 1)
        added = (rounded - exact).sum((2, 3)).reshape(groups, -1, exact.shape[1])
        shift = np.einsum("goi,gi->go", added, means[node.input[0]].reshape(groups, -1)).ravel()
        bias = numpy_helper.to_array(weights[node.input[2]]) if node.input[2:] else 0
        _set_bias(model.graph, node, bias - shift)


def _convolutions(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type == "Conv"]


def _set_bias(graph: onnx.GraphProto, node: onnx.NodeProto, values: npt.NDArray[Any]) -> None:
    name = f"{node.output[0]}/bias"
    old = [each for each in graph.initializer if each.name == name]
    for each in old:
        graph.initializer.remove(each)
    graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    del node.input[2:]
    node.input.append(name)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("target", type=Path, help="ONNX file to write")
    target = parser.parse_args().target
    (model,) = load_models([bundled_folder()], Context())
    inputs = [model.preprocess(data, {}).pixels for data in photographs(CALIBRATION).values()]
    digest = quantize(bundled_folder() / model.card.weights, target, inputs)
    sys.stdout.write(f"{digest}  {target}, calibrated on {len(inputs)} photographs\n")


if __name__ == "__main__":
    main()
