"""Detectors from model folders: each output format from a picture's bytes to boxes in its own pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inferq.errors import SetupError
from inferq.models.base import Context
from inferq.models.catalogue import load_models
from inferq.models.outputs import OUTPUT_FORMATS
from inferq.models.served import ServedModel
from models.graphs import write_card, write_graph
from photos import encoded

WIDTH, HEIGHT, CLASSES, CLASS, SCORE = 64, 32, 3, 1, 0.9
LABELS = {"yolox": 0, "yolov8": 0, "end2end": 0, "detr": 0, "ssd": 1, "tf-od": 1}
SIZES = {"landscape": (640, 240), "portrait": (240, 640), "tiny": (5, 3), "upscaled": (40, 30)}
FITS = {
    "stretch": {"resize": "stretch"},
    "center": {"resize": "letterbox", "position": "center", "fill": 114},
    "top-left": {"resize": "letterbox", "position": "top-left", "fill": 114},
}
TABLES: dict[str, dict[str, Any]] = {
    "uint8": {"layout": "NHWC", "dtype": "uint8", "color": "RGB"},
    "float32": {"layout": "NCHW", "dtype": "float32", "color": "BGR", "divide_by": 255},
    "float16": {"layout": "NCHW", "dtype": "float16", "color": "RGB", "divide_by": 255},
}
PARAMETERS = {"score_threshold": 0.6}
"""Above the half that a logit of 0 stands for."""
GATED = {
    "ssd": ("scores",),
    "tf-od": ("detection_scores",),
    "yolox": ("predictions",),
    "yolov8": ("predictions",),
    "end2end": ("detections",),
    "detr": ("logits",),
}


def into_input(box: tuple[float, ...], size: tuple[int, int], fit: str) -> tuple[float, ...]:
    """A box of the picture in pixels of the network's input, by the definition of the resizing."""
    if fit == "stretch":
        across, down, left, top = WIDTH / size[0], HEIGHT / size[1], 0, 0
    else:
        scale = min(WIDTH / size[0], HEIGHT / size[1])
        across = max(1, round(size[0] * scale)) / size[0]
        down = max(1, round(size[1] * scale)) / size[1]
        left = int((WIDTH - across * size[0]) / 2) if fit == "center" else 0
        top = int((HEIGHT - down * size[1]) / 2) if fit == "center" else 0
    x_min, y_min, x_max, y_max = box
    return (x_min * across + left, y_min * down + top, x_max * across + left, y_max * down + top)


