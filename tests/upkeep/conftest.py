"""Upkeep's parts on a real Valkey, which is broker, backend and state store, and a prediction in each state."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from inferq.predictions.record import Attempt, Draft, Input, ModelReference, new_task_id
from inferq.settings import Settings
from inferq.upkeep.loop import Upkeep
from inferq.upkeep.parts import Parts

MODEL = ModelReference(name="net", version="1")


@pytest.fixture
def parts(settings: Settings, state) -> Iterator[Parts]:
    """The parts of a process whose publisher is not started."""
    made = Parts.create(settings.model_copy(update={"min_free_disk_bytes": 0}))
    state.hset("inferq:cards", "net@1", "{}")
    yield made
    made.client.close()


@pytest.fixture
def tick(parts: Parts, state) -> Callable[[], None]:
    """One turn of upkeep, as if the last one had been a second ago."""
    upkeep = Upkeep(parts)

    def turn() -> None:
        for task in ("repair", "publish", "garbage"):
            if (last := state.hget("inferq:upkeep", task)) is not None:
                state.hset("inferq:upkeep", task, int(last) - 1_000_000)
        upkeep.tick()
        upkeep.tidy()

    turn()
    return turn


@pytest.fixture
def accept(parts: Parts) -> Callable[..., str]:
    """Makes a prediction with its blob; returns its id."""

    def make(**changes: object) -> str:
        task_id = new_task_id()
        key = parts.storage.key(task_id)
        parts.storage.write(key, b"pixels")
        whole = Draft(
            task_id=task_id,
            owner="ann",
            model=MODEL,
            input=Input(media_type="image/png", width=4, height=3, bytes=6, sha256="0" * 64),
            input_key=key,
            parameters={},
            metadata={},
        )
        parts.store.accept(dataclasses.replace(whole, **changes))
        return task_id

    return make


@pytest.fixture
def start(parts: Parts) -> Callable[..., Attempt]:
    """Starts an attempt."""

    def begin(task_id: str, *, publish: int | None = None, alone: bool = False) -> Attempt:
        attempt = Attempt.new(task_id, "host-7-abc")
        claim = parts.store.claim(attempt, max_attempts=3, alone=alone, publish=publish)
        assert claim.outcome == "claimed"
        return attempt

    return begin


HOUR = timedelta(hours=1)
