"""Which predictions a `map()` waits for, and what the event stream tells of them.

Children that send inputs and the one that listens share it, in threads of their own.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

from inferq.client.events import Event
from inferq.errors import NotFound
from inferq.predictions.record import Prediction

REMEMBERED = 512
"""Ends, also by deletion, that nobody waits for yet: those of others, and of our own whose 202 is under way."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The stream is there: what ends from now on will be heard of."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One of ours has ended."""

    index: int
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Gone:
    """One of ours was deleted."""

    index: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """These may have ended without an event."""

    indices: tuple[int, ...]


def deleted() -> NotFound:
    """What becomes of an input whose prediction somebody deleted."""
    return NotFound("The prediction was deleted while it was waited for.")


Notice = Listening | Ended | Gone | Unheard


class Awaited:
    """Task ids that are waited for, by the index of their inputs."""

    def __init__(self) -> None:
        self._indices: dict[str, int] = {}
        self._early: OrderedDict[str, Prediction | None] = OrderedDict()
        self._snapshot: set[str] = set()
        self._listening = False
        self._lock = Lock()

    def expect(self, task_id: str, index: int) -> Prediction | None:
        """Waits for a prediction from now on; if its end was heard of already, that is returned.

        Raises:
            NotFound: It was deleted already.
        """
        with self._lock:
            if task_id not in self._early:
                self._indices[task_id] = index
                return None
            ended = self._early.pop(task_id)
        if ended is None:
            raise deleted()
        return ended

    def forget(self, task_id: str) -> None:
        """Waits for it no longer."""
        with self._lock:
            self._indices.pop(task_id, None)

    def receive(self, event: Event) -> Iterator[Notice]:
        """What an event means to those who wait."""
        with self._lock:
            return iter(list(self._notices(event)))

    def _notices(self, event: Event) -> Iterator[Notice]:
        if not self._listening:
            self._listening = True
            yield Listening()
        if event.kind == "resync":
            self._snapshot.clear()
        elif event.kind == "snapshot":
            yield from self._compare(event)
        elif event.deleted is not None:
            yield from self._ends(event.deleted, None)
        elif event.kind != "queue":
            for prediction in event.predictions:
                if prediction.state.is_terminal:
                    yield from self._ends(prediction.task_id, prediction)

    def _ends(self, task_id: str, prediction: Prediction | None) -> Iterator[Notice]:
        index = self._indices.pop(task_id, None)
        if index is not None:
            yield Gone(index) if prediction is None else Ended(index, prediction)
            return
        self._early[task_id] = prediction
        if len(self._early) > REMEMBERED:
            self._early.popitem(last=False)

    def _compare(self, event: Event) -> Iterator[Notice]:
        """A whole snapshot holds everything unfinished: what is waited for and not in it has to be looked at."""
        self._snapshot.update(prediction.task_id for prediction in event.predictions)
        if event.complete:
            missing = self._indices.keys() - self._snapshot
            self._snapshot.clear()
            if missing:
                yield Unheard(tuple(self._indices[task_id] for task_id in missing))
