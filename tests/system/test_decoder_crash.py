"""One picture whose native decoder crashes: its prediction fails, and nothing else does."""

from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from PIL import Image

from photos import encoded
from system.served import Served

MARKED = (123, 45)
ATTEMPTS = 2
# Runs at the start of every process of `inferq up`. No file is known that crashes a decoder, so that of this one
# size reads the address 0 as soon as its pixels are decoded: the real signal, in the real place.
SITECUSTOMIZE = f"""
import ctypes
from PIL import ImageFile

load = ImageFile.ImageFile.load

def crashing(self):
    if self.size == {MARKED}:
        ctypes.string_at(0)
    return load(self)

ImageFile.ImageFile.load = crashing
"""


@pytest.fixture
def crashing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("INFERQ_MAX_ATTEMPTS", str(ATTEMPTS))
    server = Served(tmp_path / "data")
    try:
        yield server.ready()
    finally:
        server.stop()


def test_a_picture_that_crashes_its_decoder_fails_alone(crashing: Served, photo: dict[str, bytes]):
    poison = encoded(Image.new("RGB", MARKED, "red"), "PNG")
    worker, api = crashing.child("inferq worker"), crashing.child("inferq api")
    with crashing.client() as client:
        before = [client.submit(photo["chelsea"]) for _ in range(8)]
        culprit = client.submit(poison)
        after = [client.submit(photo["coffee"]) for _ in range(8)]
        ended = culprit.wait(60)
        assert (ended.state, ended.attempts) == ("failed", ATTEMPTS)
        assert ended.error.code == "attempts_exhausted"
        neighbours = [handle.wait(60) for handle in (*before, *after)]
        assert {neighbour.state for neighbour in neighbours} == {"succeeded"}
        assert max(neighbour.attempts for neighbour in neighbours) <= ATTEMPTS
        assert client.predict(photo["chelsea"]).state == "succeeded"
    preview = f"{crashing.url}/api/v1/predictions/{{}}/preview"
    drawn = httpx.get(preview.format(culprit.task_id), headers=crashing.headers)
    assert (drawn.status_code, drawn.json()["code"]) == (422, "image_damaged")
    assert "ended the process" in drawn.json()["detail"]
    assert httpx.get(preview.format(before[0].task_id), headers=crashing.headers).is_success
    assert crashing.child("inferq api") == api, "a preview took the API along"
    assert crashing.child("inferq worker") != worker, "nothing crashed"
    assert "status=-11" in crashing.output.replace('"status":-11', "status=-11")
