"""What Celery's result backend holds of an outcome, so that `AsyncResult(task_id).get()` works with any Celery client.

The scripts write it together with the record, under the key and on the channel of Celery's Redis backend.
"""

from datetime import UTC, datetime
from typing import Any

import orjson

from inferq.errors import error_class
from inferq.predictions.record import Problem, Result, State

CELERY_STATES = {State.SUCCEEDED: "SUCCESS", State.FAILED: "FAILURE", State.CANCELED: "REVOKED"}


def celery_copy(
    task_id: str, state: State, result: Result | None = None, error: Problem | None = None
) -> bytes:
    """How a prediction ended, in Celery's words: JSON as its serializer writes it."""
    value: Any = None
    if result is not None:
        value = orjson.Fragment(result.model_dump_json())
    elif error is not None:
        kind = error_class(error.code)
        value = _exception(kind.__name__, error.detail, kind.__module__)
    elif state is State.CANCELED:
        value = _exception("TaskRevokedError", "canceled", "celery.exceptions")
    return orjson.dumps(
        {
            "task_id": task_id,
            "status": CELERY_STATES[state],
            "result": value,
            "traceback": None,
            "children": [],
            "date_done": datetime.now(UTC),
        }
    )


def _exception(kind: str, message: str, module: str) -> dict[str, Any]:
    """What Celery's clients raise."""
    return {"exc_type": kind, "exc_message": [message], "exc_module": module}
