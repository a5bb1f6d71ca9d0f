"""What is sent stays small, and holds what is needed to go on."""

import json
from datetime import datetime, timedelta

import pytest

from inferq.errors import ModelFailed
from inferq.predictions.record import JsonResult, Problem, State
from inferq.predictions.store import Outcome
from inferq.webhooks.payload import MOST_BYTES, body_of
from predictions.drafts import draft, start


@pytest.fixture
def ended(store):
    """A terminal prediction as the store has it."""

    def make(state: State = State.SUCCEEDED, **changes):
        task_id = store.accept(draft()).record.task_id
        assert store.finish(start(store, task_id), Outcome(state), retention=timedelta(hours=1))
        return store.get(task_id).prediction.model_copy(update=changes)

    return make


@pytest.mark.parametrize("end", [State.SUCCEEDED, State.FAILED])
def test_a_small_prediction_is_told_whole(ended, end):
    prediction = ended(end, result=JsonResult(data={"answer": 42}))
    told = json.loads(body_of(prediction, public_url=None))
    assert (told["type"], told["complete"]) == (f"prediction.{end}", True)
    assert datetime.fromisoformat(told["timestamp"]) == prediction.finished_at
    assert told["data"]["task_id"] == prediction.task_id
    assert told["data"]["result"] == {"kind": "json", "data": {"answer": 42}}
    assert told["data"]["links"]["self"] == f"/api/v1/predictions/{prediction.task_id}"


def test_links_are_whole_where_the_server_knows_its_name(ended):
    told = json.loads(body_of(ended(), public_url="https://inferq.example/"))
    assert told["data"]["links"]["self"].startswith("https://inferq.example/api/v1/predictions/")


@pytest.mark.parametrize(
    "large",
    [
        {"result": JsonResult(data="x" * 30_000)},
        {"result": JsonResult(data=1), "parameters": {"classes": ["é" * 100] * 200}},
        {"error": Problem.of(ModelFailed("x" * 100_000)), "metadata": {"m": "x" * 4000}},
    ],
)
def test_what_is_too_large_is_left_out_and_said_to_be(ended, large):
    prediction = ended(**large)
    body = body_of(prediction, public_url=None)
    told = json.loads(body)
    assert len(body) <= MOST_BYTES
    assert told["complete"] is False
    assert told["data"]["result"] is None
    assert told["data"]["metadata"] == prediction.metadata
    assert told["data"]["links"]["self"].endswith(prediction.task_id)
