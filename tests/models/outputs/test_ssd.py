"""The SSD output format: boxes decoded in the graph, scores without a background column."""

import numpy as np
import pytest

from inferq.models.outputs import OUTPUT_FORMATS, OutputMeta
from inferq.models.outputs.ssd import read_ssd

META = OutputMeta(300, 300)


def outputs(pictures: int = 2, anchors: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "boxes": rng.random((pictures, anchors, 4), np.float32),
        "scores": rng.random((pictures, anchors, 90), np.float32),
    }


def test_boxes_come_with_x_before_y():
    given = outputs(1, 1)
    given["boxes"][0, 0] = (0.1, 0.2, 0.3, 0.4)  # y_min, x_min, y_max, x_max

    raw = read_ssd(given, 0, META)

    assert raw.boxes.tolist() == [pytest.approx([0.2, 0.1, 0.4, 0.3])]


@pytest.mark.parametrize("index", [0, 1])
def test_each_picture_of_a_batch_gets_its_own_rows(index):
    given = outputs()

    raw = read_ssd(given, index, META)

    assert np.array_equal(raw.scores, given["scores"][index])
    assert np.array_equal(raw.boxes[:, 0], given["boxes"][index, :, 1])


@pytest.mark.parametrize(("column", "class_id"), [(0, 1), (16, 17), (17, 18), (89, 90)])
def test_a_column_stands_for_the_class_id_one_above_it(column, class_id):
    assert read_ssd(outputs(), 0, META).class_ids[column] == class_id


def test_shapes_and_types_are_those_that_suppression_takes():
    raw = read_ssd(outputs(anchors=5), 0, META)

    assert (raw.boxes.shape, raw.scores.shape, raw.class_ids.shape) == ((5, 4), (5, 90), (90,))
    assert (raw.boxes.dtype, raw.scores.dtype) == (np.float32, np.float32)
    assert np.issubdtype(raw.class_ids.dtype, np.integer)


def test_the_networks_tensors_are_left_as_they_are():
    given = outputs()
    before = {name: array.copy() for name, array in given.items()}

    read_ssd(given, 1, META)

    assert all(np.array_equal(given[name], before[name]) for name in before)


def test_the_table_of_formats_knows_ssd():
    assert OUTPUT_FORMATS["ssd"].read is read_ssd
