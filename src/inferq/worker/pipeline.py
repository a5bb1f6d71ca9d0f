"""One prediction from claim to finish: claim, read, preprocess, infer, postprocess, finish. Knows no Celery."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter

from inferq.errors import (
    InferqError,
    InputMissing,
    ModelFailed,
    NotFound,
    StateUnavailable,
    UnknownModel,
)
from inferq.models.base import Model
from inferq.predictions.record import Problem, Record, Result, State, new_token
from inferq.predictions.store import Outcome, PredictionStore
from inferq.storage import Storage

PATIENCE = 60.0
RETRY_PAUSE = 0.2

T = TypeVar("T")
_RESULT: TypeAdapter[Result] = TypeAdapter(Result)

log = structlog.get_logger()


class Pipeline:
    """Runs attempts; called by several threads at once."""

    def __init__(
        self,
        store: PredictionStore,
        storage: Storage,
        *,
        models: Mapping[str, Model[Any, Any]],
        retention: timedelta,
        max_attempts: int,
    ) -> None:
        """Takes the loaded models by reference (`name@version`)."""
        self._store = store
        self._storage = storage
        self._models = models
        self._retention = retention
        self._max_attempts = max_attempts
        self._tokens: dict[str, str] = {}

    def renew_leases(self) -> None:
        """Renews the leases of the attempts that run at this moment.

        Raises:
            StateUnavailable: The state store does not answer.
        """
        for task_id in self._store.renew(dict(self._tokens)):
            log.warning("lease_lost", task_id=task_id)

    def run(self, task_id: str) -> Outcome | None:
        """Runs one attempt, if the record says that there is one to run.

        Returns:
            The outcome that this attempt wrote, or None where there was nothing to do or another
            attempt holds.

        Raises:
            StateUnavailable: The state store stayed away for a minute; the lease will run out.
        """
        token = new_token()
        claim = _persist(lambda: self._store.claim(task_id, token, max_attempts=self._max_attempts))
        if claim.record is None:
            log.info("dropped", reason=claim.outcome)
            return None
        self._tokens[task_id] = token
        try:
            outcome = self._attempt(claim.record)
            written = _persist(
                lambda: self._store.finish(task_id, token, outcome, retention=self._retention)
            )
        finally:
            del self._tokens[task_id]
        log.info(
            "finished" if written else "fenced_off",
            state=outcome.state,
            **dict(outcome.timings_ms or {}),
        )
        return outcome if written else None

    def _attempt(self, record: Record) -> Outcome:
        clock = _StageClock()
        try:
            result = self._predict(record, clock)
        except InferqError as error:
            log.warning("attempt_failed", code=error.code, exc_info=error)
            return Outcome(State.FAILED, error=Problem.of(error), timings_ms=clock.milliseconds)
        return Outcome(State.SUCCEEDED, result=result, timings_ms=clock.milliseconds)

    def _predict(self, record: Record, clock: "_StageClock") -> Result:
        prediction = record.prediction
        model = self._models.get(str(prediction.model))
        if model is None:
            raise UnknownModel(f"This worker does not serve {prediction.model}.")
        with clock.stage("read"):
            data = self._read(record)
        with _model_errors():
            with clock.stage("preprocess"):
                item = model.preprocess(data, prediction.parameters)
            with clock.stage("inference"):
                (output,) = model.infer([item])
            with clock.stage("postprocess"):
                answer = model.postprocess(output, item, prediction.parameters)
                return _RESULT.validate_python(answer)

    def _read(self, record: Record) -> bytes:
        try:
            return self._storage.read(record.input_key)
        except NotFound as error:
            raise InputMissing("The stored input is gone; send it again.") from error


class _StageClock:
    """Measures the stages of one attempt in milliseconds."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.milliseconds[name] = round((time.perf_counter() - started) * 1e3, 2)


@contextmanager
def _model_errors() -> Iterator[None]:
    try:
        yield
    except InferqError:
        raise
    except Exception as error:
        raise ModelFailed(
            "The model failed on this input; the worker's log holds the reason."
        ) from error


def _persist(call: Callable[[], T]) -> T:
    """Calls until the state store answers: an outage must not cost a prediction its result."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except StateUnavailable:
            if time.monotonic() > deadline:
                raise
            log.warning("state_unavailable")
            time.sleep(RETRY_PAUSE)
