"""`inferq predict` as a person runs it, against a real server."""

import csv
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inferq.cli.journal import Journal
from inferq.predictions.record import Prediction, State
from photos import PHOTOS
from system.served import Served, eventually


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("predict") / "data")
    try:
        yield server.ready()
    finally:
        server.stop()


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """As a terminal starts commands; whoever runs these tests in the background has them ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def folder(tmp_path: Path, photo_files: dict[str, Path]) -> Path:
    """Photographs, one of them in a folder of its own under a name that is there twice."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    shutil.copy(photo_files["chelsea"], folder / "a.jpg")
    shutil.copy(photo_files["coffee"], folder / "b.JPG")
    shutil.copy(photo_files["astronaut"], folder / "more" / "a.jpg")
    (folder / "notes.txt").write_text("no picture")
    return folder


def command(served: Served, *arguments: object) -> list[str]:
    start = [sys.executable, "-m", "inferq", "predict", "--url", served.url]
    return [*start, *map(str, arguments)]


@pytest.fixture(autouse=True)
def _key(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERQ_API_KEY", served.key)


def predict(served: Served, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(served, *arguments), capture_output=True, text=True, timeout=60, check=False
    )


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_is_predicted_on_with_the_folders_in_it_if_asked(served: Served, folder: Path):
    shallow = predict(served, folder, "--format", "jsonl", "--batch", "folder")
    assert [line["input"]["filename"] for line in lines(shallow.stdout)] == [
        f"{folder}/a.jpg",
        f"{folder}/b.JPG",
    ]
    deep = predict(
        served, folder, "-r", "--format", "jsonl", "--batch", "folder", "--save-annotated", "out"
    )
    assert deep.returncode == 0, deep.stderr
    found = [line["result"]["detections"][0]["label"] for line in lines(deep.stdout)]
    assert found == [PHOTOS[name][0] for name in ("chelsea", "coffee", "astronaut")]
    assert {line["batch"] for line in lines(deep.stdout)} == {"folder"}
    drawn = [path for path in sorted(Path("out").rglob("*")) if path.is_file()]
    assert [str(path) for path in drawn] == [
        "out/a-annotated.jpg",
        "out/b-annotated.jpg",
        "out/more/a-annotated.jpg",
    ]
    assert all(path.read_bytes().startswith(b"\xff\xd8") for path in drawn)


@pytest.mark.parametrize("output_format", ["table", "jsonl", "csv", "coco", "yolo", "voc"])
def test_every_format_can_be_written_to_a_file(
    served: Served, folder: Path, tmp_path: Path, output_format: str
):
    output = tmp_path / "results"
    done = predict(served, folder, "--format", output_format, "--output", output)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    data = output.read_bytes()
    if output_format == "table":
        assert "cat" in data.decode()
        assert "cup" in data.decode()
    elif output_format == "csv":
        rows = list(csv.DictReader(data.decode().splitlines()))
        assert {"cat", "cup"} <= {row["label"] for row in rows}
    elif output_format == "coco":
        assert len(json.loads(data)["images"]) == 2
    elif output_format != "jsonl":
        assert data.startswith(b"PK")
    assert [path.name for path in tmp_path.iterdir() if "results" in path.name] == ["results"]


@pytest.mark.usefixtures("_interruptible")
def test_after_an_interruption_the_same_command_goes_on_where_it_was(
    served: Served, tmp_path: Path, photo_files: dict[str, Path]
):
    folder, output = tmp_path / "many", tmp_path / "many.jsonl"
    folder.mkdir()
    for number in range(60):
        shutil.copy(photo_files["chelsea"], folder / f"{number:02}.jpg")
    unfinished = output.with_name("many.jsonl.unfinished")
    arguments = (folder, "--format", "jsonl", "--output", output, "--at-once", "4")
    first = subprocess.Popen(command(served, *arguments), stderr=subprocess.PIPE, text=True)
    eventually(lambda: unfinished.exists() and len(unfinished.read_text().splitlines()) > 10)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=20)
    assert first.returncode == 130
    assert said == "inferq: interrupted. The same command goes on from here.\n"
    assert not output.exists()
    done = {line["prediction"]["task_id"] for line in lines(unfinished.read_text())[1:]}
    assert 10 <= len(done) < 60

    assert predict(served, *arguments).returncode == 0
    results = lines(output.read_text())
    assert [Path(line["input"]["filename"]).name for line in results] == [
        f"{number:02}.jpg" for number in range(60)
    ]
    assert done <= {line["task_id"] for line in results}
    assert not unfinished.exists()


def test_what_failed_is_said_and_tried_again_by_the_same_command(
    served: Served, folder: Path, tmp_path: Path, photo_files: dict[str, Path]
):
    (folder / "b.JPG").write_bytes(b"no picture at all")
    output = tmp_path / "results.jsonl"
    arguments = (folder, "-r", "--format", "jsonl", "--output", output)
    first = predict(served, *arguments)
    assert first.returncode == 1
    assert first.stderr.startswith(f"{folder}/b.JPG: These bytes are no picture.")
    before = {line["task_id"] for line in lines(output.read_text())}
    assert len(before) == 2
    shutil.copy(photo_files["coffee"], folder / "b.JPG")
    assert predict(served, *arguments).returncode == 0
    after = {line["task_id"] for line in lines(output.read_text())}
    assert len(after) == 3
    assert before < after
    assert predict(served, *arguments).returncode == 0
    assert not after & {line["task_id"] for line in lines(output.read_text())}


def test_a_terminal_sees_progress_with_rate_and_the_table_after_it(served: Served, folder: Path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(served, folder), stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    table, _ = process.communicate(timeout=60)
    os.close(theirs)
    shown = os.read(ours, 1_000_000).decode()
    os.close(ours)
    assert "cat" in table
    assert "Predicting" in shown
    assert "/2" in shown


def test_what_cannot_work_is_said_before_anything_is_sent(served: Served, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(b"")
    for arguments, reason in (
        ((tmp_path / "empty",), "holds no pictures; --recursive"),
        ((picture, "--output", tmp_path), "is a folder"),
        ((picture, "--output", tmp_path / "nowhere" / "file"), "cannot be written"),
    ):
        done = predict(served, *arguments)
        assert done.returncode == 2
        assert reason in done.stderr


def test_a_journal_outlives_a_torn_line_forgets_failures_and_begins_anew_with_other_options(
    served: Served, tmp_path: Path, photo: dict[str, bytes]
):
    with served.client() as client:
        prediction: Prediction = client.predict(photo["chelsea"])
    path = tmp_path / "journal"
    with Journal(path, {"model": None}) as journal:
        journal.add("one", prediction)
        journal.add("failed", prediction.model_copy(update={"state": State.FAILED}))
        journal.add("two", prediction)
    path.write_bytes(path.read_bytes()[:-20])
    with Journal(path, {"model": None}) as journal:
        assert "one" in journal
        assert "failed" not in journal
        assert "two" not in journal
        journal.add("three", prediction)
    with Journal(path, {"model": None}) as journal:
        assert journal.read("one") == journal.read("three") == prediction
    with Journal(path, {"model": "other"}) as journal:
        assert "one" not in journal
