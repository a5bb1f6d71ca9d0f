"""One prediction from claim to finish: claim, read, preprocess, infer, postprocess, finish. Knows no Celery."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter

from inferq.errors import (
    InferqError,
    InputMissing,
    ModelFailed,
    NotFound,
    OutOfMemory,
    StateUnavailable,
    StorageUnavailable,
    UnknownModel,
)
from inferq.models.base import File
from inferq.models.served import ServedModel
from inferq.predictions.endings import attempts_exhausted, queue_timeout
from inferq.predictions.record import Attempt, Problem, Record, Result, State
from inferq.predictions.store import Claim, Outcome, Policy, PredictionStore
from inferq.storage import Storage
from inferq.telemetry.metrics import (
    count_attempt,
    count_finished,
    measure_batch,
    measure_stages,
)
from inferq.telemetry.traces import past_span, span
from inferq.worker.batcher import Answer, Batcher, Work
from inferq.worker.gate import Gate
from inferq.worker.slots import Slots
from inferq.worker.storage_watch import StorageWatch

PATIENCE = 60.0
RETRY_PAUSE = 0.2
STORAGE_DELAY = timedelta(seconds=1)

T = TypeVar("T")
_RESULT: TypeAdapter[Result] = TypeAdapter(Result)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a worker's attempts share."""

    worker: str
    policy: Policy
    slots: Slots


class Pipeline:
    """Runs attempts; called by several threads at once."""

    def __init__(
        self,
        store: PredictionStore,
        storage: Storage,
        *,
        models: Mapping[str, ServedModel[Any, Any]],
        workplace: Workplace,
    ) -> None:
        """Takes the loaded models by reference (`name@version`)."""
        self._store = store
        self._storage = storage
        self._models = models
        self._batchers = {
            reference: _batcher(reference, model, slots=workplace.slots.count)
            for reference, model in models.items()
        }
        self._workplace = workplace
        self._gate = Gate()
        self._storage_watch = StorageWatch(storage)

    def run(self, task_id: str, publish: int | None = None) -> Outcome | None:
        """Runs one attempt, if the record says that there is one to run.

        Args:
            task_id: Of the prediction.
            publish: Which of its messages arrived, if that is known.

        Returns:
            The outcome that this attempt wrote, or None where there was nothing to do, another attempt
            holds, or the prediction was put back.

        Raises:
            StateUnavailable: The state store stayed away for a minute; the lease will run out.
        """
        with self._workplace.slots.busy():
            self._storage_watch.wait()
            with self._gate.together():
                attempt, claim = self._claim(task_id, publish, alone=False)
                if claim.record is not None:
                    return self._hold(attempt, claim.record)
            if claim.outcome == "needs_alone":
                # It was running when a worker died. Whatever dies next is its own doing alone.
                with self._gate.alone():
                    attempt, claim = self._claim(task_id, publish, alone=True)
                    if claim.record is not None:
                        return self._hold(attempt, claim.record)
            return self._drop(task_id, claim)

    def _claim(self, task_id: str, publish: int | None, *, alone: bool) -> tuple[Attempt, Claim]:
        attempt = Attempt.new(task_id, self._workplace.worker)
        max_attempts = self._workplace.policy.max_attempts
        with span("claim"):
            return attempt, _persist(
                lambda: self._store.claim(
                    attempt, max_attempts=max_attempts, alone=alone, publish=publish
                )
            )

    def _drop(self, task_id: str, claim: Claim) -> Outcome | None:
        """There is nothing to run; what may not be run any more is ended here."""
        log.info("dropped", reason=claim.outcome)
        if claim.outcome not in ("overdue", "exhausted"):
            return None
        record = _persist(lambda: self._store.get(task_id))
        if record is None:
            return None
        problem = (
            queue_timeout(record) if claim.outcome == "overdue" else attempts_exhausted(record)
        )
        policy = self._workplace.policy
        failed = _persist(lambda: self._store.fail(task_id, problem, policy=policy))
        if failed:
            count_finished(str(record.prediction.model), State.FAILED, problem.code)
        return Outcome(State.FAILED, error=problem) if failed else None

    def _hold(self, attempt: Attempt, record: Record) -> Outcome | None:
        """Runs a claimed attempt under its lease, and writes what came of it."""
        with structlog.contextvars.bound_contextvars(**record.log_fields):
            return self._run_claimed(attempt, record)

    def _run_claimed(self, attempt: Attempt, record: Record) -> Outcome | None:
        policy = self._workplace.policy
        model = str(record.prediction.model)
        with self._workplace.slots.holding(attempt):
            try:
                with self._workplace.slots.at_work(attempt) as work:
                    outcome = self._attempt(record, work)
            except StorageUnavailable:
                self._storage_watch.report_away()
                released = _persist(lambda: self._store.release(attempt, delay=STORAGE_DELAY))
                count_attempt(model, "released")
                log.warning("released", reason="storage_unavailable", written=released)
                return None
            except OutOfMemory as error:
                # Perhaps a neighbour took it: as after a crash, the next attempt has nothing beside it.
                problem = Problem.of(error, trace_id=record.trace_id)
                ended = _persist(
                    lambda: self._store.requeue(record, problem, policy=policy, dead=True)
                )
                count_attempt(model, error.code)
                log.warning("attempt_failed", code=error.code, exc_info=error)
                if ended != "failed":
                    return None
                count_finished(model, State.FAILED, problem.code)
                return Outcome(State.FAILED, error=problem)
            with span("finish"):
                written = _persist(
                    lambda: self._store.finish(attempt, outcome, retention=policy.retention)
                )
        _count(record, outcome, written=written)
        log.info(
            "finished" if written else "fenced_off",
            state=outcome.state,
            **dict(outcome.timings_ms or {}),
        )
        return outcome if written else None

    def _attempt(self, record: Record, work: Work) -> Outcome:
        clock = _StageClock()
        try:
            result = self._predict(record, clock, work)
        except (StorageUnavailable, OutOfMemory):
            raise
        except InferqError as error:
            log.warning("attempt_failed", code=error.code, exc_info=error)
            problem = Problem.of(error, trace_id=record.trace_id)
            return Outcome(State.FAILED, error=problem, timings_ms=clock.milliseconds)
        return Outcome(State.SUCCEEDED, result=result, timings_ms=clock.milliseconds)

    def _predict(self, record: Record, clock: "_StageClock", work: Work) -> Result:
        prediction = record.prediction
        model = self._models.get(str(prediction.model))
        if model is None:
            raise UnknownModel(f"This worker does not serve {prediction.model}.")
        batcher = self._batchers[str(prediction.model)]
        with batcher.expecting():
            with clock.stage("read"):
                given = prediction.input
                data = File(
                    self._read(record), media_type=given.media_type, filename=given.filename
                )
            with _ModelErrors():
                with clock.stage("preprocess"):
                    item = model.preprocess(data, prediction.parameters)
                answer = batcher.infer(item, work)
        clock.took("batch_wait", answer.waited)
        clock.took("inference", answer.ran)
        _record_inference(answer)
        with _ModelErrors(), clock.stage("postprocess"):
            result = model.postprocess(answer.output, item, prediction.parameters)
            return _RESULT.validate_python(result)

    def _read(self, record: Record) -> bytes:
        try:
            sha256 = record.prediction.input.sha256
            return self._storage.read(record.input_key, sha256=sha256)
        except NotFound as error:
            raise InputMissing("The stored input is gone; send it again.") from error


