"""What the model has to do."""

import subprocess
import sys
from pathlib import Path

from inferq import Context
from model import Params, Template
from PIL import Image

FOLDER = Path(__file__).parent


def test_a_light_picture_is_told_from_a_dark_one() -> None:
    model = Template()
    model.load(Context(folder=FOLDER))
    images = [Image.new("RGB", (8, 8), "white"), Image.new("RGB", (8, 8), "black")]
    light, dark = model.infer(images, [Params(), Params(top_k=1)])
    assert light[0].label == "light"
    assert [guess.label for guess in dark] == ["dark"]


def test_inferq_can_serve_it() -> None:
    command = [sys.executable, "-m", "inferq", "models", "check", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
