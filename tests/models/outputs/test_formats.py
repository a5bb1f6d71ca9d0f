"""Every output format: what all have in common, and each against its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferq.errors import SetupError
from inferq.models.nms import Kept, class_mask, suppress, to_pixels
from inferq.models.outputs import OUTPUT_FORMATS, OutputMeta, RawDetections, check_shapes
from inferq.models.pixels import Placement
from models.outputs.definitions import DEFINITIONS, SIZE, defined, differences, random_tensors

WHOLE_INPUT = Placement(0, 0, *SIZE, *SIZE)


def read(name: str, tensors: dict[str, np.ndarray], index: int = 0) -> RawDetections:
    format_name, options, *_ = DEFINITIONS[name]
    return OUTPUT_FORMATS[format_name].read(tensors, index, OutputMeta(*SIZE, **options))


def everything(raw: RawDetections) -> Kept:
    """All candidates of at least no score, none suppressed: no overlap is more than 1."""
    return suppress(raw, score_threshold=0, iou_threshold=1, max_detections=4000)


def test_every_format_has_a_definition_here():
    assert {definition[0] for definition in DEFINITIONS.values()} == set(OUTPUT_FORMATS)


@pytest.mark.parametrize("name", DEFINITIONS)
# The same tensors in every run: of scores that float32 makes equal, another class may be the best.
@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    pictures=st.integers(1, 3),
    rows=st.integers(1, 20),
    classes=st.integers(1, 6),
)
def test_a_format_reads_what_its_definition_says(name, seed, pictures, rows, classes):
    tensors = random_tensors(name, seed, pictures, rows, classes)
    for index in range(pictures):
        raw = read(name, tensors, index)
        kept = everything(raw)
        to_input = np.array([SIZE[0] / raw.extent[0], SIZE[1] / raw.extent[1]] * 2)
        boxes = (kept.boxes * to_input).tolist()
        found = list(zip(kept.class_ids.tolist(), kept.scores.tolist(), boxes, strict=True))

        box_error, score_error = differences(found, defined(name, tensors, index))
        assert box_error < 2e-3
        assert score_error < 1e-6
        assert [score for _, score, _ in found] == sorted(kept.scores.tolist(), reverse=True)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_reader_gives_float32_and_leaves_the_tensors_as_they_are(name):
    tensors = random_tensors(name, 1, 2, 9, 4)
    before = {key: array.copy() for key, array in tensors.items()}

    raw = read(name, tensors, 1)

    assert (raw.boxes.dtype, raw.scores.dtype) == (np.float32, np.float32)
    assert np.issubdtype(raw.class_ids.dtype, np.integer)
    assert raw.boxes.shape == (len(raw.scores), 4)
    assert raw.class_ids.shape in ((raw.scores.shape[1],), (len(raw.scores), 1))
    assert all(np.array_equal(tensors[key], before[key]) for key in before)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_tensors_without_sense_give_no_detection_that_is_no_number(name):
    tensors = random_tensors(name, 1, 1, 9, 4)
    for junk in (np.nan, np.inf, -np.inf, 3e38):
        filled = {key: np.full_like(array, junk) for key, array in tensors.items()}
        if name == "tf-od":
            filled["num_detections"] = tensors["num_detections"]
        with np.errstate(all="ignore"):
            kept = everything(read(name, filled))
            boxes = to_pixels(kept.boxes, WHOLE_INPUT, SIZE, extent=(1, 1))
        assert np.isfinite(boxes).all()


@pytest.mark.parametrize("junk", [np.nan, -np.inf, np.inf, -7, 3e38])
@pytest.mark.parametrize(
    ("name", "key"), [("tf-od", "detection_classes"), ("end2end", "detections")]
)
def test_a_class_id_without_sense_is_no_class(name, key, junk):
    tensors = random_tensors(name, 1, 1, 9, 4)
    tensors |= {"num_detections": np.array([9])} if name == "tf-od" else {}
    ids = tensors[key] if name == "tf-od" else tensors[key][..., 5]
    ids[...] = junk

    raw = read(name, tensors)
    kept = suppress(
        raw, score_threshold=0, iou_threshold=1, max_detections=99, classes=class_mask(range(90))
    )

    assert len(raw.scores)
    assert not len(kept.scores)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_shapes_of_a_format_fit_its_own_tensors_and_no_others(name):
    known = OUTPUT_FORMATS[DEFINITIONS[name][0]]
    tensors = random_tensors(name, 1, 2, 9, 4)

    check_shapes(known, tensors, pictures=2)
    with pytest.raises(SetupError, match=r"must be \[N"):
        check_shapes(known, tensors, pictures=3)
    for key in tensors:
        with pytest.raises(SetupError, match=key):
            check_shapes(known, tensors | {key: tensors[key][..., None]}, pictures=2)


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("ssd", "boxes", (1, 9, 5)),
        ("ssd", "scores", (1, 8, 4)),
        ("tf-od", "detection_scores", (1, 8)),
        ("yolox, raw", "predictions", (1, 42, 5)),
        ("yolov8", "predictions", (1, 4, 42)),
        ("end2end", "detections", (1, 9, 7)),
        ("detr, sigmoid", "boxes", (1, 8, 4)),
    ],
)
def test_a_shape_of_another_format_is_refused(name, key, shape):
    tensors = random_tensors(name, 1, 1, 9, 4)
    tensors[key] = np.zeros(shape, np.float32)

    with pytest.raises(SetupError) as caught:
        check_shapes(OUTPUT_FORMATS[DEFINITIONS[name][0]], tensors, pictures=1)
    assert str(list(shape)) in str(caught.value)


def test_yolox_rows_that_are_not_the_cells_of_its_grids_are_refused():
    tensors = random_tensors("yolox, raw", 1, 1, 9, 4)
    shorter = {"predictions": tensors["predictions"][:, 1:]}

    with pytest.raises(SetupError, match="41 rows, but an input of 64 x 32"):
        read("yolox, raw", shorter)
