"""What is read off a graph: shapes and metadata in, the tables of a card out."""

import tomllib

import pytest

from inferq.errors import SetupError
from inferq.models.card_file import card_text
from inferq.models.graph_card import USUAL_INPUT, Wishes, read_card_parts
from inferq.models.outputs import OUTPUT_FORMATS
from inferq.models.runtimes.base import Graph, Tensor

ULTRALYTICS = {"task": "detect", "names": "{0: 'cat', 1: \"dog's toy\"}", "imgsz": "[480, 640]"}


def graph(
    *outputs: tuple, shape: tuple = (1, 3, 640, 640), dtype: str = "float32", **metadata: str
) -> Graph:
    return Graph(
        (Tensor("images", dtype, shape),),
        tuple(
            Tensor(
                f"output{index}" if isinstance(each[0], int | None) else each[0], "float32", dims
            )
            for index, each in enumerate(outputs)
            for dims in [each if isinstance(each[0], int | None) else each[1]]
        ),
        metadata,
    )


def test_an_export_of_ultralytics_needs_nothing_said():
    parts = read_card_parts(
        graph((None, 6, None), shape=(None, 3, None, None), **ULTRALYTICS),
        Wishes(output_format="yolov8"),
    )
    assert parts["labels"] == {"0": "cat", "1": "dog's toy"}
    assert parts["outputs"] == {"predictions": "output0"}
    assert parts["input"] == {
        "name": "images",
        "width": 640,
        "height": 480,
        "layout": "NCHW",
        "dtype": "float32",
        "resize": "letterbox",
        "position": "center",
        "fill": 114,
        "divide_by": 255.0,
    }


def test_a_half_precision_export_takes_half_precision():
    parts = read_card_parts(graph((1, 6, 8400), dtype="float16", **ULTRALYTICS), Wishes())
    assert (parts["input"]["dtype"], parts["input"]["divide_by"]) == ("float16", 255.0)


def test_names_in_another_language_lie_beside_those_of_the_file():
    wishes = Wishes(translations={"vi": ["mèo", "đồ chơi của chó"]})
    parts = read_card_parts(graph((1, 6, 8400), **ULTRALYTICS), wishes)
    assert parts["labels"] == {
        "0": "cat",
        "1": "dog's toy",
        "vi": {"0": "mèo", "1": "đồ chơi của chó"},
    }


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        ([(1, 6, 8400)], "yolov8"),
        ([(1, 8400, 7)], "yolox"),
        ([(1, 300, 6)], "end2end"),
        ([("logits", (1, 300, 2)), ("pred_boxes", (1, 300, 4))], "detr"),
        (
            [
                ("num_detections", (1,)),
                ("detection_boxes", (1, 100, 4)),
                ("detection_scores", (1, 100)),
                ("detection_classes", (1, 100)),
            ],
            "tf-od",
        ),
    ],
)
def test_the_output_format_is_told_by_the_outputs(outputs: list, found: str):
    parts = read_card_parts(graph(*outputs, **ULTRALYTICS), Wishes())
    assert parts["output_format"] == found
    assert parts["input"]["batch"] == 1
    assert list(parts["labels"]) == (["1", "2"] if found == "tf-od" else ["0", "1"])


def test_an_input_of_bytes_in_rows_gets_no_normalisation():
    parts = read_card_parts(
        graph(
            ("scores", (None, 1917, 2)),
            ("boxes", (None, 1917, 4)),
            shape=(None, 300, 300, 3),
            dtype="uint8",
        ),
        Wishes(output_format="ssd", labels=["a", "b"]),
    )
    assert parts["input"] == {"name": "images", "width": 300, "height": 300, "layout": "NHWC"}
    assert parts["outputs"] == {"boxes": "boxes", "scores": "scores"}
    assert parts["labels"] == {"1": "a", "2": "b"}


