"""Model folders: cards and weights, and what is said when they are wrong."""

import shutil
import unicodedata
from pathlib import Path

import pytest

from inferq.errors import SetupError, WrongWeights
from inferq.models.base import Context
from inferq.models.card import read_card
from inferq.models.catalogue import bundled_folder, find_models, load_models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundled model's folder."""
    return Path(shutil.copytree(bundled_folder(), tmp_path / "copy"))


def rewrite(folder: Path, old: str, new: str) -> None:
    text = (folder / "model.toml").read_text()
    assert old in text
    (folder / "model.toml").write_text(text.replace(old, new))


def test_the_bundled_card_has_the_eighty_coco_classes_on_their_ids():
    card = read_card(bundled_folder())
    assert len(card.labels) == 80
    assert (card.labels[1], card.labels[17], card.labels[18], card.labels[90]) == (
        "person",
        "cat",
        "dog",
        "toothbrush",
    )
    assert card.license == "Apache-2.0"


def test_the_bundled_card_has_every_class_in_vietnamese_too():
    card = read_card(bundled_folder())
    vietnamese = card.translated_labels["vi"]
    assert vietnamese.keys() == card.labels.keys()
    assert len(set(vietnamese.values())) == 80
    assert (vietnamese[1], vietnamese[10], vietnamese[17]) == ("người", "đèn giao thông", "mèo")
    assert all(unicodedata.is_normalized("NFC", label) for label in vietnamese.values())


def test_labels_are_kept_composed_however_they_are_written(folder: Path):
    apart = unicodedata.normalize("NFD", '"17" = "mèo"')
    rewrite(folder, '"17" = "mèo"', apart)
    rewrite(folder, '"17" = "cat"', unicodedata.normalize("NFD", '"17" = "Würfel"'))
    card = read_card(folder)
    assert (card.labels[17], card.translated_labels["vi"][17]) == ("Würfel", "mèo")


def test_weights_that_are_not_those_of_the_card_are_refused(folder: Path):
    weights = folder / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(WrongWeights, match="SHA-256"):
        load_models([folder], Context())


def test_missing_weights_are_named(folder: Path):
    (folder / "model.onnx").unlink()
    with pytest.raises(WrongWeights, match=r"model\.onnx is missing"):
        load_models([folder], Context())


def test_weights_that_are_no_graph_are_refused(folder: Path):
    import hashlib

    (folder / "model.onnx").write_bytes(b"no graph")
    rewrite(folder, read_card(folder).sha256, hashlib.sha256(b"no graph").hexdigest())
    with pytest.raises(SetupError, match="ONNX Runtime cannot load"):
        load_models([folder], Context())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'output_format = "ssd"',
            'output_format = "sdd"',
            "output format 'sdd' is unknown; known are ssd",
        ),
        ('runtime = "onnx"', 'runtime = "caffe"', "runtime: Input should be 'onnx'"),
        ("width = 300", "widht = 300", "input.widht: Extra inputs are not permitted"),
        ('name = "ssdlite', 'name = "../ssdlite', "name: String should match"),
        ("schema = 1", "schema = ", "is not valid TOML"),
        (
            '"1" = "người"',
            '"12" = "người"',
            "[labels.vi] has the class ids 12, which [labels] has not",
        ),
        ('"1" = "người"', '"1" = " "', "labels.<language>.vi.1: String should have at least 1"),
        ("[labels.vi]", "[labels.VI]", "'VI' is no language, such as vi"),
        ("[labels.vi]", "[labels_vi]", "labels_vi: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_card_says_where(folder: Path, old: str, new: str, message: str):
    rewrite(folder, old, new)
    with pytest.raises(SetupError) as caught:
        load_models([folder], Context())
    assert message in str(caught.value)


def test_models_are_found_by_name_by_folder_and_in_the_models_dir(folder: Path, tmp_path: Path):
    assert find_models([], None) == [bundled_folder()]
    assert find_models([], tmp_path) == [bundled_folder(), folder]
    assert find_models(["copy"], tmp_path) == [folder]
    assert find_models([str(folder)], None) == [folder]
    assert find_models(["ssdlite-mobilenet-v2-coco"], None) == [bundled_folder()]
    rewrite(folder, 'name = "ssdlite-mobilenet-v2-coco"', 'name = "net"')
    assert find_models(["net@1", "ssdlite-mobilenet-v2-coco"], tmp_path) == [
        folder,
        bundled_folder(),
    ]
    with pytest.raises(SetupError, match="'nonesuch' is no model"):
        find_models(["nonesuch"], tmp_path)


def test_one_model_in_two_folders_is_refused(folder: Path):
    with pytest.raises(SetupError, match="two folders"):
        load_models([bundled_folder(), folder], Context())


@pytest.mark.parametrize(
    ("provider", "message"), [("abacus", "known are cpu"), ("cuda", r"pip install 'inferq\[gpu\]'")]
)
def test_a_provider_that_is_not_there_says_what_to_install(provider: str, message: str):
    with pytest.raises(SetupError, match=message):
        load_models([bundled_folder()], Context(providers=[provider]))
