"""The one Celery task: a thin shell around the pipeline."""

import structlog
from celery import Celery

from inferq.queue import TASK_NAME, TRACEPARENT, CeleryResults
from inferq.telemetry.traces import following, span
from inferq.worker.pipeline import Pipeline


def register_task(app: Celery, pipeline: Pipeline, results: CeleryResults) -> None:
    """Adds the prediction task to a worker's application."""

    @app.task(name=TASK_NAME)
    def predict(task_id: str, publish: int | None = None) -> None:
        request = predict.request
        with (
            following(request.get(TRACEPARENT) or ""),
            structlog.contextvars.bound_contextvars(task_id=task_id),
            span("process", kind="consumer", attributes={"inferq.task_id": task_id}),
        ):
            outcome = pipeline.run(task_id, publish)
            if outcome is not None:
                results.copy(task_id, outcome.state, outcome.result, outcome.error)
