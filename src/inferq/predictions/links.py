"""Where the HTTP API has what belongs to a prediction. Pure, no I/O."""

from inferq.predictions.record import Links, Prediction

API_PREFIX = "/api/v1"


def prediction_path(task_id: str) -> str:
    """The path of a prediction."""
    return f"{API_PREFIX}/predictions/{task_id}"


def links_of(prediction: Prediction, *, base: str = "") -> Links:
    """The links of a prediction.

    Args:
        prediction: Whose.
        base: What comes before each path, for readers who did not get it from this host.
    """
    path = base + prediction_path(prediction.task_id)
    picture = prediction.input.kind == "image"
    result = prediction.result
    drawable = picture and result is not None and result.kind == "detections"
    return Links(
        self=path,
        input=f"{path}/input",
        image=f"{path}/image" if picture else None,
        preview=f"{path}/preview" if picture else None,
        annotated=f"{path}/annotated" if drawable else None,
        events=f"{path}/events",
    )