def test_a_class_for_no_object_means_softmax():
    outputs = [("logits", (1, 100, 3)), ("pred_boxes", (1, 100, 4))]
    parts = read_card_parts(graph(*outputs), Wishes(labels=["a", "b"]))
    assert parts["output_options"] == {"head": "softmax"}
    assert parts["input"]["mean"] == [0.485, 0.456, 0.406]


@pytest.mark.parametrize(
    ("given", "wishes", "message"),
    [
        (graph((1, 38, 8400), (1, 32, 160, 160), **ULTRALYTICS), Wishes(), "segmentation graph"),
        (graph((1, 56, 8400), task="pose"), Wishes(), r"task is 'pose' \(keypoints\)"),
        (graph((1, 56, 8400)), Wishes(labels=["person"]), "a pose graph, which has more numbers"),
        (graph((1, 6, 8400)), Wishes(), "--labels"),
        (graph((1, 6, 8400)), Wishes(labels=["a"]), "tells 2 classes apart, but there are 1 names"),
        (graph((1, 25200, 7), **ULTRALYTICS), Wishes(), "YOLOv5"),
        (graph((1, 9), **ULTRALYTICS), Wishes(), "--output-format"),
        (graph((1, 6, 8400), **ULTRALYTICS), Wishes("yolo9"), "no output format 'yolo9'"),
        (graph((1, 6, 8400), **ULTRALYTICS), Wishes("ssd"), "are not those of the format ssd"),
        (graph((None, 6, None), shape=(1, 3, None, None)), Wishes(), "--size"),
        (graph((8, 6, 8400), shape=(8, 3, 640, 640)), Wishes(), "8 pictures at a time"),
        (
            graph((1, 6, 8400), shape=(1, 1, 640, 640)),
            Wishes(),
            r"has the shape \[1, 1, 640, 640\]",
        ),
        (graph((1, 6, 8400), dtype="int64"), Wishes(), "is of type int64"),
        (
            graph((1, 6, 8400), **ULTRALYTICS),
            Wishes(translations={"vi": ["mèo"]}),
            "2 classes, but 1 names in --labels vi=",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_with_the_reason(given: Graph, wishes, message: str):
    with pytest.raises(SetupError, match=message):
        read_card_parts(given, wishes)


def test_every_output_format_can_be_added():
    assert USUAL_INPUT.keys() == OUTPUT_FORMATS.keys()


def test_a_card_survives_being_written_whatever_its_labels_hold():
    labels = {"0": 'a "b" \\ c', "1": "tab\tnew\nline", "2": "Würfel 猫 \x7f \u2028", "3": ""}
    labels |= {"vi": {"0": "mèo"}, "pt-BR": {"0": "gato"}}
    card = {"schema": 1, "name": "net", "input": {"mean": [0.5, 1.0, 2e-05]}, "labels": labels}
    assert tomllib.loads(card_text(card)) == card


TF_OD = [
    ("detection_boxes", (1, 100, 4)),
    ("detection_classes", (1, 100)),
    ("detection_scores", (1, 100)),
    ("num_detections", (1,)),
]


def test_a_graph_that_resizes_pictures_itself_is_not_fed_stretched_ones():
    zoo = graph(*TF_OD, shape=(1, None, None, 3), dtype="uint8")
    parts = read_card_parts(zoo, Wishes(labels={1: "person", 13: "stop sign"}, size=768))
    assert parts["input"] == {
        "name": "images",
        "width": 768,
        "height": 768,
        "layout": "NHWC",
        "batch": 1,
        "resize": "letterbox",
        "position": "top-left",
        "fill": 0,
    }
    assert parts["labels"] == {"1": "person", "13": "stop sign"}


def test_names_by_id_are_held_against_the_classes_up_to_the_last_id():
    ssd = graph(("boxes", (1, 9, 4)), ("scores", (1, 9, 13)))
    labels = {1: "person", 13: "stop sign"}
    assert read_card_parts(ssd, Wishes("ssd", labels))["labels"] == {
        "1": "person",
        "13": "stop sign",
    }
    with pytest.raises(SetupError, match="tells 13 classes apart"):
        read_card_parts(ssd, Wishes("ssd", {1: "person"}))
