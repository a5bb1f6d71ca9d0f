"""The one Celery task: a thin shell around the pipeline."""

from celery import Celery

from inferq.queue import TASK_NAME, TRACEPARENT
from inferq.telemetry.traces import following, span
from inferq.worker.pipeline import Pipeline


def register_task(app: Celery, pipeline: Pipeline) -> None:
    """Adds the prediction task to a worker's application."""

    @app.task(name=TASK_NAME)
    def predict(task_id: str, publish: int | None = None) -> None:
        request = predict.request
        with (
            following(request.get(TRACEPARENT) or "", task_id=task_id),
            span("process", kind="consumer", attributes={"inferq.task_id": task_id}),
        ):
            pipeline.run(task_id, publish)
