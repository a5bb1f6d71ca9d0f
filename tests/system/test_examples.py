"""The examples, all behind one server: each predicted by curl, by the client, on the command line and in the page."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel
from skimage import data

from conftest import require
from e2e.browser import run_in_browser
from inferq import File
from pages.reader import follow
from photos import encoded
from system.served import Served

pytestmark = pytest.mark.timeout(400)  # scikit-learn alone may take a while to import

EXAMPLES = Path(__file__).parents[2] / "examples"
DETECTOR = "ssdlite-mobilenet-v2-coco"
OWN = ("textures", "likeness", "iris", "languages")
SETOSA = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
GREETING = "Xin chào, rất vui được gặp bạn"


class Embedding(BaseModel):
    vector: list[float]


class Flower(BaseModel):
    sepal_length: float = 6.3
    sepal_width: float = 3.3
    petal_length: float = 6.0
    petal_width: float = 2.5


def unseen(texture: str) -> Image.Image:
    """The part of a photograph that the example has not learnt from."""
    return Image.fromarray(getattr(data, texture)()[:, 364:])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    names = [*(str(EXAMPLES / name) for name in OWN), DETECTOR]
    server = Served(tmp_path_factory.mktemp("examples") / "data", *names)
    try:
        yield server.ready()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def inputs(
    tmp_path_factory: pytest.TempPathFactory, photo_files: dict[str, Path]
) -> dict[str, Path]:
    """An input file for each model."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "grass.png").write_bytes(encoded(unseen("grass"), "PNG"))
    (folder / "flower.json").write_text(json.dumps(SETOSA))
    (folder / "letter.txt").write_text(GREETING)
    return {
        "textures": folder / "grass.png",
        "likeness": photo_files["chelsea"],
        "iris": folder / "flower.json",
        "languages": folder / "letter.txt",
        DETECTOR: photo_files["chelsea"],
    }


@pytest.mark.parametrize("model", [*OWN, DETECTOR])
def test_curl_predicts_with_each(served: Served, inputs: dict[str, Path], model: str):
    require(shutil.which("curl"), "curl")
    done = subprocess.run(
        ["curl", "-sS", "-H", f"Authorization: Bearer {served.key}", "-H", "Prefer: wait=20",
         "-F", f"file=@{inputs[model]}", "-F", f"model={model}",
         f"{served.url}/api/v1/predictions"],
        capture_output=True, check=True,
    )  # fmt: skip
    prediction = json.loads(done.stdout)
    assert prediction["state"] == "succeeded", prediction
    found = {
        "classification": lambda result: result["classes"][0]["label"],
        "detections": lambda result: result["detections"][0]["label"],
        "json": lambda result: len(result["data"]["vector"]),
    }[prediction["result"]["kind"]](prediction["result"])
    expected = {
        "textures": "grass",
        "likeness": 48,
        "iris": "setosa",
        "languages": "vi",
        DETECTOR: "cat",
    }
    assert found == expected[model]


def test_the_lines_of_the_readme_predict(served: Served, tmp_path: Path):
    run, left = follow(EXAMPLES / "README.md", tmp_path, lambda: served)
    assert run == 1
    assert all("run by tests/system/test_examples.py" in reason for reason in left)


@pytest.mark.parametrize("texture", ["brick", "grass", "gravel"])
def test_textures_are_told_apart_where_they_were_not_learnt(served: Served, texture: str):
    with served.client() as client:
        best, *_ = client.predict(unseen(texture), model="textures").classes
    assert (best.label, best.score > 0.8) == (texture, True)


def test_what_looks_alike_is_near(served: Served, photo: dict[str, bytes]):
    with served.client() as client:
        brighter = (
            Image.fromarray(data.chelsea()).resize((200, 140)).point(lambda level: level * 0.8)
        )
        sources = [photo["chelsea"], brighter, photo["coffee"], photo["astronaut"]]
        cat, again, *others = (
            np.array(each.parse(Embedding).vector) for each in client.map(sources, model="likeness")
        )
    assert cat @ again > 0.9
    assert all(cat @ other < 0.9 for other in others)


def test_json_goes_out_as_a_dictionary_a_model_or_a_file(served: Served, inputs: dict[str, Path]):
    with served.client() as client:
        sources: list[Any] = [SETOSA, Flower(), inputs["iris"]]
        labels = [each.classes[0].label for each in client.map(sources, model="iris")]
        assert labels == ["setosa", "virginica", "setosa"]
        with pytest.raises(TypeError, match="kind classification"):
            _ = client.predict(SETOSA, model="iris").detections


def test_a_text_goes_out_as_bytes_that_know_their_type(served: Served):
    with served.client() as client:
        letter = File(GREETING.encode(), media_type="text/plain")
        classes = client.predict(letter, model="languages", top_k=3).classes
    assert classes[0].label == "vi"
    assert len(classes) == 3


def inferq_predict(served: Served, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "inferq", "predict", *arguments],
        capture_output=True, text=True, check=False,
        env=os.environ | served.environment | {"COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_shows_each_kind(served: Served, inputs: dict[str, Path]):
    table = inferq_predict(served, "-m", "languages", "-p", "top_k=2", str(inputs["languages"]))
    assert re.search(r"letter\.txt.*vi .* 1\.00", table)
    assert "box" not in table
    assert "setosa" in inferq_predict(served, "-m", "iris", str(inputs["iris"]))
    assert "grass" in inferq_predict(served, "-m", "textures", str(inputs["textures"]))
    told = inferq_predict(served, "-m", "likeness", str(inputs["likeness"]))
    assert len(json.loads(told[told.index("{") :])["vector"]) == 48
    assert "cat" in inferq_predict(served, "-m", DETECTOR, str(inputs[DETECTOR]))


def test_the_page_shows_each_kind(served: Served, photo_files: dict[str, Path], tmp_path: Path):
    run_in_browser(["kinds.spec.ts"], served, photos=photo_files, results=tmp_path)


def test_the_readme_names_every_example():
    named = set(re.findall(r"^\| \[`(\w+)`\]", (EXAMPLES / "README.md").read_text(), re.MULTILINE))
    assert named == set(OWN) == {path.parent.name for path in EXAMPLES.glob("*/model.py")}
