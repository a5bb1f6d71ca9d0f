"""The zip: names that are safe everywhere, pictures that are gone, and bytes that come before the end is known."""

import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.made import exported, found, prediction, predictions
from inferq.errors import InvalidParameter, StorageUnavailable
from inferq.exports import EXPORT_FORMATS, export
from inferq.exports.archive import Archive
from inferq.exports.base import safe_name
from inferq.predictions.record import Prediction

JPEG, PNG = b"\xff\xd8\xff\xe0 a picture", b"\x89PNG\r\n\x1a\n a picture"
MEBIBYTE = 2**20


def opened(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_a_file_of_any_name_gets_one_that_every_system_takes(filename: str):
    made = prediction(filename=filename)
    name = safe_name(made)
    stem, _, task_id = name.rpartition("-")
    assert task_id == made.task_id
    assert stem
    assert not set(stem) & set("/\\.:*?\"<>|%$~'`;&\0\n\r\t ")
    assert stem.isprintable()
    assert not stem.startswith("-")
    assert len(name.encode()) <= 133


@pytest.mark.parametrize(
    ("filename", "stem"),
    [
        ("dog.jpg", "dog"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\my cat.tar.gz", "my_cat_tar"),
        ("CON.jpg", "CON"),
        ("ảnh chó.jpg", "ảnh_chó"),
        ("हिन्दी.png", "हिन्दी"),
        ("..", "image"),
        (".jpg", "jpg"),
        ("-rf", "rf"),
        (None, "image"),
    ],
)
def test_names_stay_readable(filename: str | None, stem: str):
    made = prediction(filename=filename)
    assert safe_name(made) == f"{stem}-{made.task_id}"


@pytest.mark.parametrize("format_name", EXPORT_FORMATS)
def test_pictures_of_one_name_lie_side_by_side(format_name: str):
    made = [prediction(), prediction(), prediction(kind="json", media_type="application/json")]
    archive = opened(exported(made, format_name, read_image=lambda _: JPEG))
    folder = EXPORT_FORMATS[format_name].pictures
    names = [name for name in archive.namelist() if name.startswith(f"{folder}/")]
    assert names == [f"{folder}/street-{each.task_id}.jpg" for each in made[:2]]
    assert {archive.read(name) for name in names} == {JPEG}


@pytest.mark.parametrize("format_name", EXPORT_FORMATS)
def test_a_picture_that_is_gone_does_not_stop_the_export(format_name: str):
    gone, kept = prediction(found("cat", 1, 1, 9, 9)), prediction(found("cat", 1, 1, 9, 9))
    pictures = {gone.task_id: None, kept.task_id: JPEG}
    archive = opened(
        exported([gone, kept], format_name, read_image=lambda each: pictures[each.task_id])
    )
    readme = archive.read("README.txt").decode()
    assert "Predictions: 2\n" in readme
    assert f"no longer stored: 1\n  street-{gone.task_id}.jpg\n" in readme
    assert sum(name.endswith(".jpg") for name in archive.namelist()) == 1


def test_the_extension_is_that_of_the_bytes_and_the_labels_know_it():
    made = prediction(filename="photo.heic", media_type="image/heic")
    archive = opened(exported([made], "coco", read_image=lambda _: PNG))
    [image] = json.loads(archive.read("annotations/instances.json"))["images"]
    assert image["file_name"] == f"photo-{made.task_id}.png"
    assert f"images/{image['file_name']}" in archive.namelist()


@pytest.mark.parametrize(
    ("format_name", "document"),
    [
        ("jsonl", "predictions.jsonl"),
        ("csv", "predictions.csv"),
        ("coco", "annotations/instances.json"),
    ],
)
def test_with_pictures_the_one_file_is_the_same(format_name: str, document: str):
    made = [prediction(found("cat", 1, 2, 3, 4), filename="a.jpg") for _ in range(3)]
    archive = opened(exported(made, format_name, read_image=lambda _: JPEG))
    inside, alone = archive.read(document).decode(), exported(made, format_name).decode()
    for each in made:  # but for the column that tells where the picture lies
        inside = inside.replace(f"images/a-{each.task_id}.jpg", "")
    assert inside == alone


@pytest.mark.parametrize("with_pictures", [False, True])
@pytest.mark.parametrize("format_name", EXPORT_FORMATS)
def test_it_says_what_it_is_and_is_always_the_same(format_name: str, with_pictures: bool):
    read_image = (lambda _: JPEG) if with_pictures else None
    made = [prediction(found("cat", 1, 2, 3, 4))]
    answer = export(made, format_name=format_name, read_image=read_image)
    data = b"".join(answer.chunks)
    assert data == exported(made, format_name, read_image=read_image)
    is_zip = data.startswith(b"PK")
    assert is_zip == (answer.media_type == "application/zip")
    assert is_zip == answer.filename_suffix.endswith(".zip")
    assert is_zip == (with_pictures or format_name in {"yolo", "voc"})


def test_an_unknown_format_is_refused_at_once():
    with pytest.raises(InvalidParameter, match=r"'tfrecord'.*jsonl, csv, coco, yolo, voc"):
        export([], format_name="tfrecord")


def test_a_storage_that_is_away_breaks_the_export_off():
    def read_image(_: Prediction) -> bytes:
        raise StorageUnavailable("The storage does not answer.")

    with pytest.raises(StorageUnavailable):
        exported([prediction()], "yolo", read_image=read_image)


@given(st.lists(predictions(), max_size=3))
def test_a_program_that_cannot_seek_can_unpack_it(made: list[Prediction]):
    # Such a program finds the end of an entry of unknown size only if it is deflated.
    archive = opened(exported(made, "yolo", read_image=lambda _: JPEG))
    assert archive.testzip() is None
    assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_DEFLATED}


def test_more_files_than_a_plain_zip_can_count():
    archive, data, count = Archive(), bytearray(), 0x10000 + 1
    for number in range(count):
        archive.add(str(number), b"")
        data += b"".join(archive.drain())
    archive.close()
    data += b"".join(archive.drain(least=1))
    assert len(opened(bytes(data)).namelist()) == count


@pytest.mark.parametrize("with_pictures", [False, True])
@pytest.mark.parametrize("format_name", EXPORT_FORMATS)
def test_memory_is_bounded_and_the_first_bytes_come_early(
    monkeypatch, format_name: str, with_pictures: bool
):
    for module in ("bundle", "coco"):
        monkeypatch.setattr(f"inferq.exports.{module}.SPOOL_BYTES", 64 * 1024)
    taken, most = 0, 1500
    detections = [found("cat", 1.5, 2.5, 30.5, 40.5)] * 10

    def source() -> Iterator[Prediction]:
        nonlocal taken
        for taken in range(1, most + 1):  # noqa: B007 - counted for the outside
            yield prediction(*detections)

    read_image = (lambda _: JPEG + bytes(20_000)) if with_pictures else None
    tracemalloc.start()
    chunks = export(source(), format_name=format_name, read_image=read_image).chunks
    next(chunks)
    assert taken < most / 2
    for _ in chunks:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken == most
    # The zip's directory takes its kibibyte a file; what is exported, none.
    files = most * (with_pictures + (format_name in {"yolo", "voc"}))
    assert peak < MEBIBYTE + files * 1024, f"{peak / MEBIBYTE:.2f} MiB"
