"""The commands of the page on models, run as they are printed; and what they say when something is wrong."""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from models.exports import class_names, write_yolov8, write_yolox
from system.served import Served

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
BLOCKS = [
    [shlex.split(line, comments=True) for line in block.splitlines()]
    for block in re.findall(r"^```sh\n(inferq models add .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
]
SECONDS = 60


def inferq(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "inferq", *arguments],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, photo: dict[str, bytes]) -> Path:
    """A folder with the files that the page names."""
    folder = tmp_path_factory.mktemp("files")
    write_yolov8(folder / "best.onnx")
    write_yolox(folder / "yolox_s.onnx")
    (folder / "LABELS.txt").write_text("\n".join(class_names()))
    (folder / "photo.jpg").write_bytes(photo["chelsea"])
    (folder / "two.txt").write_text("cat\ndog\n")
    (folder / "half.onnx").write_bytes((folder / "best.onnx").read_bytes()[:1_000_000])
    return folder


@pytest.fixture
def data(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data directory of its own, for commands that run in the folder of `files`."""
    # pytest's own folders are too deep for a unix socket on some machines.
    folder = Path(tempfile.mkdtemp(prefix="inferq-test-"))
    monkeypatch.chdir(files)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("INFERQ_DATA_DIR", str(folder / "data"))
    monkeypatch.setenv(
        "XDG_CONFIG_HOME", str(folder / "config")
    )  # where `Served` leaves URL and key
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.mark.parametrize("block", BLOCKS, ids=["yolov8", "yolox"])
def test_a_file_is_served_in_two_commands(data: Path, block: list[list[str]]):
    add, up, predict = block
    added = inferq(*add[1:])
    assert added.returncode == 0, added.stderr
    assert up == ["inferq", "up"]
    server = Served(data).ready()
    try:
        told = inferq(*predict[1:])
        with server.client() as client:
            prediction = client.predict(Path("photo.jpg"), model=predict[3])
            (by_the_bundled,) = client.predict(Path("photo.jpg")).result.detections
    finally:
        server.stop()
    assert told.returncode == 0, told.stderr
    assert "cat" in told.stdout
    assert str(prediction.model) == f"{predict[3]}@1"
    (found,) = prediction.result.detections
    assert (found.label, by_the_bundled.label) == ("cat", "cat")
    for edge, where in found.box.model_dump().items():
        assert where == pytest.approx(getattr(by_the_bundled.box, edge), abs=10), edge


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["best.onnx", "--output-format", "yolox"], "tells 2095 classes apart, but there are 90"),
        (["yolox_s.onnx", "--labels", "two.txt"], "tells 90 classes apart, but there are 2 names"),
        (["half.onnx"], "cannot load half.onnx"),
        (["nonesuch.onnx"], "does not exist"),
    ],
)
def test_what_cannot_be_added_is_told(data: Path, arguments: list[str], message: str):
    done = inferq("models", "add", *arguments)
    assert done.returncode == 2, done.stdout
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not list(data.glob("models/*"))


def halved(folder: Path) -> bytes:
    """What is left of the weights."""
    weights = folder / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:1_000_000])
    return weights.read_bytes()


def written(folder: Path, pattern: str, new: str) -> None:
    """Writes something else into the card."""
    card = folder / "model.toml"
    text, times = re.subn(pattern, new, card.read_text(), flags=re.MULTILINE)
    assert times == 1
    card.write_text(text)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a format that is not the graph's": (
        lambda folder: written(folder, '"yolox"', '"yolov8"'),
        r"outputs have 2096 classes.* Correct \[labels\] of the card, or output_format",
    ),
    "a label too few": (
        lambda folder: written(folder, '^"89" = .*$', ""),
        r"class ids 0 to 88, but .* 90 classes .* Correct \[labels\]",
    ),
    "weights cut off": (halved, "model.onnx is not the file that its card names"),
    "weights cut off, and a card that says so": (
        lambda folder: written(
            folder, "^sha256 = .*$", f'sha256 = "{sha256(halved(folder)).hexdigest()}"'
        ),
        "cannot load .*model.onnx",
    ),
    "no weights": (lambda folder: (folder / "model.onnx").unlink(), "model.onnx is missing"),
    "a checksum of another file": (
        lambda folder: written(folder, '^sha256 = ".{64}', f'sha256 = "{"0" * 64}'), "the card says 000",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def sound(files: Path) -> Path:
    """A model folder that nothing is wrong with."""
    options = ["--name", "net", "--labels", f"{files}/LABELS.txt", "--to", str(files)]
    made = inferq("models", "add", f"{files}/yolox_s.onnx", *options)
    assert made.returncode == 0, made.stderr
    return files / "net-1"


@pytest.mark.parametrize(("spoil", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_ends_a_worker_with_the_reason_before_it_takes_any_task(
    sound: Path, data: Path, valkey_url: str, state, monkeypatch, spoil, message: str
):
    monkeypatch.setenv("INFERQ_REDIS_URL", valkey_url)
    folder = Path(shutil.copytree(sound, data / "net"))
    spoil(folder)
    done = inferq("worker", str(folder))
    assert done.returncode == 2, done.stderr
    assert re.search(message, " ".join(done.stderr.split())), done.stderr
    assert "Traceback" not in done.stderr
    assert state.keys() == [], "nothing was registered, nothing was asked of a queue"
