"""One attempt from claim to finish, without a broker."""

import copy
import hashlib
import threading

import pytest

from inferq.errors import AttemptsExhausted, StateUnavailable
from inferq.models.served import ServedModel
from inferq.predictions.record import (
    Attempt,
    Draft,
    Input,
    ModelReference,
    Problem,
    State,
    new_task_id,
)
from inferq.predictions.store import PredictionStore
from inferq.storage import Storage
from inferq.worker import pipeline as pipeline_module
from inferq.worker.pipeline import Pipeline, Workplace
from system.served import eventually

PROBLEM = Problem.of(AttemptsExhausted("died"))


class Rude(ServedModel):
    """A model that raises what no model should."""

    def __init__(self, model: ServedModel):
        """Stands for another."""
        self.about = model.about

    def load(self, ctx):
        """Nothing to load."""

    def preprocess(self, data, parameters):
        return data

    def infer(self, items):
        raise ZeroDivisionError("secret internals")

    def postprocess(self, output, item, parameters):
        return {}

    def sample(self):
        return b""

    def warm_up(self):
        """Nothing to warm."""


@pytest.fixture
def accepted(store: PredictionStore, storage: Storage, photo) -> str:
    """The task id of a photograph that waits."""
    key = storage.key("x")
    storage.write(key, photo["chelsea"])
    draft = Draft(
        task_id=new_task_id(),
        owner="ann",
        model=ModelReference(name="ssdlite-mobilenet-v2-coco", version="1"),
        input=Input(
            media_type="image/jpeg",
            width=451,
            height=300,
            bytes=len(photo["chelsea"]),
            sha256=hashlib.sha256(photo["chelsea"]).hexdigest(),
        ),
        input_key=key,
        parameters={},
        metadata={},
    )
    return store.accept(draft).record.task_id


def test_an_attempt_writes_the_result_and_lets_go_of_its_lease(
    pipeline: Pipeline, store: PredictionStore, state, workplace: Workplace, accepted: str
):
    outcome = pipeline.run(accepted)
    assert outcome.state is State.SUCCEEDED
    prediction = store.get(accepted).prediction
    assert prediction.result == outcome.result
    stages = ["queued", "read", "batch_wait", "inference", "preprocess", "postprocess", "total"]
    assert sorted(prediction.timings_ms) == sorted(stages)
    assert state.zcard("inferq:leases") == 0
    assert workplace.slots.held() == []


def test_a_message_delivered_twice_runs_once(
    pipeline: Pipeline, store: PredictionStore, accepted: str
):
    pipeline.run(accepted)
    before = store.get(accepted)
    assert pipeline.run(accepted) is None
    assert store.get(accepted) == before


def test_a_message_without_a_record_is_dropped(pipeline: Pipeline):
    assert pipeline.run("nonesuch") is None


def test_a_model_that_raises_fails_its_prediction_without_telling_its_secrets(
    store: PredictionStore, storage: Storage, workplace: Workplace, accepted: str, model
):
    models = {model.about.reference: Rude(model)}
    rude = Pipeline(store, storage, models=models, workplace=workplace)
    assert rude.run(accepted).state is State.FAILED
    error = store.get(accepted).prediction.error
    assert error.code == "model_failed"
    assert "secret" not in error.model_dump_json()


def test_an_input_that_takes_too_much_memory_is_tried_alone_and_fails_with_its_last_attempt(
    store: PredictionStore, storage: Storage, workplace: Workplace, accepted: str, model
):
    class Greedy(Rude):
        def preprocess(self, data, parameters):
            raise MemoryError

    models = {model.about.reference: Greedy(model)}
    greedy = Pipeline(store, storage, models=models, workplace=workplace)
    for attempt in (1, 2):
        assert greedy.run(accepted) is None
        prediction = store.get(accepted).prediction
        assert (prediction.state, prediction.attempts) == (State.QUEUED, attempt)
    assert greedy.run(accepted).error.code == "out_of_memory"
    prediction = store.get(accepted).prediction
    assert (prediction.state, prediction.attempts) == (State.FAILED, 3)
    assert prediction.error.code == "out_of_memory"


