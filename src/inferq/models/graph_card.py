"""From a network's graph to the card of a detector: what its shapes and its metadata tell. Pure.

Ultralytics' exports tell task, class names and size; others tell shapes alone, and how pictures are prepared is
presumed to be what the format's networks usually take.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inferq.errors import SetupError
from inferq.models.label_file import Names
from inferq.models.runtimes.base import Graph, Tensor

STRIDES = (8, 16, 32)
CHANNELS = 3
ANCHORS_OF_YOLOV5 = 3
TF_OD = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
FLOATS = ("float16", "float32")
DETR_NAMES = {"logits", "pred_boxes"}
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
LETTERBOX = {"resize": "letterbox", "position": "center", "fill": 114}
USUAL_INPUT: Mapping[str, dict[str, Any]] = {
    "yolov8": LETTERBOX | {"divide_by": 255.0},
    "end2end": LETTERBOX | {"divide_by": 255.0},
    "yolox": LETTERBOX | {"color": "BGR", "position": "top-left"},
    "detr": {"divide_by": 255.0},
    "ssd": {"divide_by": 127.5, "mean": [1.0, 1.0, 1.0]},
    "tf-od": {},
}
"""What networks of a format take where they take fractions; where they take bytes, it is nothing special."""
OWN_RESIZING = {"resize": "letterbox", "position": "top-left", "fill": 0}
"""For graphs that take pictures of any size: they resize them as they were trained, so that none is stretched before."""
TASKS = {"segment": "masks", "pose": "keypoints", "obb": "turned boxes", "classify": "no boxes"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person who adds a network says; None leaves it to its file.

    Labels are names in the order of the network's classes, or names by class id where ids are left out.
    """

    output_format: str | None = None
    labels: Names | None = None
    size: int | None = None
    translations: Mapping[str, Names] = field(default_factory=dict)
    """Language to its names of the classes."""


def read_card_parts(graph: Graph, wishes: Wishes) -> dict[str, Any]:
    """The tables of a card that follow from a graph: `output_format`, `input`, `outputs`, `labels` and so on.

    Raises:
        SetupError: The graph is no detector that can be read, or the file does not tell enough; the message says
            what, and which option tells it.
    """
    _refuse_other_tasks(graph)
    picture, layout = _picture(graph)
    width, height = _size(graph, picture, layout, wishes.size)
    chosen = wishes.output_format or _recognised(graph, width, height)
    outputs = _outputs(graph, chosen)
    first = 1 if chosen in ("ssd", "tf-od") else 0
    labels = _labels(graph, wishes.labels, first)
    classes = max(labels, default=first - 1) - first + 1
    options = _options(chosen, outputs, classes)
    _compare(classes, _classes(chosen, outputs, options))
    translated = {
        language: _translated(language, names, labels)
        for language, names in wishes.translations.items()
    }
    tensor = {"name": picture.name, "width": width, "height": height, "layout": layout}
    tensor |= _prepared(picture, chosen, options)
    return {
        "output_format": chosen,
        "input": tensor,
        "outputs": {ours: theirs.name for ours, theirs in outputs.items()},
        "labels": _as_table(labels)
        | {language: _as_table(names) for language, names in translated.items()},
    } | ({"output_options": options} if options else {})


def _refuse_other_tasks(graph: Graph) -> None:
    task = graph.metadata.get("task", "detect")
    if task != "detect":
        raise SetupError(
            f"The file says that its task is {task!r} ({TASKS.get(task, 'not detection')});"
            " only detectors can be served."
        )
    planes = [output.name for output in graph.outputs if len(output.shape) == 4]  # noqa: PLR2004
    if planes:
        raise SetupError(
            f"The output {planes[0]!r} has four axes, as masks or feature maps have: this is a segmentation graph or"
            " an unfinished one; only detectors can be served."
        )


def _picture(graph: Graph) -> tuple[Tensor, str]:
    """The graph's one input, and its layout."""
    names = ", ".join(repr(tensor.name) for tensor in graph.inputs)
    if len(graph.inputs) != 1:
        raise SetupError(
            f"The graph takes {names}; only graphs that take one picture can be served."
        )
    (picture,) = graph.inputs
    if picture.dtype != "uint8" and picture.dtype not in FLOATS:
        raise SetupError(
            f"The input {names} is of type {picture.dtype}; export with uint8, float16 or float32."
        )
    match picture.shape:
        case (None | 1, 3, _, _):
            return picture, "NCHW"
        case (None | 1, _, _, 3):
            return picture, "NHWC"
        case (int(pictures), *_) if pictures > 1:
            raise SetupError(
                f"The graph takes {pictures} pictures at a time; export it for one, or for any number."
            )
    raise SetupError(
        f"The input {names} has the shape {_shape(picture)}; a picture's is [N, 3, height, width] or"
        " [N, height, width, 3]."
    )


def _size(graph: Graph, picture: Tensor, layout: str, wish: int | None) -> tuple[int, int]:
    height, width = picture.shape[2:] if layout == "NCHW" else picture.shape[1:3]
    if width is not None and height is not None:
        return width, height
    if wish is not None:
        return wish, wish
    told = _literal(graph.metadata.get("imgsz"))
    match told:
        case [int(height), int(width)]:
            return width, height
        case int(side):
            return side, side
    raise SetupError(
        "The graph leaves the size of its input open; say it with --size, such as --size 640."
    )


