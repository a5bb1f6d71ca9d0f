"""What is sent: how a prediction ended, in less than 20 kB."""

from datetime import datetime

from pydantic import Field

from inferq.predictions.links import links_of
from inferq.predictions.record import Frozen, Prediction

MOST_BYTES = 20_000
DETAIL_CHARACTERS = 2000


class PredictionEnded(Frozen):
    """A prediction has come to its end."""

    type: str = Field(
        description="`prediction.succeeded`, `prediction.failed` or `prediction.canceled`."
    )
    timestamp: datetime = Field(description="When it ended.")
    complete: bool = Field(
        description="False where the result was too large to be sent; `data.links.self` has it."
    )
    data: Prediction


def body_of(prediction: Prediction, *, public_url: str | None) -> bytes:
    """The body of a delivery.

    Args:
        prediction: A terminal one.
        public_url: Where this server is known, so that the links hold everywhere; without it they are paths.
    """
    links = links_of(prediction, base=(public_url or "").rstrip("/"))
    whole = prediction.model_copy(update={"links": links})
    body = _encoded(whole, complete=True)
    if len(body) > MOST_BYTES:
        body = _encoded(whole.model_copy(update={"result": None}), complete=False)
    return body if len(body) <= MOST_BYTES else _encoded(_stripped(whole), complete=False)


def _stripped(prediction: Prediction) -> Prediction:
    """What is left where even parameters or an error are large."""
    error = prediction.error
    if error is not None:
        detail = error.detail[:DETAIL_CHARACTERS]
        error = error.model_copy(update={"detail": detail, "errors": ()})
    return prediction.model_copy(update={"result": None, "parameters": {}, "error": error})


def _encoded(prediction: Prediction, *, complete: bool) -> bytes:
    assert prediction.finished_at is not None, "only ends are told"  # noqa: S101 - narrows the type
    return (
        PredictionEnded(
            type=f"prediction.{prediction.state}",
            timestamp=prediction.finished_at,
            complete=complete,
            data=prediction,
        )
        .model_dump_json()
        .encode()
    )
