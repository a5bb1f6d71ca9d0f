"""Fetching models of a catalogue from a real server that fails in every way a server does."""

import hashlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inferq.errors import SetupError, WrongWeights
from inferq.models.adding import Added
from inferq.models.card import read_card
from inferq.models.card_file import card_text
from inferq.models.catalogue import bundled_folder, own_folders
from inferq.models.downloading import PAUSES_SECONDS
from inferq.models.fetch_catalogue import Entry, read_catalogue
from inferq.models.fetching import fetch_model
from models.file_server import FileServer

WEIGHTS = (bundled_folder() / "model.onnx").read_bytes()
HALF = len(WEIGHTS) // 2
PATH = "/files/net.onnx"
CARD = {
    "kind": "object-detection",
    "description": "The bundled network under another name.",
    "output_format": "ssd",
    "input": {"name": "image", "width": 300, "height": 300},
    "outputs": {"boxes": "boxes", "scores": "scores"},
    "labels": {str(key): label for key, label in read_card(bundled_folder()).labels.items()},
}


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer()
    server.files[PATH] = WEIGHTS
    yield server
    server.close()


@pytest.fixture
def entry(server: FileServer) -> Entry:
    return Entry(
        name="net",
        version="1",
        url=server.url + PATH,
        sha256=hashlib.sha256(WEIGHTS).hexdigest(),
        bytes=len(WEIGHTS),
        license="Apache-2.0",
        card=CARD,
    )


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def fetch(models_dir: Path, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Added]:
    """Fetches the entry without pauses between tries."""
    monkeypatch.setattr("inferq.models.downloading.time.sleep", lambda seconds: None)

    def go(mirror: str | None = None, told: Callable[[int], None] = lambda there: None) -> Added:
        return fetch_model(entry, models_dir, mirror=mirror, told=told)

    return go


def ranges(server: FileServer) -> list[str | None]:
    return [asked for _, asked, _ in server.requests]


def test_a_model_is_fetched_whole_and_can_be_served(fetch, models_dir: Path):
    seen: list[int] = []
    added = fetch(told=seen.append)
    assert seen[0] == 0
    assert seen[-1] == len(WEIGHTS)
    assert seen == sorted(seen)
    assert own_folders(models_dir) == [added.folder] == list(models_dir.iterdir())
    assert sorted(file.name for file in added.folder.iterdir()) == ["model.onnx", "model.toml"]
    assert added.card.license == "Apache-2.0"
    assert added.card.source["url"].endswith(PATH)
    with pytest.raises(SetupError, match="net@1 is there already"):
        fetch()


def test_a_cut_connection_is_taken_up_where_it_broke_off(server: FileServer, fetch):
    server.cuts.extend([1000, HALF])
    fetch()
    first, second, third = server.requests
    assert first == (PATH, None, None)
    assert second == (PATH, "bytes=1000-", '"first"')
    assert third == (PATH, f"bytes={1000 + HALF}-", '"first"')


def test_a_download_that_was_given_up_goes_on_with_the_next_command(
    server: FileServer, fetch, models_dir: Path
):
    server.cuts.append(HALF)
    server.statuses.append(200)
    server.statuses.extend([503] * (len(PAUSES_SECONDS) + 1))
    with pytest.raises(SetupError, match=r"it answered 503 .*same command goes on"):
        fetch()
    assert own_folders(models_dir) == []
    fetch()
    assert server.requests[-1] == (PATH, f"bytes={HALF}-", '"first"')


def test_a_file_that_has_changed_meanwhile_is_begun_anew(
    server: FileServer, entry: Entry, fetch, models_dir: Path
):
    server.files[PATH] = bytes(len(WEIGHTS))
    server.cuts.append(HALF)
    server.statuses.extend([200, 404])
    with pytest.raises(SetupError, match="404"):
        fetch()
    server.files[PATH], server.tags[PATH] = WEIGHTS, '"second"'
    fetch()
    assert server.requests[-1] == (PATH, f"bytes={HALF}-", '"first"')


