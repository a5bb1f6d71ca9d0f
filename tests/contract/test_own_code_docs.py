"""From `inferq models new` to a prediction over HTTP by the lines of docs/own-code.md alone; and its other code runs."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from typer.main import get_group

from inferq.cli import app
from inferq.models.base import Context, Model
from inferq.models.catalogue import load_models
from inferq.models.trial import try_model
from photos import encoded
from system.served import Served

PAGE = Path(__file__).parents[2] / "docs/own-code.md"


def blocks(language: str) -> list[str]:
    """The code of the page."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [str(each) for each in found]


def lines(block: str) -> list[str]:
    """The commands of a block, without what is said of them."""
    return [line.partition("  #")[0].strip() for line in block.strip().splitlines()]


@pytest.mark.timeout(400)
def test_the_first_lines_lead_to_a_prediction_of_ones_own_code(
    tmp_path_factory: pytest.TempPathFactory, photo: dict[str, bytes], record_property
):
    place = tmp_path_factory.mktemp("own")
    (place / "photo.jpg").write_bytes(photo["chelsea"])
    (place / "bin").mkdir()
    (place / "bin" / "inferq").symlink_to(Path(sys.executable).with_name("inferq"))
    environment = os.environ | {"PATH": f"{place / 'bin'}:{os.environ['PATH']}"}

    def shell(line: str) -> str:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    new, run, up, curl = lines(blocks("sh")[0])
    assert up.startswith("inferq up ")
    assert up.endswith(" --data-dir data")
    started = time.monotonic()
    assert "shades/model.py" in shell(new)
    assert "dark" in shell(run)
    write_letters(place / "letters")
    arguments = [*up.removesuffix(" --data-dir data").split()[2:], "./letters"]
    server = Served(place / "data", *arguments)
    environment["XDG_CONFIG_HOME"] = str(place / "config")
    (client,) = (block for block in blocks("python") if "Client()" in block)
    (place / "client.py").write_text(client)

    def asked(line: str) -> str:
        return shell(line.replace("http://127.0.0.1:8000", server.url).replace("curl", "curl -sS"))

    try:
        server.ready()
        answer = asked(curl)
        told = shell(f"{sys.executable} client.py")
        letters = asked(blocks("sh")[-1])
    finally:
        server.stop()
    record_property("seconds_to_a_prediction", round(time.monotonic() - started, 1))
    prediction = json.loads(answer)
    assert prediction["model"]["name"] == "shades"
    assert [each["label"] for each in prediction["result"]["classes"]] == ["dark", "light"]
    assert told.splitlines() == ["dark", "{'letters': 10}"]
    assert json.loads(letters)["result"]["data"] == {"letters": 10}


def write_letters(folder: Path) -> Path:
    """The page's class with all hooks, as a model folder."""
    (letters,) = (each for each in blocks("python") if "class Letters" in each)
    folder.mkdir()
    (folder / "model.py").write_text("from inferq import File, Model\n\n" + letters)
    return folder


def test_the_class_with_all_hooks_does_what_the_page_says(tmp_path: Path):
    (model,) = load_models([write_letters(tmp_path / "letters")], Context())
    assert try_model(model, b"Dear reader!", {}).result["data"] == {"letters": 10}
    assert model.about.description == "Counts the letters of a text."


def test_every_attribute_and_hook_is_told_of():
    text = PAGE.read_text()
    for name in vars(Model):
        if not name.startswith("_"):
            assert re.search(rf"`{name}[`(]", text), name


def test_every_command_that_the_page_names_exists():
    known = set(get_group(app).commands["models"].commands)
    assert set(re.findall(r"inferq models (\w+)", PAGE.read_text())) <= known


def test_the_class_of_the_readme_can_be_served(tmp_path: Path):
    readme = (PAGE.parents[1] / "README.md").read_text()
    (code,) = re.findall(
        r"^```python\n([^`]*class Brightness.*?)^```$", readme, re.MULTILINE | re.DOTALL
    )
    folder = tmp_path / "brightness"
    folder.mkdir()
    (folder / "model.py").write_text(code)
    (model,) = load_models([folder], Context())
    white = encoded(Image.new("RGB", (8, 8), "white"), "PNG")
    assert try_model(model, white, {}).result == {"kind": "json", "data": 1.0}
