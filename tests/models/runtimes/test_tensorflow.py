"""SavedModels: the same detections as the same network in ONNX, and what is said when something is wrong with one.

TensorFlow is started once here, with one thread, as it is once in a worker.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from inferq.cli import app
from inferq.errors import SetupError, WrongWeights
from inferq.models.adding import add_network
from inferq.models.base import Context
from inferq.models.card import read_card, weights_digest
from inferq.models.catalogue import bundled_folder, load_models
from inferq.models.graph_card import Wishes
from inferq.models.runtimes import find_runtime
from inferq.models.served import ServedModel
from inferq.models.trial import try_model
from models.saved_models import SCORE_THRESHOLD

pytestmark = pytest.mark.timeout(
    400
)  # TensorFlow alone takes half a minute to import on a busy machine

BOX_TOLERANCE = 0.5
"""Pixels of the picture, of at most 600."""
SCORE_TOLERANCE = 0.002


@pytest.fixture(scope="session")
def labels() -> dict[int, str]:
    return read_card(bundled_folder()).labels


@pytest.fixture(scope="session")
def added(
    saved_model: Path, labels: dict[int, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model folder made of the SavedModel."""
    models_dir = tmp_path_factory.mktemp("models")
    return add_network(saved_model, models_dir, name="net", wishes=Wishes(labels=labels)).folder


@pytest.fixture(scope="session")
def tensorflow_model(added: Path) -> ServedModel:
    (loaded,) = load_models([added], Context())
    return loaded


@pytest.fixture
def folder(added: Path, tmp_path: Path) -> Path:
    """A copy of the model folder, to be spoiled."""
    return Path(shutil.copytree(added, tmp_path / "copy"))


def found(model: ServedModel, picture: bytes) -> list[dict]:
    return try_model(model, picture, {"score_threshold": 2 * SCORE_THRESHOLD}).result["detections"]


def rewrite(folder: Path, old: str, new: str) -> None:
    card = folder / "model.toml"
    text, count = re.subn(old, new, card.read_text(), flags=re.MULTILINE)
    assert count == 1
    card.write_text(text)


def sign(folder: Path) -> None:
    """Writes the digest of the weights as they are into the card."""
    rewrite(folder, '^sha256 = ".*"$', f'sha256 = "{weights_digest(folder / "saved_model")}"')


def test_the_detections_on_photographs_are_those_of_the_same_network_in_onnx(
    model: ServedModel, tensorflow_model: ServedModel, photo: dict[str, bytes]
):
    for picture in photo.values():
        ours, theirs = found(tensorflow_model, picture), found(model, picture)
        assert [each["label"] for each in ours] == [each["label"] for each in theirs]
        for one, other in zip(ours, theirs, strict=True):
            assert one["score"] == pytest.approx(other["score"], abs=SCORE_TOLERANCE)
            assert one["box"] == pytest.approx(other["box"], abs=BOX_TOLERANCE)


def test_several_threads_get_each_their_own_result(
    tensorflow_model: ServedModel, photo: dict[str, bytes]
):
    alone = {name: found(tensorflow_model, picture) for name, picture in photo.items()}
    names = list(photo) * 4
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda name: found(tensorflow_model, photo[name]), names)
        assert list(together) == [alone[name] for name in names]


def test_the_card_says_what_the_signature_tells(added: Path):
    card = read_card(added)
    assert (card.runtime, card.output_format, card.weights) == (
        "tensorflow",
        "tf-od",
        "saved_model",
    )
    assert (card.input.name, card.input.dtype, card.input.layout) == (
        "input_tensor",
        "uint8",
        "NHWC",
    )
    assert (card.input.width, card.input.height, card.input.batch) == (300, 300, "dynamic")


def test_the_digest_of_a_folder_is_what_the_documentation_s_command_prints(saved_model: Path):
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^cd saved_model && (.*)$", page, re.MULTILINE)
    printed = subprocess.run(
        ["bash", "-c", command], cwd=saved_model, capture_output=True, text=True, check=True
    )
    assert printed.stdout.split()[0] == weights_digest(saved_model)


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `inferq models …` in this process, which has TensorFlow already; finds nobody's workers."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return lambda *words: CliRunner().invoke(
        app, ["models", *map(str, words)], catch_exceptions=False
    )


