"""What both kinds of handle know of a submitted prediction without asking the server."""

from inferq.client.calls import Calls, Followed
from inferq.predictions.display import as_html
from inferq.predictions.record import Prediction


class Handle:
    """One submitted prediction."""

    def __init__(self, calls: Calls, followed: Followed) -> None:
        self._calls = calls
        self._followed = followed

    @property
    def task_id(self) -> str:
        """The prediction's id."""
        return self._followed.task_id

    @property
    def latest(self) -> Prediction:
        """The prediction as it was last heard of."""
        return self._followed.latest.prediction

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.task_id} {self.latest.state}>"

    def _repr_html_(self) -> str:
        return as_html(self.latest)
