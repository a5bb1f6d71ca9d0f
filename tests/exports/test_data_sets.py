"""COCO, YOLO and Pascal VOC as an independent reader finds them: the API's boxes, on the pictures they belong to."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from exports.independent import boxes_by_picture, read
from exports.made import boxes, found, prediction, unpacked
from photos import PHOTOS, encoded, jpeg, pixels

FORMATS = ["coco", "yolo", "voc"]
WITHIN = 0.001  # pixels; the reader has 32-bit floats


def photo_prediction(name: str):
    label, box, _ = PHOTOS[name]
    height, width = pixels(name).shape[:2]
    edges = (box.x_min + 0.1, box.y_min, box.x_max, box.y_max - 0.3)
    whole = found("thing", 0, 0, width, height, score=0.1)
    return prediction(found(label, *edges), whole, filename=f"{name}.jpg", size=(width, height))


def assert_same(read_back: list[tuple], expected: list[tuple]) -> None:
    assert [row[0] for row in read_back] == [row[0] for row in expected]
    for theirs, ours in zip(read_back, expected, strict=True):
        assert theirs[1:] == pytest.approx(ours[1:], abs=WITHIN)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_trainer_reads_the_boxes_that_the_api_gave(tmp_path: Path, format_name: str):
    made = {name: photo_prediction(name) for name in PHOTOS}
    by_id = {each.task_id: jpeg(name) for name, each in made.items()}
    folder = unpacked(tmp_path, made.values(), format_name, lambda each: by_id[each.task_id])
    read_back = boxes_by_picture(folder, format_name)
    assert set(read_back) == {f"{name}-{each.task_id}.jpg" for name, each in made.items()}
    for name, each in made.items():
        assert_same(read_back[f"{name}-{each.task_id}.jpg"], boxes(each))


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_pixels_in_a_box_are_those_of_the_object(tmp_path: Path, format_name: str):
    # A turned photograph: red in the box and blue around it, as a person sees it.
    upright = Image.new("RGB", (90, 160), "blue")
    upright.paste("red", (20, 50, 41, 133))
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    uploaded = encoded(turned, "PNG", exif=exif)
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(uploaded)))
    assert shown.tobytes() == upright.tobytes()
    made = prediction(found("red", 20, 50, 41, 133), size=upright.size, media_type="image/png")
    folder = unpacked(tmp_path, [made], format_name, lambda _: encoded(shown, "PNG"))
    _, image, detections = read(folder, format_name)[0]
    left, top, right, bottom = detections.xyxy[0].round().astype(int)
    red = image[:, :, 2] > 128  # as OpenCV has them: blue, green, red
    assert red[top:bottom, left:right].all()
    assert red.sum() == (bottom - top) * (right - left) == 21 * 83


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_picture_without_objects_is_a_background_and_one_that_failed_is_left_out(
    tmp_path: Path, format_name: str
):
    empty = prediction(filename="empty.png", media_type="image/png", size=(64, 48))
    failed = prediction(state="failed", result=None)
    unknown_size = prediction(found("cat", 1, 1, 9, 9), size=(None, None))
    flat = encoded(Image.new("RGB", (64, 48)), "PNG")
    folder = unpacked(tmp_path, [failed, empty, unknown_size], format_name, lambda _: flat)
    assert boxes_by_picture(folder, format_name) == {f"empty-{empty.task_id}.png": []}
    assert "Left out, without a detections result: 2" in (folder / "README.txt").read_text()


@pytest.mark.parametrize("format_name", FORMATS)
def test_models_whose_class_ids_clash_do_not_mix_their_labels(tmp_path: Path, format_name: str):
    flat = encoded(Image.new("RGB", (640, 427)), "PNG")
    made = [
        prediction(found("cat", 1, 1, 9, 9, class_id=0), found("dog", 2, 2, 9, 9, class_id=1)),
        prediction(found("dog", 3, 3, 9, 9, class_id=0), found("bus", 4, 4, 9, 9, class_id=1)),
    ]
    folder = unpacked(tmp_path, made, format_name, lambda _: flat)
    read_back = boxes_by_picture(folder, format_name)
    for each in made:
        assert_same(read_back[f"street-{each.task_id}.png"], boxes(each))
