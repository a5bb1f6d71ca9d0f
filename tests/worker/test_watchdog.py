"""A worker whose attempt hangs: in a process of its own, because it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from inferq.predictions.record import Draft, Input, ModelReference, State, new_task_id
from inferq.predictions.store import PredictionStore
from inferq.worker.watchdog import HUNG_STATUS


@pytest.fixture
def two(store: PredictionStore) -> list[str]:
    """Two accepted predictions."""
    drafts = [
        Draft(
            task_id=new_task_id(),
            owner="ann",
            model=ModelReference(name="net", version="1"),
            input=Input(media_type="image/png", bytes=1, sha256="0"),
            input_key="k",
            parameters={},
            metadata={},
        )
        for _ in range(2)
    ]
    return [store.accept(draft).record.task_id for draft in drafts]


def worker(url: str, *arguments: str) -> int:
    """Runs a worker to its end; returns its exit status."""
    script = Path(__file__).with_name("hanging_worker.py")
    return subprocess.run(
        [sys.executable, script, url, *arguments], check=False, timeout=30
    ).returncode


def test_the_one_that_hangs_is_charged_and_its_neighbour_is_not(
    store: PredictionStore, valkey_url: str, two: list[str]
):
    hung, beside = two
    assert worker(valkey_url, hung, beside) == HUNG_STATUS
    assert [store.get(i).prediction.state for i in two] == [State.QUEUED, State.QUEUED]
    assert [store.get(i).prediction.attempts for i in two] == [1, 0]


def test_what_hangs_every_time_fails_and_names_the_limit(
    store: PredictionStore, valkey_url: str, two: list[str]
):
    for _ in range(3):
        assert worker(valkey_url, *two) == HUNG_STATUS
    error = store.get(two[0]).prediction.error
    assert error.code == "attempt_timeout"
    assert "started 3 times" in error.detail
    assert "0.2 s" in error.detail


def test_a_drain_that_takes_too_long_puts_everything_back(
    store: PredictionStore, valkey_url: str, two: list[str]
):
    assert worker(valkey_url, *two, "--drain") == 0
    assert [store.get(i).prediction.attempts for i in two] == [0, 0]