def _count(record: Record, outcome: Outcome, *, written: bool) -> None:
    """Notes how an attempt went, and the prediction if that was its end."""
    model = str(record.prediction.model)
    count_attempt(model, str(outcome.state) if written else "fenced_off")
    if not written:
        return
    count_finished(model, outcome.state, outcome.error.code if outcome.error else None)
    measure_stages(
        model,
        outcome.timings_ms or {},
        queued_seconds=record.prediction.timings_ms.get("queued", 0.0) / 1e3,
        trace_id=record.trace_id,
    )


def _batcher(reference: str, model: ServedModel[Any, Any], *, slots: int) -> Batcher[Any, Any]:
    batching = model.batching
    lanes = batching.parallel or slots

    def infer(items: Sequence[Any]) -> Sequence[Any]:
        measure_batch(reference, len(items))
        return model.infer(items)

    return Batcher(infer, max_batch=batching.size, max_wait=batching.max_wait, lanes=lanes)


class _StageClock:
    """Measures the stages of one attempt in milliseconds."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}

    def stage(self, name: str) -> "_Stage":
        return _Stage(self, name)

    def took(self, name: str, seconds: float) -> None:
        self.milliseconds[name] = round(seconds * 1e3, 2)


class _Stage:
    """One stage, which counts if it does not fail. No generator: of a small model's time those are a part that shows."""

    __slots__ = ("_clock", "_name", "_span", "_started")

    def __init__(self, clock: _StageClock, name: str) -> None:
        self._clock = clock
        self._name = name
        self._span = span(name)

    def __enter__(self) -> None:
        self._started = time.perf_counter()
        self._span.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._span.__exit__(*error)
        if error[0] is None:
            self._clock.took(self._name, time.perf_counter() - self._started)


def _record_inference(answer: Answer[Any]) -> None:
    """What the batcher did for one item, told afterwards: several items share one run."""
    ended = time.perf_counter()
    began = ended - answer.ran
    past_span("batch_wait", began=began - answer.waited, ended=began)
    past_span("inference", began=began, ended=ended, links=[answer.run] if answer.run else [])


class _ModelErrors:
    """Whatever a model raises is a failure of this input."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, MemoryError):
            raise OutOfMemory(
                "There was not enough memory for this input; make it smaller."
            ) from error
        if isinstance(error, Exception) and not isinstance(error, InferqError):
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
