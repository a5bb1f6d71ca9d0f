"""The bundled network as a TensorFlow SavedModel with the Object Detection API's signature.

Its ONNX graph is read node by node with TensorFlow's operations; suppression is TensorFlow's own. A program of its own,
so that TensorFlow is not started in the process that tests how inferq starts it:

    python -m models.saved_models FOLDER
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from inferq.models.card import read_card, weights_digest
from inferq.models.card_file import card_text
from inferq.models.catalogue import bundled_folder

TESTS = Path(__file__).parents[1]
LEAST_VARIABLE = 1024
"""Numbers in a weight that is stored as a variable; smaller ones are constants of the graph."""
SCORE_THRESHOLD = 0.05
IOU_THRESHOLD = 0.5
MOST = 100


def build(folder: Path) -> Path:
    """Makes the SavedModel in a process of its own."""
    command = [sys.executable, "-m", "models.saved_models", str(folder)]
    subprocess.run(command, check=True, cwd=TESTS)
    return folder


def model_folder(folder: Path, saved_model: Path, *, name: str) -> Path:
    """A model folder with a SavedModel of the bundled network, its card written by hand."""
    shutil.copytree(saved_model, folder / "net")
    bundled = read_card(bundled_folder())
    tensors = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
    card = {
        "schema": 1, "name": name, "version": "1", "kind": "object-detection", "description": "A SavedModel.",
        "license": "Apache-2.0", "runtime": "tensorflow", "output_format": "tf-od", "weights": "net",
        "sha256": weights_digest(folder / "net"),
        "input": {"name": "input_tensor", "width": 300, "height": 300},
        "outputs": {tensor: tensor for tensor in tensors},
        "labels": {str(class_id): label for class_id, label in bundled.labels.items()},
    }  # fmt: skip
    (folder / "model.toml").write_text(card_text(card), encoding="utf-8")
    return folder


def main() -> None:
    import tensorflow as tf

    model = onnx.load(bundled_folder() / "model.onnx")
    network = tf.Module()
    network.weights, constants = {}, {}
    for initializer in model.graph.initializer:
        array = numpy_helper.to_array(initializer)
        if array.size >= LEAST_VARIABLE:
            network.weights[initializer.name] = tf.Variable(array, trainable=False)
        else:
            constants[initializer.name] = array

    known = operations(tf)

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec([None, 300, 300, 3], tf.uint8, "input_tensor")],
    )
    def detect(input_tensor):
        tensors = {"image": input_tensor, **constants, **network.weights}
        for node in model.graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            made = known[node.op_type](*(tensors[name] for name in node.input), **attributes)
            tensors |= zip(node.output, made if isinstance(made, list) else [made], strict=True)
        found = tf.image.combined_non_max_suppression(
            tensors["boxes"][:, :, None],
            tensors["scores"],
            MOST,
            MOST,
            IOU_THRESHOLD,
            SCORE_THRESHOLD,
        )
        return {
            "detection_boxes": found.nmsed_boxes,
            "detection_classes": found.nmsed_classes + 1,
            "detection_scores": found.nmsed_scores,
            "num_detections": tf.cast(found.valid_detections, tf.float32),
        }

    tf.saved_model.save(network, sys.argv[1], signatures={"serving_default": detect})


def operations(tf: Any) -> dict[str, Callable]:
    """The operations of the bundled graph, by their ONNX names."""
    types = {1: tf.float32, 6: tf.int32, 7: tf.int64}

    def convolve(x, weights, bias=None, *, strides, pads, group, **_):
        top, left, bottom, right = pads
        x = tf.pad(tf.transpose(x, [0, 2, 3, 1]), [[0, 0], [top, bottom], [left, right], [0, 0]])
        if group == 1:
            y = tf.nn.conv2d(x, tf.transpose(weights, [2, 3, 1, 0]), strides, "VALID")
        else:
            y = tf.nn.depthwise_conv2d(
                x, tf.transpose(weights, [2, 3, 0, 1]), [1, *strides, 1], "VALID"
            )
        return tf.transpose(y if bias is None else y + bias, [0, 3, 1, 2])

    def normalize(x, scale, offset, mean, variance, *, epsilon):
        scale, offset, mean, variance = (
            tf.reshape(each, [1, -1, 1, 1]) for each in (scale, offset, mean, variance)
        )
        return (x - mean) / tf.sqrt(variance + epsilon) * scale + offset

    def cut(x, starts, ends, axes=None):
        axes = np.arange(len(starts)) if axes is None else axes
        parts = [slice(None)] * len(x.shape)
        for axis, start, end in zip(axes, starts, ends, strict=True):
            parts[axis] = slice(start, min(end, np.iinfo(np.int32).max))
        return x[tuple(parts)]

    return {
        "Add": tf.add,
        "BatchNormalization": normalize,
        "Cast": lambda x, to: tf.cast(x, types[to]),
        "Clip": tf.clip_by_value,
        "Concat": lambda *parts, axis: tf.concat(parts, axis),
        "Conv": convolve,
        "Exp": tf.exp,
        "Gather": tf.gather,
        "Mul": tf.multiply,
        "Reshape": tf.reshape,
        "Shape": lambda x: tf.shape(x, out_type=tf.int64),
        "Sigmoid": tf.sigmoid,
        "Slice": cut,
        "Split": lambda x, axis: tf.split(x, 4, axis),
        "Squeeze": lambda x, axes: tf.squeeze(x, axes.tolist()),
        "Sub": tf.subtract,
        "Sum": lambda *parts: tf.add_n(parts),
        "Tile": tf.tile,
        "Transpose": tf.transpose,
        "Unsqueeze": lambda x, axes: tf.expand_dims(x, int(axes[0])),
    }


if __name__ == "__main__":
    main()