def test_a_server_without_ranges_sends_all_again(server: FileServer, fetch):
    server.ranges = False
    server.cuts.append(HALF)
    fetch()
    assert ranges(server) == [None, f"bytes={HALF}-"]


def test_a_weak_tag_does_not_vouch_for_a_part(server: FileServer, fetch):
    server.tags[PATH] = 'W/"first"'
    server.cuts.append(HALF)
    fetch()
    assert server.requests[-1] == (PATH, f"bytes={HALF}-", None)


def test_a_server_that_has_no_such_range_is_asked_for_all(server: FileServer, fetch):
    server.cuts.append(HALF)
    server.statuses.extend([200, 416])
    fetch()
    assert ranges(server) == [None, f"bytes={HALF}-", None]


@pytest.mark.parametrize(
    ("data", "tells_length", "message"),
    [
        (bytes(len(WEIGHTS)), True, "its SHA-256 is"),
        (WEIGHTS + b"more", True, f"has {len(WEIGHTS) + 4} bytes"),
        (WEIGHTS + b"more", False, "has more than"),
        (WEIGHTS[:-1], True, f"has {len(WEIGHTS) - 1} bytes"),
    ],
)
def test_another_file_is_deleted(
    server: FileServer, fetch, models_dir: Path, data: bytes, tells_length: bool, message: str
):
    server.files[PATH], server.tells_length = data, tells_length
    with pytest.raises(WrongWeights, match=f"{message}.*deleted"):
        fetch()
    assert list(models_dir.iterdir()) == []
    server.files[PATH], server.tells_length = WEIGHTS, True
    fetch()
    assert ranges(server)[-1] is None


def test_a_part_that_fits_nothing_is_found_out_and_deleted(
    server: FileServer, fetch, models_dir: Path
):
    draft = models_dir / ".fetching-net-1"
    draft.mkdir(parents=True)
    (draft / "model.onnx").write_bytes(b"x" * HALF)
    with pytest.raises(WrongWeights, match="deleted"):
        fetch()
    fetch()
    assert ranges(server) == [f"bytes={HALF}-", None]


def test_what_is_refused_for_good_is_not_tried_again(server: FileServer, fetch):
    server.files.clear()
    with pytest.raises(SetupError, match=f"{PATH} cannot be fetched: it answered 404"):
        fetch()
    assert len(server.requests) == 1


def test_a_mirror_is_asked_instead(server: FileServer, fetch):
    del server.files[PATH]
    server.files["/mirror/net-1/model.onnx"] = WEIGHTS
    fetch(mirror=f"{server.url}/mirror/")
    assert [path for path, *_ in server.requests] == ["/mirror/net-1/model.onnx"]


def test_a_server_that_is_away_is_said(server: FileServer, fetch):
    with pytest.raises(SetupError, match=r"cannot be fetched: .*INFERQ_MODELS_MIRROR"):
        fetch(mirror="http://127.0.0.1:1")


def test_a_full_disk_is_said_before_or_when_it_happens(
    entry: Entry, fetch, models_dir: Path, server: FileServer
):
    large = entry.model_copy(update={"bytes": 10**18})
    with pytest.raises(
        SetupError, match="has no room: 1,000,000,000,000,000,000 bytes are to come"
    ):
        fetch_model(large, models_dir, mirror=None, told=lambda there: None)
    assert server.requests == []
    (models_dir / ".fetching-net-1" / "model.onnx").symlink_to("/dev/full")
    with pytest.raises(SetupError, match="No room is left"):
        fetch()