def test_a_download_of_the_model_zoo_is_added_checked_and_run(
    saved_model: Path, labels: dict[int, str], tmp_path: Path, photo_files, invoke
):
    download = shutil.copytree(saved_model, tmp_path / "Some_Net_coco17" / "saved_model").parent
    label_map = tmp_path / "mscoco_label_map.pbtxt"
    label_map.write_text(
        "".join(
            f'item {{\n  name: "/m/{key}"\n  id: {key}\n  display_name: "{name}"\n}}\n'
            for key, name in labels.items()
        )
    )
    models_dir = tmp_path / "models"
    done = invoke("add", download / "saved_model", "--labels", label_map, "--to", models_dir)
    made = models_dir / "some-net-coco17-1"
    assert str(made) in done.output
    assert read_card(made).labels == labels
    assert "weights and network fit together" in invoke("check", made).output
    ran = invoke("run", made, photo_files["chelsea"], "--format", "jsonl").output
    assert json.loads(ran)["result"]["detections"][0]["label"] == "cat"
    with pytest.raises(SetupError, match=r"no saved_model\.pb\. Name the folder that holds it"):
        invoke("add", download, "--labels", label_map, "--to", models_dir)
    with pytest.raises(SetupError, match="is there already: some-net-coco17@1"):
        invoke("add", download / "saved_model", "--labels", label_map, "--to", models_dir)


def test_weights_that_were_changed_or_cut_are_refused(folder: Path):
    (variables,) = folder.glob("saved_model/variables/*.data-*")
    variables.write_bytes(variables.read_bytes()[:-1])
    with pytest.raises(WrongWeights, match="is not the folder that its card names"):
        load_models([folder], Context())
    variables.unlink()
    with pytest.raises(WrongWeights, match="is not the folder that its card names"):
        load_models([folder], Context())
    shutil.rmtree(folder / "saved_model")
    with pytest.raises(WrongWeights, match="saved_model is missing"):
        load_models([folder], Context())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda saved: shutil.rmtree(saved / "variables"),
            "TensorFlow cannot load",
        ),
        (
            lambda saved: (saved / "saved_model.pb").write_bytes(
                (saved / "saved_model.pb").read_bytes()[:100_000]
            ),
            "is not a whole SavedModel",
        ),
        (lambda saved: (saved / "saved_model.pb").unlink(), "is no SavedModel"),
    ],
)
def test_a_folder_that_never_was_whole_is_refused(
    folder: Path, spoil: Callable[[Path], None], message: str
):
    spoil(folder / "saved_model")
    sign(folder)
    with pytest.raises(SetupError, match=message):
        load_models([folder], Context())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "input_tensor"', 'name = "image"', r"as 'image': .* Correct \[input\]"),
        (
            'layout = "NHWC"',
            'dtype = "float32"',
            r"float32 .* as 'input_tensor': .* Correct \[input\]",
        ),
        ("width = 300", "width = 320", r"does not run on .* Correct \[input\]"),
        (
            'detection_boxes = "detection_boxes"',
            'detection_boxes = "boxes"',
            "has no output 'boxes'; it has .*detection_boxes",
        ),
        (
            'detection_boxes = "detection_boxes"',
            'detection_boxes = "detection_scores"',
            "its output 'detection_boxes' has the shape",
        ),
        ('runtime = "tensorflow"', 'runtime = "onnx"', "ONNX Runtime cannot load"),
    ],
)
def test_a_card_that_is_not_the_network_s_is_refused(
    folder: Path, old: str, new: str, message: str
):
    rewrite(folder, f"^{re.escape(old)}$", new)
    with pytest.raises(SetupError, match=f"(?s){message}"):
        load_models([folder], Context())


def test_a_saved_model_without_a_signature_is_refused(
    saved_model: Path, labels: dict[int, str], tmp_path: Path
):
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    network = Path(shutil.copytree(saved_model, tmp_path / "net"))
    graph = SavedModel.FromString((network / "saved_model.pb").read_bytes())
    del graph.meta_graphs[0].signature_def["serving_default"]
    (network / "saved_model.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(SetupError, match="has no signature 'serving_default'"):
        add_network(network, tmp_path / "models", name=None, wishes=Wishes(labels=labels))
    assert not list((tmp_path / "models").glob("*"))


def test_threads_and_devices_are_those_of_the_context(tensorflow_model: ServedModel, added: Path):
    import tensorflow as tf

    assert tf.config.threading.get_intra_op_parallelism_threads() == Context().threads
    with pytest.raises(SetupError, match="with other threads"):
        load_models([added], Context(threads=3))
    if not tf.config.list_physical_devices("GPU"):
        with pytest.raises(SetupError, match="TensorFlow finds no such GPU"):
            load_models([added], Context(providers=["cuda"]))


def test_a_runtime_that_is_not_there_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.delitem(sys.modules, "inferq.models.runtimes.tensorflow", raising=False)
    with pytest.raises(SetupError, match=r"pip install 'inferq\[tensorflow\]'"):
        find_runtime("tensorflow")