def tensors_of(name: str, box: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Tensors of one picture in which the format says: one thing of class `CLASS`, here (input pixels)."""
    x_min, y_min, x_max, y_max = box
    middle = ((x_min + x_max) / 2, (y_min + y_max) / 2, x_max - x_min, y_max - y_min)
    relative = (y_min / HEIGHT, x_min / WIDTH, y_max / HEIGHT, x_max / WIDTH)
    scores = np.full((2, CLASSES), 0.01)
    scores[1, CLASS] = SCORE
    if name == "ssd":
        return {"boxes": np.array([(0, 0, 1, 1), relative]), "scores": scores}
    if name == "tf-od":
        return {
            "detection_boxes": np.array([relative, (0, 0, 1, 1)]),
            "detection_classes": np.array([CLASS + 1, 0]),
            "detection_scores": np.array([SCORE, SCORE]),
            "num_detections": np.array(1),
        }
    if name == "yolov8":
        return {"predictions": np.concatenate([[(9, 9, 5, 5), middle], scores], axis=1).T}
    if name == "end2end":
        return {"detections": np.array([(*box, SCORE, CLASS), (0, 0, 0, 0, 0, 0)])}
    if name == "detr":
        logits = np.log(scores / (1 - scores))
        whole = np.array(middle) / (WIDTH, HEIGHT, WIDTH, HEIGHT)
        return {"logits": logits, "boxes": np.array([(0.5, 0.5, 1, 1), whole])}
    rows = np.zeros((42, 5 + CLASSES))
    row, column = 2, 5  # of the first grid: 8 x 4 cells of 8 pixels
    offsets = (middle[0] / 8 - column, middle[1] / 8 - row)
    sides = np.log(np.array(middle[2:]) / 8)
    rows[row * 8 + column] = (*offsets, *sides, 1, *scores[1])
    return {"predictions": rows}


def write_model(folder: Path, name: str, tensors: dict[str, np.ndarray], **changed: Any) -> Path:
    """A model folder; `batch`, `kind` (of `TABLES`), `fit`, `labels` and whole tables may be changed."""
    kind, fit = changed.pop("kind", "float32"), changed.pop("fit", "center")
    batch, graph_batch = changed.pop("batch", "dynamic"), changed.pop("graph_batch", None)
    folder.mkdir(exist_ok=True)
    shape = (HEIGHT, WIDTH, 3) if kind == "uint8" else (3, HEIGHT, WIDTH)
    threshold = 60 if kind == "uint8" else 60 / 255
    write_graph(
        folder / "model.onnx", tensors, input_shape=shape, dtype=kind, threshold=threshold,
        batch=1 if batch == 1 else graph_batch, gated=GATED[name],
    )  # fmt: skip
    first = LABELS[name]
    tables = {
        "output_format": name,
        "input": {"name": "image", "width": WIDTH, "height": HEIGHT, "batch": batch}
        | TABLES[kind]
        | FITS[fit],
        "outputs": {ours: ours for ours in tensors},
        "labels": {first + n: label for n, label in enumerate(("cat", "dog", "cow"))},
    }
    write_card(folder, **tables | changed)
    return folder


def load(folder: Path) -> ServedModel[Any, Any]:
    (model,) = load_models([folder], Context())
    return model


def png(size: tuple[int, int], color: str = "white") -> bytes:
    return encoded(Image.new("RGB", size, color), "PNG")


def predict(model: ServedModel[Any, Any], *pictures: bytes) -> list[list[dict[str, Any]]]:
    items = [model.preprocess(picture, {}) for picture in pictures]
    outputs = model.infer(items)
    return [
        model.postprocess(output, item, PARAMETERS)["detections"]
        for output, item in zip(outputs, items, strict=True)
    ]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("name", OUTPUT_FORMATS)
def test_a_box_of_the_picture_comes_back_in_its_own_pixels(tmp_path, name, fit, size):
    box = (0.2 * size[0], 0.1 * size[1], 0.7 * size[0], 0.8 * size[1])
    model = load(write_model(tmp_path, name, tensors_of(name, into_input(box, size, fit)), fit=fit))

    ((found,),) = predict(model, png(size))

    assert (found["label"], found["class_id"]) == ("dog", CLASS + LABELS[name])
    assert found["score"] == pytest.approx(SCORE, abs=1e-4)
    # A tenth of a pixel, to which boxes are rounded, and float32's last digits.
    assert tuple(found["box"].values()) == pytest.approx(box, abs=0.051)


def test_the_card_says_that_a_yolox_graph_decodes_itself(tmp_path):
    rows = np.zeros((7, 5 + CLASSES))
    rows[4] = (20, 12, 16, 8, 1, 0, SCORE, 0)
    options = {"decoded": True}
    model = load(write_model(tmp_path, "yolox", {"predictions": rows}, output_options=options))

    ((found,),) = predict(model, png((64, 32)))

    assert tuple(found["box"].values()) == (12, 8, 28, 16)


def test_the_card_says_which_strides_a_yolox_graph_has(tmp_path):
    rows = np.zeros((2, 5 + CLASSES))
    rows[1] = (0.5, 0.5, 0, 0, 1, 0, SCORE, 0)
    options = {"strides": [32]}
    model = load(write_model(tmp_path, "yolox", {"predictions": rows}, output_options=options))

    ((found,),) = predict(model, png((64, 32)))

    assert tuple(found["box"].values()) == (32, 0, 64, 32)


def test_the_card_says_that_the_last_class_of_a_detr_graph_is_no_object(tmp_path):
    logits = np.array([(0, 9, 0, 0), (0, 0, 0, 9)])
    tensors = {"logits": logits, "boxes": np.array([(0.5, 0.5, 0.5, 0.5)] * 2)}
    options = {"head": "softmax"}
    model = load(write_model(tmp_path, "detr", tensors, output_options=options))

    ((found,),) = predict(model, png((64, 32)))

    assert (found["label"], tuple(found["box"].values())) == ("dog", (16, 8, 48, 24))
    with pytest.raises(SetupError, match="4 classes with the ids 0 to 3"):
        load(write_model(tmp_path, "detr", tensors))


def test_yolox_rows_that_do_not_fit_the_input_are_refused_before_any_task(tmp_path):
    folder = write_model(tmp_path, "yolox", {"predictions": np.zeros((41, 5 + CLASSES))})

    with pytest.raises(SetupError, match=r"tiny@1: its output 'predictions' has 41 rows"):
        load(folder)


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("batch", ["dynamic", 1])
@pytest.mark.parametrize("name", OUTPUT_FORMATS)
def test_each_picture_of_several_gets_its_own_answer(tmp_path, name, batch, kind):
    tensors = tensors_of(name, (10, 5, 30, 20))
    model = load(write_model(tmp_path, name, tensors, batch=batch, kind=kind))

    bright, dark, again = predict(model, png((64, 32)), png((64, 32), "black"), png((32, 64)))

    assert [len(found) for found in (bright, dark, again)] == [1, 0, 1]
    assert tuple(bright[0]["box"].values()) == pytest.approx((10, 5, 30, 20), abs=0.1)
    assert bright[0]["box"] != again[0]["box"]


WRONG = {
    "an output of another shape": (
        {"outputs": {"boxes": "scores", "scores": "boxes"}}, r"'boxes' has the shape \[2, 2, 3\]",
    ),
    "too many labels": ({"labels": {n: str(n) for n in range(1, 5)}}, "3 classes with the ids 1 to 3"),
    "too few labels": ({"labels": {1: "cat", 2: "dog"}}, r"ids 1 to 2, .* 1 to 3.*\[labels\]"),
    "labels from 0": ({"labels": {0: "cat", 1: "dog", 3: "cow"}}, "ids 0 to 3"),
    "an output that is not there": ({"outputs": {"boxes": "b", "scores": "scores"}}, "no output 'b'; it has boxes"),
    "an output that the format has not": ({"outputs": {"logits": "boxes"}}, "takes boxes, scores"),
    "an option of another format": ({"output_options": {"head": "softmax"}}, "has head, but .* takes none"),
    "a graph for one picture": ({"graph_batch": 1}, "needs batch = 1"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "message"), WRONG.values(), ids=WRONG)
def test_a_card_that_the_network_contradicts_is_refused_before_any_task(tmp_path, changed, message):
    folder = write_model(tmp_path, "ssd", tensors_of("ssd", (10, 5, 30, 20)), **changed)

    with pytest.raises(SetupError, match=f"(?s)tiny@1: .*{message}"):
        load(folder)


BASE = {"name": "image", "width": WIDTH, "height": HEIGHT}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"fill": 0}, "set it or drop them"),
        ({"mean": [0.5, 0.5, 0.5]}, 'set dtype = "float32"'),
        ({"dtype": "float32", "std": [1, 1, 0]}, "input.std.2: Input should be greater than 0"),
        ({"batch": 4}, "input.batch"),
        ({"layout": "CHWN"}, "input.layout: Input should be 'NHWC' or 'NCHW'"),
    ],
    ids=["padding where there is none", "fractions in bytes", "no deviation", "four", "layout"],
)
def test_an_input_that_cannot_be_is_refused(tmp_path, table, message):
    folder = write_model(tmp_path, "ssd", tensors_of("ssd", (1, 1, 9, 9)), input=BASE | table)

    with pytest.raises(SetupError) as caught:
        load(folder)
    assert message in str(caught.value)


def test_classes_without_a_label_are_not_told(tmp_path):
    labels = {1: "cat", 3: "cow"}
    model = load(write_model(tmp_path, "ssd", tensors_of("ssd", (1, 1, 9, 9)), labels=labels))

    assert predict(model, png((64, 32))) == [[]]