def test_two_processes_do_not_write_one_file(fetch, models_dir: Path, server: FileServer):
    draft = models_dir / ".fetching-net-1"
    draft.mkdir(parents=True)
    script = (
        "import fcntl, os, sys; lock = os.open(sys.argv[1], os.O_RDONLY);"
        "fcntl.flock(lock, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(draft)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        with pytest.raises(SetupError, match="Another process is writing"):
            fetch()
        other.communicate()
    fetch()


def test_a_card_that_does_not_fit_the_network_keeps_the_model_from_its_place(
    entry: Entry, fetch, models_dir: Path
):
    wrong = entry.model_copy(update={"card": CARD | {"labels": {"1": "person"}}})
    with pytest.raises(SetupError, match="its labels have the class ids"):
        fetch_model(wrong, models_dir, mirror=None, told=lambda there: None)
    assert own_folders(models_dir) == []


def test_the_catalogue_of_the_package_is_sound():
    read_catalogue(None)


def test_the_catalogue_that_the_documentation_prints_is_read(tmp_path: Path):
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    printed = page.split("```toml\n")[-1].split("```")[0]
    assert "[[models]]" in printed
    (tmp_path / "catalogue.toml").write_text(printed)
    read_catalogue(tmp_path / "catalogue.toml")
    assert set(tomllib.loads(printed)["models"][0]) == set(Entry.model_fields)


def catalogue(path: Path, *entries: Entry) -> Path:
    """A catalogue of entries as a file."""
    text = "schema = 1\n"
    for entry in entries:
        fields = entry.model_dump(exclude={"card"})
        text += f"[[models]]\n{card_text(fields)}\n[models.card]\n"
        tables = card_text(entry.card).replace("\n[", "\n[models.card.")
        text += tables
    path.write_text(text)
    return path


def test_a_name_is_its_newest_version_and_an_unknown_one_is_told_what_there_is(
    entry: Entry, tmp_path: Path
):
    entries = [entry.model_copy(update={"version": version}) for version in ("9", "10", "next")]
    found = read_catalogue(catalogue(tmp_path / "catalogue.toml", *entries))
    assert found.find("net").reference == "net@10"
    assert found.find("net@9").reference == "net@9"
    with pytest.raises(SetupError, match="no model 'nut'; it has net@9, net@10, net@next"):
        found.find("nut")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema = 1", "schema =", "is not valid TOML"),
        ('url = "http', 'url = "ftp', "models.0.url: String should match"),
        ('output_format = "ssd"', "", "its card is not valid: output_format: Field required"),
        ('kind = "object', 'license = "MIT"\nkind = "object', "leave license out of its card"),
    ],
)
def test_a_wrong_catalogue_says_where(
    entry: Entry, tmp_path: Path, old: str, new: str, message: str
):
    path = catalogue(tmp_path / "catalogue.toml", entry)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SetupError) as caught:
        read_catalogue(path)
    assert message in str(caught.value)


def test_the_command_fetches_what_then_predicts(
    entry: Entry, tmp_path: Path, models_dir: Path, photo_files, monkeypatch: pytest.MonkeyPatch
):
    def inferq(*words: object) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "inferq", "models", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    monkeypatch.setenv("TMPDIR", str(tmp_path))  # nobody's workers are found
    assert "it is empty. INFERQ_MODELS_CATALOGUE" in inferq("fetch", "net").stderr
    monkeypatch.setenv(
        "INFERQ_MODELS_CATALOGUE", str(catalogue(tmp_path / "catalogue.toml", entry))
    )
    monkeypatch.setenv("INFERQ_MODELS_DIR", str(models_dir))
    done = inferq("fetch", "net")
    assert done.returncode == 0, done.stderr
    assert f"INFERQ_MODELS_DIR={models_dir} inferq up" in done.stdout
    ran = inferq("run", models_dir / "net-1", photo_files["chelsea"], "--format", "jsonl")
    assert json.loads(ran.stdout)["result"]["detections"][0]["label"] == "cat"
    again = inferq("fetch", "net")
    assert again.returncode == 2
    assert "is there already" in again.stderr
