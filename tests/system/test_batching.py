"""A thousand predictions through a server that runs them in batches: each gets what is its own."""

import random
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inferq.cli import app
from inferq.client import Client
from inferq.errors import AlreadyFinished
from inferq.predictions.record import State
from models.echo import echo_picture, read_echo, write_echo_model
from system.served import Served, eventually

COUNT = 1000
SENDERS = 8


def test_every_result_is_its_own_callers_and_every_error_its_own(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = write_echo_model(tmp_path / "echo", features=3000, max_wait_ms=3.0)
    monkeypatch.setenv("INFERQ_BATCHING", "always")
    monkeypatch.setenv("INFERQ_PARALLEL_RUNS", "1")
    chance = random.Random(7)  # noqa: S311 - the same each time
    # A batch with a bad one is run again, one by one: the first quarter has none, so that whole batches succeed.
    bad = {number for number in range(COUNT // 4, COUNT) if chance.random() < 0.12}
    cancel = {number for number in range(COUNT) if chance.random() < 0.1}
    served = Served(data_dir, str(folder))
    try:
        served.ready()
        with served.client() as client:
            operate("drain", data_dir)  # what waits meanwhile is then run together
            ids = submit_all(client, range(COUNT // 2), bad=bad, cancel=cancel)
            operate("resume", data_dir)
            ids |= submit_all(client, range(COUNT // 2, COUNT), bad=bad, cancel=cancel)
            eventually(lambda: is_done(client), seconds=50)
            found = {each.metadata["number"]: each for each in client.list(batch="all")}
    finally:
        served.stop()

    assert {number: each.task_id for number, each in found.items()} == ids
    sizes = Counter[int]()
    for number, prediction in found.items():
        if prediction.state is State.CANCELED:
            assert number in cancel
        elif number in bad:
            assert (prediction.state, prediction.error.code) == (State.FAILED, "model_failed")
        else:
            assert prediction.state is State.SUCCEEDED, prediction.error
            (detection,) = prediction.result.detections
            assert read_echo(detection.box.model_dump()) == number
            sizes[int(re.fullmatch(r"batch of (\d+)", detection.label)[1])] += 1
    states = Counter(each.state for each in found.values())
    assert states[State.FAILED] > COUNT / 20
    assert states[State.CANCELED] > 0
    # Else all of this would be true of a server that makes no batches.
    assert sum(count for size, count in sizes.items() if size > 1) > COUNT / 10, sizes


def operate(word: str, data_dir: Path) -> None:
    """Has all workers take nothing new, or go on."""
    told = CliRunner().invoke(app, [word, "--all", "--data-dir", str(data_dir)])
    assert told.exit_code == 0, told.output


def submit_all(
    client: Client, numbers: range, *, bad: set[int], cancel: set[int]
) -> dict[int, str]:
    """Submits pictures of numbers from several threads, and cancels some right away; their task ids."""

    def submit(number: int) -> str:
        picture = echo_picture(number, bad=number in bad)
        handle = client.submit(picture, batch="all", metadata={"number": number})
        if number in cancel:
            with suppress(AlreadyFinished):
                handle.cancel()
        return handle.task_id

    with ThreadPoolExecutor(SENDERS) as pool:
        return dict(zip(numbers, pool.map(submit, numbers), strict=True))


def is_done(client: Client) -> bool:
    counts = client.batch("all").counts
    return sum(count for state, count in counts.items() if state.is_terminal) == COUNT