def test_a_worker_that_does_not_serve_the_model_says_so(
    store: PredictionStore, storage: Storage, workplace: Workplace, accepted: str
):
    bare = Pipeline(store, storage, models={}, workplace=workplace)
    bare.run(accepted)
    assert store.get(accepted).prediction.error.code == "unknown_model"


def test_an_outage_of_the_state_store_at_the_end_does_not_cost_the_result(
    pipeline: Pipeline, store: PredictionStore, accepted: str, monkeypatch
):
    finish, calls = store.finish, []

    def flaky(*args, **kwargs):
        calls.append(args)
        if len(calls) < 3:
            raise StateUnavailable("away")
        return finish(*args, **kwargs)

    monkeypatch.setattr(store, "finish", flaky)
    monkeypatch.setattr(pipeline_module, "RETRY_PAUSE", 0)
    assert pipeline.run(accepted).state is State.SUCCEEDED
    assert len(calls) == 3


def test_a_second_attempt_runs_with_nothing_beside_it(
    pipeline: Pipeline, store: PredictionStore, state, workplace: Workplace, accepted: str
):
    attempt = Attempt.new(accepted, "dead-worker")
    store.claim(attempt, max_attempts=3)
    store.requeue(store.get(accepted), PROBLEM, policy=workplace.policy, dead=True)
    with pipeline._gate.together():
        thread = threading.Thread(target=pipeline.run, args=(accepted,))
        thread.start()
        eventually(lambda: pipeline._gate._waiting_alone)
        assert store.get(accepted).prediction.state is State.QUEUED
    thread.join(20)
    prediction = store.get(accepted).prediction
    assert (prediction.state, prediction.attempts) == (State.SUCCEEDED, 2)


def test_while_the_storage_is_away_the_prediction_waits_and_no_attempt_is_counted(
    pipeline: Pipeline, store: PredictionStore, state, tmp_path, accepted: str
):
    storage = tmp_path / "storage"
    storage.rename(tmp_path / "elsewhere")
    storage.write_text("a file where a folder should be")
    assert pipeline.run(accepted) is None
    prediction = store.get(accepted).prediction
    assert (prediction.state, prediction.attempts) == (State.QUEUED, 0)
    thread = threading.Thread(target=pipeline.run, args=(accepted,))
    thread.start()
    eventually(pipeline._storage_watch._probing.locked)
    assert store.get(accepted).prediction.state is State.QUEUED, "no claim while it is away"
    state.hset(f"inferq:prediction:{accepted}", "not_before", 1)
    storage.unlink()
    (tmp_path / "elsewhere").rename(storage)
    thread.join(20)
    prediction = store.get(accepted).prediction
    assert (prediction.state, prediction.attempts) == (State.SUCCEEDED, 1)


def test_a_blob_that_is_gone_fails_at_once(
    pipeline: Pipeline, store: PredictionStore, storage: Storage, accepted: str
):
    storage.delete(store.get(accepted).input_key)
    pipeline.run(accepted)
    assert store.get(accepted).prediction.error.code == "input_missing"


def test_what_waited_too_long_ends_when_its_message_comes_late(
    pipeline: Pipeline, store: PredictionStore, state, accepted: str
):
    state.zadd("inferq:deadlines", {accepted: 1})
    outcome = pipeline.run(accepted)
    assert outcome.error.code == "queue_timeout"
    assert store.get(accepted).prediction.error == outcome.error


def test_canceled_while_it_runs_the_result_is_thrown_away(
    store: PredictionStore, storage: Storage, model, workplace: Workplace, accepted: str
):
    class Canceling(type(model)):
        def infer(self, items):
            store.cancel(accepted, retention=workplace.policy.retention)
            return super().infer(items)

    canceling = copy.copy(model)
    canceling.__class__ = Canceling
    models = {model.about.reference: canceling}
    pipeline = Pipeline(store, storage, models=models, workplace=workplace)
    assert pipeline.run(accepted) is None
    prediction = store.get(accepted).prediction
    assert (prediction.state, prediction.result) == (State.CANCELED, None)
