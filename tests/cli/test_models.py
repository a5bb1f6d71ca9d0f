"""`inferq models …` on folders and files, without a server."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from api.test_other_inputs import SUMS
from inferq.models.card import read_card
from inferq.models.catalogue import bundled_folder
from models.code import code_folder
from models.folders import copied_model


def models(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "inferq", "models", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(*arguments: object) -> str:
    """What a command says that exits with 2, in one line."""
    done = models(*arguments)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's workers are found by commands that look for them."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound model folder."""
    return copied_model(tmp_path / "net", name="net")


def graph_with(path: Path, **metadata: str) -> Path:
    """The bundled network as a file that tells of itself."""
    model = onnx.load(bundled_folder() / "model.onnx")
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path


def test_check_tells_how_quick_a_model_is_and_what_it_finds(folder: Path, photo_files):
    done = models("check", folder, photo_files["chelsea"])
    assert done.returncode == 0, done.stderr
    assert "net@1: card, weights and network fit together" in done.stdout
    assert "inference" in done.stdout
    assert re.search(
        r"runs .* at once \(a prediction takes [\d.]+ ms in batches of 1,", done.stdout
    )
    assert "cat of net@1" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('output_format = "ssd"', 'output_format = "sdd"', "output format 'sdd' is unknown"),
        ("schema = 1", "schema = ", "is not valid TOML"),
        ('license = "Apache-2.0"\n', "", "license: Field required"),
        ('sha256 = "ac', 'sha256 = "bc', "is not the file that its card names"),
        ('weights = "model.onnx"', 'weights = "other.onnx"', "other.onnx is missing"),
        ('name = "image"', 'name = "picture"', "picture"),
        ("width = 300", "width = 200", "200"),
    ],
)
def test_check_says_what_is_wrong_with_a_card(folder: Path, old: str, new: str, message: str):
    card = folder / "model.toml"
    assert old in card.read_text()
    card.write_text(card.read_text().replace(old, new))
    assert message in refused("check", folder)


def test_check_tells_truncated_weights_and_what_is_no_folder(folder: Path, tmp_path: Path):
    weights = folder / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:100_000])
    assert "is not the file that its card names" in refused("check", folder)
    assert "`inferq models add` makes a model folder of it" in refused("check", weights)
    assert "it has no model.toml" in refused("check", tmp_path)


@pytest.mark.parametrize("options", [[], ["--onnx"]])
def test_a_new_folder_works_and_its_test_passes(tmp_path: Path, photo_files, options: list[str]):
    made = models("new", "my-shades", *options)
    assert made.returncode == 0, made.stderr
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "my-shades"],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "2 passed" in tested.stdout, tested.stdout
    ran = models("run", "my-shades", photo_files["chelsea"], "-p", "top_k=1", "--format", "jsonl")
    assert ran.returncode == 0, ran.stderr
    prediction = json.loads(ran.stdout)
    assert prediction["model"] == {"name": "my-shades", "version": "1"}
    assert len(prediction["result"]["classes"]) == 1
    assert "is there already" in refused("new", "my-shades")
    assert "such as my-shades" in refused("new", "My Shades")


def test_run_takes_json_written_on_the_line_or_in_a_file(tmp_path: Path):
    folder = code_folder(tmp_path / "sums", SUMS)
    (tmp_path / "three.json").write_text('{"terms": [1, 2]}')
    for given in ('{"terms": [1, 2]}', str(tmp_path / "three.json")):
        done = models("run", folder, given, "-p", "factor=2")
        assert '"m": 6.0' in done.stdout, done.stderr
    assert "'two' is not of type" in models("run", folder, '{"terms": ["two"]}').stderr
    assert "factor" in models("run", folder, '{"terms": [1]}', "-p", "factor=0").stderr
    assert "it has no sample" in models("check", folder).stdout


def test_run_predicts_without_a_server(folder: Path, photo_files):
    done = models("run", folder, *photo_files.values(), "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = {Path(each["input"]["filename"]).stem: each["result"]["detections"] for each in lines}
    assert {name: each[0]["label"] for name, each in found.items()} == {
        "chelsea": "cat of net@1",
        "coffee": "cup of net@1",
        "astronaut": "person of net@1",
    }
    assert lines[0]["timings_ms"]["inference"] > 0
    table = models("run", folder, photo_files["chelsea"], "--score-threshold", "0.99")
    assert "nothing found" in table.stdout


def test_a_file_that_tells_its_classes_becomes_a_model_that_works(tmp_path: Path, photo_files):
    names = str({index: f"thing {index + 1}" for index in range(90)})
    file = graph_with(tmp_path / "My Net.onnx", names=names, license="MIT")
    vietnamese = tmp_path / "LABELS.vi.txt"
    vietnamese.write_text("".join(f"thứ {index + 1}\n" for index in range(90)), encoding="utf-8")
    done = models(
        "add", file, "--output-format", "ssd", "--to", tmp_path / "models", "--labels",
        f"vi={vietnamese}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"INFERQ_MODELS_DIR={tmp_path / 'models'} inferq up" in done.stdout
    made = tmp_path / "models" / "my-net-1"
    card = read_card(made)
    assert (card.reference, card.license, card.labels[17]) == ("my-net@1", "MIT", "thing 17")
    assert card.translated_labels["vi"][17] == "thứ 17"
    ran = models("run", made, photo_files["chelsea"], "--format", "jsonl")
    assert json.loads(ran.stdout)["result"]["detections"][0]["label"] == "thing 17"


def test_a_name_that_is_taken_gets_its_next_version_and_the_same_file_is_refused(tmp_path: Path):
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"thing {index}\n" for index in range(90)))
    options = ["--name", "net", "--output-format", "ssd", "--labels", labels]
    options += ["--to", tmp_path / "models"]
    first, second = (graph_with(tmp_path / f"{name}.onnx", trained=name) for name in "ab")
    assert models("add", first, *options).returncode == 0
    assert models("add", second, *options).returncode == 0
    assert "is there already: net@2" in refused("add", second, *options)
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["net-1", "net-2"]


def test_what_cannot_be_added_leaves_nothing_behind(tmp_path: Path):
    file = graph_with(tmp_path / "net.onnx", names="['a', 'b']")
    options = ["--output-format", "ssd", "--to", tmp_path / "models"]
    assert "90 classes apart, but there are 2 names" in refused("add", file, *options)
    assert "nonesuch.txt cannot be read" in refused(
        "add", file, *options, "--labels", "nonesuch.txt"
    )
    labels = tmp_path / "labels.txt"
    labels.write_text("một\n")
    twice = [f"--labels=vi={labels}"] * 2
    assert "given already" in refused("add", file, *options, *twice)
    labels.write_bytes("Würfel\n".encode("utf-16"))
    assert "is no text in UTF-8" in refused("add", file, *options, "--labels", labels)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(file.read_bytes()[:1000])
    assert "cannot load" in refused("add", broken, *options)
    assert not list((tmp_path / "models").glob("*"))


def test_list_and_show_say_that_there_is_no_server():
    for command in (["list"], [], ["show", "net"]):
        done = models(*command, "--url", "http://127.0.0.1:1")
        assert done.returncode == 3
        assert "No inferq server answers" in done.stderr


def test_a_folder_copied_elsewhere_works_there(folder: Path, tmp_path: Path):
    shutil.move(folder, tmp_path / "elsewhere")
    assert models("check", tmp_path / "elsewhere").returncode == 0


def test_reload_says_that_no_worker_runs_here():
    assert "No worker of yours runs on this machine" in refused("reload")
