"""YOLO's and Pascal VOC's label files: any label, boxes at the edges and beyond."""

import io
import zipfile
from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exports.made import HEIGHT, WIDTH, boxes, exported, found, prediction, predictions
from inferq.exports.voc import UNSPEAKABLE
from inferq.predictions.record import Prediction


def files(made: list[Prediction], format_name: str) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(exported(made, format_name))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def yolo_boxes(text: str, names: dict[int, str]) -> list[tuple]:
    read_back = []
    for line in text.splitlines():
        index, *shares = line.split(" ")
        cx, cy, width, height = map(float, shares)
        assert all(0 <= share <= 1 for share in (cx, cy, width, height))
        edges = (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
        pixels = (edge * side for edge, side in zip(edges, (WIDTH, HEIGHT) * 2, strict=True))
        read_back.append((names[int(index)], *(round(edge, 4) for edge in pixels)))
    return sorted(read_back)


def voc_boxes(text: str) -> list[tuple]:
    return sorted(
        (
            node.findtext("name"),
            float(node.findtext("bndbox/xmin")) - 1,
            float(node.findtext("bndbox/ymin")) - 1,
            float(node.findtext("bndbox/xmax")),
            float(node.findtext("bndbox/ymax")),
        )
        for node in ET.fromstring(text).iter("object")  # noqa: S314 - our own
    )


@given(st.lists(predictions(), max_size=4))
def test_yolo_has_every_label_and_box(made: list[Prediction]):
    archive = files(made, "yolo")
    data = yaml.safe_load(archive["data.yaml"])
    assert list(data["names"]) == list(range(data["nc"]))
    written = [text for path, text in archive.items() if path.startswith("labels/")]
    assert [yolo_boxes(text, data["names"]) for text in written] == [boxes(each) for each in made]


@given(st.lists(predictions(), max_size=4))
def test_voc_has_every_label_and_box(made: list[Prediction]):
    archive = files(made, "voc")
    written = [text for path, text in archive.items() if path.startswith("Annotations/")]
    for text, each in zip(written, made, strict=True):
        expected = sorted(
            (UNSPEAKABLE.sub("\ufffd", label), *at_least_a_pixel(edges))
            for label, *edges in boxes(each)
        )
        read_back = voc_boxes(text)
        assert [row[0] for row in read_back] == [row[0] for row in expected]
        for theirs, ours in zip(read_back, expected, strict=True):
            assert theirs[1:] == pytest.approx(ours[1:], abs=1e-6)


def at_least_a_pixel(edges: list[float]) -> tuple[float, ...]:
    left, top, right, bottom = edges
    left, top = min(left, WIDTH - 1), min(top, HEIGHT - 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)


@pytest.mark.parametrize("format_name", ["yolo", "voc"])
def test_boxes_are_cut_at_the_pictures_edge_and_those_without_area_left_out(format_name: str):
    made = prediction(
        found("whole", -5, -5, 700.5, 500),
        found("outside", 640, 10, 700, 20),
        found("line", 10, 10, 10, 300),
        found("reversed", 50, 50, 20, 20),
    )
    archive = files([made], format_name)
    if format_name == "yolo":
        names = yaml.safe_load(archive["data.yaml"])["names"]
        read_back = yolo_boxes(archive[f"labels/street-{made.task_id}.txt"], names)
        assert names == {0: "whole"}
    else:
        read_back = voc_boxes(archive[f"Annotations/street-{made.task_id}.xml"])
    assert read_back == [("whole", 0, 0, WIDTH, HEIGHT)]


def test_whole_pixels_are_whole_numbers_and_a_sliver_is_a_pixel():
    made = prediction(
        found("cat", 10, 20, 30, 40.5), found("sliver", 639.7, 5.2, 640, 5.6), size=(640, 427)
    )
    text = files([made], "voc")[f"Annotations/street-{made.task_id}.xml"]
    assert "<xmin>11</xmin>" in text
    assert "<ymax>40.5</ymax>" in text
    assert voc_boxes(text)[1] == pytest.approx(("sliver", 639, 5.2, 640, 6.2))


def test_the_folders_are_looked_for_beside_data_yaml():
    data = yaml.safe_load(files([], "yolo")["data.yaml"])
    assert data == {"train": "images", "val": "images", "nc": 0, "names": {}}
