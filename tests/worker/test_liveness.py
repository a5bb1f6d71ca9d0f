"""What a probe says of the workers on this machine."""

import json
import os
import subprocess
import sys
import time

import pytest

from inferq.worker import liveness
from inferq.worker.liveness import BeatFile, check_workers


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setattr(liveness, "beat_folder", lambda: tmp_path / "beats")
    return tmp_path / "beats"


def test_a_worker_that_beats_and_consumes_is_well():
    BeatFile().write(consuming=True)
    assert check_workers() is None


def test_without_a_worker_the_probe_fails():
    assert "no worker" in check_workers()


def test_a_worker_that_takes_no_messages_is_told():
    BeatFile().write(consuming=False)
    assert "do not reach it" in check_workers()


def test_a_worker_that_stopped_beating_is_told(folder):
    BeatFile().write(consuming=True)
    (path,) = folder.iterdir()
    path.write_text(json.dumps({"beat": time.time() - 60, "consuming": True}))
    assert "no sign of life for 60 s" in BeatFile().trouble()


def test_the_file_of_a_dead_worker_counts_for_nothing_and_goes(folder):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    BeatFile(dead.pid).write(consuming=True)
    assert "no worker" in check_workers()
    assert list(folder.iterdir()) == []


def test_one_sick_worker_among_healthy_ones_is_enough():
    BeatFile().write(consuming=True)
    BeatFile(os.getppid()).write(consuming=False)
    assert str(os.getppid()) in check_workers()


def test_what_an_earlier_process_of_this_number_left_is_not_held_against_it(folder):
    BeatFile().write(consuming=False)
    assert BeatFile().trouble(since=time.time() + 1) is None
    assert BeatFile().trouble(since=time.time() - 5) is not None
