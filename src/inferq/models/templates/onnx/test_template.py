"""What the model has to do."""

import subprocess
import sys
from pathlib import Path

from inferq import Context
from model import Params, Template
from PIL import Image

FOLDER = Path(__file__).parent


def test_the_colour_of_a_picture_is_told() -> None:
    model = Template()
    model.load(Context(folder=FOLDER))
    params = Params(top_k=1)
    item = model.preprocess(Image.new("RGB", (64, 48), "green"), params)
    (scores,) = model.infer([item])
    assert [guess.label for guess in model.postprocess(scores, params)] == ["green"]


def test_inferq_can_serve_it() -> None:
    command = [sys.executable, "-m", "inferq", "models", "check", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
