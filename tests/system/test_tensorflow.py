"""A SavedModel served by `inferq up`, beside the same network in ONNX."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inferq.client import Client
from inferq.models import BUNDLED
from models.saved_models import model_folder
from system.served import Served

pytestmark = pytest.mark.timeout(
    400
)  # TensorFlow alone takes half a minute to import on a busy machine
START_SECONDS = 300
BOX_TOLERANCE = 0.5
"""Pixels of the picture, of at most 600."""
SCORE_TOLERANCE = 0.002


@pytest.fixture
def client(data_dir: Path, saved_model: Path, tmp_path: Path) -> Iterator[Client]:
    """A client of a server that serves both."""
    folder = model_folder(tmp_path / "net", saved_model, name="net")
    server = Served(data_dir, BUNDLED, str(folder))
    try:
        server.ready(START_SECONDS)
        with server.client() as client:
            yield client
    finally:
        server.stop()


def test_a_saved_model_answers_over_http_as_its_network_in_onnx_does(
    client: Client, photo: dict[str, bytes]
):
    for picture in photo.values():
        ours, theirs = (
            client.predict(picture, model=model, score_threshold=0.1).result.detections
            for model in ("net", BUNDLED)
        )
        assert ours
        assert [each.label for each in ours] == [each.label for each in theirs]
        for one, other in zip(ours, theirs, strict=True):
            assert one.score == pytest.approx(other.score, abs=SCORE_TOLERANCE)
            assert one.box.model_dump() == pytest.approx(other.box.model_dump(), abs=BOX_TOLERANCE)
