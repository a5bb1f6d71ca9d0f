"""The one Celery task: a thin shell around the pipeline, and the copy of its outcome for Celery's clients."""

from typing import Any

import structlog
from celery import Celery

from inferq.errors import error_class
from inferq.predictions.record import State
from inferq.predictions.store import Outcome
from inferq.queue import TASK_NAME
from inferq.worker.pipeline import Pipeline

CELERY_STATES = {State.SUCCEEDED: "SUCCESS", State.FAILED: "FAILURE", State.CANCELED: "REVOKED"}

log = structlog.get_logger()


def register_task(app: Celery, pipeline: Pipeline) -> None:
    """Adds the prediction task to a worker's application."""

    @app.task(name=TASK_NAME)
    def predict(task_id: str) -> None:
        with structlog.contextvars.bound_contextvars(task_id=task_id):
            outcome = pipeline.run(task_id)
            if outcome is not None:
                copy_outcome(app, task_id, outcome)


def copy_outcome(app: Celery, task_id: str, outcome: Outcome) -> None:
    """Writes an outcome to Celery's result backend, so that `AsyncResult(task_id).get()` works.

    Best effort: the record is the truth, and a backend that is away must not hold up a slot.
    """
    value: Any = None
    if outcome.result is not None:
        value = outcome.result.model_dump(mode="json")
    elif outcome.error is not None:
        value = error_class(outcome.error.code)(outcome.error.detail)
    try:
        app.backend.store_result(task_id, value, CELERY_STATES[outcome.state])
    except Exception as error:  # noqa: BLE001 - every backend has errors of its own
        log.warning("celery_copy_failed", error=type(error).__name__)
