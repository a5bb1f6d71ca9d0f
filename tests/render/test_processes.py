"""Drawing in processes of their own: the same pictures, and what ends a process ends one picture."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from conftest import require
from inferq.errors import ImageDamaged, OutOfMemory
from inferq.predictions.record import Box, Detection
from inferq.render import annotate, preview, processes, upright
from inferq.render.processes import RenderProcesses
from photos import TURNED_HEIC, encoded
from system.served import eventually

CAT = Detection(
    label="m\u00e8o", class_id=17, score=0.9, box=Box(x_min=9, y_min=9, x_max=300, y_max=200)
)


@pytest.fixture
def drawing() -> Iterator[RenderProcesses]:
    drawing = RenderProcesses(count=1)
    yield drawing
    drawing.close()


def test_pictures_are_the_same_as_without_processes(drawing: RenderProcesses, photo):
    cat = photo["chelsea"]
    assert drawing.preview(cat, 320) == preview(cat, 320)
    assert drawing.upright(TURNED_HEIC) == upright(TURNED_HEIC)
    wanted = {"score_threshold": 0.5, "classes": ["m\u00e8o"], "labels": {17: "cat"}}
    assert drawing.annotate(cat, (CAT,), **wanted) == annotate(cat, (CAT,), **wanted)
    with pytest.raises(ImageDamaged, match="Export it again"):
        drawing.preview(cat[:5000], 320)


def test_what_ends_the_process_is_told_and_the_next_picture_is_drawn(
    drawing: RenderProcesses, photo, monkeypatch
):
    drawing.preview(photo["chelsea"], 320)
    drawing._all[0]._popen.kill()
    with pytest.raises(ImageDamaged, match="ended the process"):
        drawing.preview(photo["chelsea"], 320)
    monkeypatch.setattr(processes, "LONGEST_SECONDS", 0.0)
    with pytest.raises(ImageDamaged, match="ended the process"):
        drawing.preview(photo["chelsea"], 320)
    monkeypatch.undo()
    assert drawing.preview(photo["chelsea"], 320)


def test_a_picture_that_takes_too_much_memory_is_refused():
    require(sys.platform == "linux", "Linux")
    greedy = RenderProcesses(count=1, memory_bytes=400 * 2**20)
    try:
        with pytest.raises(OutOfMemory):
            greedy.preview(encoded(Image.new("RGB", (10_000, 10_000)), "PNG"), 320)
        assert greedy.preview(encoded(Image.new("RGB", (100, 100)), "PNG"), 320)
    finally:
        greedy.close()


def test_callers_wait_for_a_free_process(drawing: RenderProcesses, photo):
    with ThreadPoolExecutor(4) as callers:
        drawn = list(callers.map(lambda _: drawing.preview(photo["coffee"], 320), range(8)))
    assert len(set(drawn)) == 1


def test_a_process_knows_none_of_our_secrets(drawing: RenderProcesses, photo, monkeypatch):
    require(sys.platform == "linux", "Linux")
    monkeypatch.setenv("INFERQ_REDIS_URL", "redis://:hunter2@nowhere")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    drawing.preview(photo["chelsea"], 320)
    environment = Path(f"/proc/{drawing._all[0]._popen.pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"hunter2" not in environment


def test_closed_it_leaves_nothing_behind(drawing: RenderProcesses, photo):
    drawing.preview(photo["chelsea"], 320)
    popen = drawing._all[0]._popen
    drawing.close()
    eventually(lambda: popen.poll() is not None)
