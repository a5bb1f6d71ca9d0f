"""`inferq models tune` on networks of which it is known what is best."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from cli.test_models import models, refused
from models.echo import echo_picture, write_echo_graph, write_echo_model
from models.folders import copied_model


@pytest.fixture(autouse=True)
def _own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INFERQ_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A slow network with a variant that is quick and one that is quick and wrong."""
    folder = write_echo_model(tmp_path / "echo", features=2048, max_batch=1)
    lines = []
    for name, score in (("wrong", 0.8), ("small", 0.9)):
        weights = folder / f"{name}.onnx"
        write_echo_graph(weights, features=64, score=score)
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        lines += [f"[variants.{name}]", f'weights = "{weights.name}"', f'sha256 = "{digest}"']
    with (folder / "model.toml").open("a") as card:
        card.write("\n" + "\n".join(lines) + "\n")
    return folder


def test_the_quickest_weights_that_are_exact_are_chosen_and_used(folder: Path, tmp_path: Path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(echo_picture(77))
    done = models("tune", folder, picture)
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"1 of 1 kept, 1 in place, score ±0.1000.*wrong weights.*more than 0.05 on average",
        done.stdout,
    )
    assert re.search(r"^chosen   cpu, small weights", done.stdout, re.MULTILINE)
    (written,) = (tmp_path / "data" / "tuned").iterdir()
    assert str(written) in done.stdout
    assert tomllib.loads(written.read_text())["variant"] == "small"

    used = models("check", folder, picture)
    assert re.search(r"tuned.*variant.*small", used.stderr)


def test_without_photographs_nothing_tells_how_exact_other_weights_are(
    folder: Path, tmp_path: Path
):
    done = models("tune", folder)
    assert "nothing tells how exact it is" in done.stdout
    assert re.search(r"^chosen   cpu, the card's weights", done.stdout, re.MULTILINE)


def test_one_of_several_versions_has_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INFERQ_MODELS_DIR", str(tmp_path / "models"))
    for version in "12":
        copied_model(tmp_path / "models" / f"net-{version}", name="net", version=version)
    assert "has several versions" in refused("tune", "net")
    assert "is no model" in refused("tune", "nonesuch")
