"""Code of one's own behind a real `inferq up`: the lines of docs/own-code.md, and saving while it serves."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from photos import encoded
from system.served import Served, eventually

pytestmark = pytest.mark.timeout(400)  # scikit-learn alone may take a while to import

PAGE = Path(__file__).parents[2] / "docs/own-code.md"
COLOURS = {"daisy": (240, 240, 220), "poppy": (220, 30, 20), "violet": (90, 30, 160)}
SLOW = """
import time
from inferq import Model


class Slow(Model):
    def infer(self, seconds: list[float]) -> list[str]:
        time.sleep(max(seconds))
        return ["ANSWER" for _ in seconds]

    def sample(self):
        return 0.0
"""


def code_blocks() -> list[str]:
    """The Python of the page."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def flowers(folder: Path) -> Path:
    """The folder that the page tells of, with a network that has seen flowers' colours."""
    folder.mkdir()
    (folder / "model.py").write_text("\n".join(code_blocks()[:2]))
    rng = np.random.default_rng(0)
    seen = [np.array(each) + rng.normal(0, 15, (40, 3)) for each in COLOURS.values()]
    net = LogisticRegression(max_iter=1000).fit(np.concatenate(seen), np.repeat([0, 1, 2], 40))
    joblib.dump(net, folder / "net.joblib")
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("own")
    flowers(place / "flowers")
    with _up(place, "./flowers") as server:
        yield server


@pytest.fixture
def reloading(tmp_path: Path) -> Iterator[Served]:
    """A server that takes up what is saved in a folder whose model does little."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "model.py").write_text(SLOW)
    with _up(tmp_path, "./slow", "--reload") as server:
        yield server


@contextmanager
def _up(place: Path, *arguments: str) -> Iterator[Served]:
    server = Served(place / "data", *arguments)
    try:
        yield server.ready()
    finally:
        server.stop()


@pytest.mark.parametrize(("label", "colour"), COLOURS.items())
def test_the_fifteen_lines_are_served(served: Served, label: str, colour: tuple[int, int, int]):
    picture = encoded(Image.new("RGB", (64, 48), colour), "PNG")
    with served.client() as client:
        prediction = client.predict(picture, model="flowers", top_k=2)
        (card,) = (each for each in client.models() if each["name"] == "flowers")
    assert prediction.result.kind == "classification"
    assert [each.label for each in prediction.result.classes][:1] == [label]
    assert len(prediction.result.classes) == 2
    assert prediction.model.version == "1"
    assert card["parameters"]["properties"]["top_k"]["maximum"] == 20


def test_saving_serves_the_new_code_and_loses_nothing_that_runs(reloading: Served):
    code = reloading.data_dir.parent / "slow" / "model.py"
    worker = reloading.child("inferq worker")
    with reloading.client() as client:
        running = client.submit(1.5, model="slow")
        eventually(lambda: client.get(running.task_id).state == "running")
        code.write_text(SLOW.replace("ANSWER", "new answer"))
        waiting = [client.submit(0.0, model="slow") for _ in range(3)]
        assert running.result(20).result.data == "ANSWER"
        eventually(
            lambda: client.predict(0.0, model="slow").result.data == "new answer", seconds=60
        )
        assert {handle.result(20).attempts for handle in waiting} == {1}
        code.write_text("def broken(:\n")
        eventually(lambda: "reload_refused" in reloading.output)
        assert client.predict(0.0, model="slow").result.data == "new answer"
        code.write_text("import nonesuch\n")
        eventually(seconds=60, check=lambda: "No module named 'nonesuch'" in reloading.output)
        late = client.submit(0.0, model="slow")
        code.write_text(SLOW.replace("ANSWER", "mended"))
        assert late.result(90).result.data == "mended"
    assert worker != reloading.child("inferq worker"), "it died of what could not be imported"