def _recognised(graph: Graph, width: int, height: int) -> str:
    names = {output.name for output in graph.outputs}
    if names.issuperset(TF_OD):
        return "tf-od"
    if names == DETR_NAMES:
        return "detr"
    cells = sum((width // stride) * (height // stride) for stride in STRIDES)
    if len(graph.outputs) == 1:
        match graph.outputs[0].shape:
            case (_, rows, int(columns)) if rows == cells and columns > 5:  # noqa: PLR2004
                return "yolox"
            case (_, int(rows), columns) if columns == cells and rows > 4:  # noqa: PLR2004
                return "yolov8"
            case (_, rows, _) if rows == ANCHORS_OF_YOLOV5 * cells:
                raise SetupError(
                    "The output looks like YOLOv5's, with three anchors a cell, which is not read here; export it"
                    " with a version of Ultralytics that writes YOLOv8's output (yolov5nu and its kin)."
                )
            case (_, _, 6):
                return "end2end"
    shapes = ", ".join(f"{output.name} {_shape(output)}" for output in graph.outputs)
    raise SetupError(
        f"The file does not tell its output format (outputs: {shapes}); say it with --output-format."
    )


def _outputs(graph: Graph, chosen: str) -> dict[str, Tensor]:
    """The tensors of an output format, by our names."""
    by_name = {output.name: output for output in graph.outputs}
    match chosen:
        case "tf-od" if by_name.keys() >= set(TF_OD):
            return {name: by_name[name] for name in TF_OD}
        case "yolov8" | "yolox" if len(graph.outputs) == 1:
            return {"predictions": graph.outputs[0]}
        case "end2end" if len(graph.outputs) == 1:
            return {"detections": graph.outputs[0]}
        case "ssd" | "detr" if len(graph.outputs) == 2:  # noqa: PLR2004
            boxes, other = sorted(
                graph.outputs,
                key=lambda each: ("box" not in each.name.lower(), each.shape[-1] != 4),  # noqa: PLR2004
            )
            return {"boxes": boxes, "scores" if chosen == "ssd" else "logits": other}
        case "tf-od" | "yolov8" | "yolox" | "end2end" | "ssd" | "detr":
            raise SetupError(
                f"The outputs {', '.join(by_name)} are not those of the format {chosen}."
            )
    raise SetupError(f"There is no output format {chosen!r}; there are {', '.join(USUAL_INPUT)}.")


def _labels(graph: Graph, wish: Names | None, first: int) -> dict[int, str]:
    """Class id to name; names in an order get the ids from `first` on."""
    if isinstance(wish, Mapping):
        return dict(sorted(wish.items()))
    if wish is not None:
        return dict(enumerate(wish, first))
    match _literal(graph.metadata.get("names")):
        case dict(names) if names:
            return dict(enumerate((str(names[key]) for key in sorted(names, key=int)), first))
        case list(names) if names:
            return dict(enumerate(map(str, names), first))
    raise SetupError(
        "The file does not tell the names of its classes; give them with --labels: a text file with one a line, or a"
        " label map (.pbtxt)."
    )


def _translated(language: str, names: Names, labels: Mapping[int, str]) -> dict[int, str]:
    """The names in another language by class id."""
    if len(names) != len(labels):
        raise SetupError(
            f"There are {len(labels)} classes, but {len(names)} names in --labels {language}=…; give one a line."
        )
    return dict(names if isinstance(names, Mapping) else zip(labels, names, strict=True))


def _as_table(names: Mapping[int, str]) -> dict[str, Any]:
    return {str(class_id): name for class_id, name in names.items()}


def _options(chosen: str, outputs: Mapping[str, Tensor], classes: int) -> dict[str, Any]:
    if chosen == "detr" and outputs["logits"].shape[-1] == classes + 1:
        return {"head": "softmax"}
    return {}


def _classes(chosen: str, outputs: Mapping[str, Tensor], options: Mapping[str, Any]) -> int | None:
    """How many classes the graph tells apart; None where its shapes do not say."""
    match chosen:
        case "yolov8":
            size, others = outputs["predictions"].shape[1], 4
        case "yolox":
            size, others = outputs["predictions"].shape[2], 5
        case "ssd":
            size, others = outputs["scores"].shape[-1], 0
        case "detr":
            size, others = outputs["logits"].shape[-1], int("head" in options)
        case _:
            return None
    return None if size is None else size - others


def _compare(labels: int, classes: int | None) -> None:
    if classes is not None and classes != labels:
        raise SetupError(
            f"The graph tells {classes} classes apart, but there are {labels} names. Correct --labels, or"
            " --output-format; a pose graph, which has more numbers a box, cannot be served."
        )


def _prepared(picture: Tensor, chosen: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """How pictures are made ready for a network."""
    prepared: dict[str, Any] = {"batch": 1} if picture.shape[0] == 1 else {}
    usual = dict(USUAL_INPUT[chosen])
    if chosen == "tf-od" and None in picture.shape[1:]:
        usual |= OWN_RESIZING
    if "head" in options:
        usual |= IMAGENET
    if picture.dtype == "uint8":
        return prepared | {
            name: value for name, value in usual.items() if name not in ("divide_by", "mean", "std")
        }
    return prepared | {"dtype": picture.dtype} | usual


def _literal(text: str | None) -> object:
    """The value of a Python or JSON literal in a file's metadata; None where it is none."""
    try:
        return None if text is None else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None


def _shape(tensor: Tensor) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in tensor.shape)}]"
