"""Records as clients see them: with their places in the queue."""

from collections.abc import Iterable, Sequence

from inferq.api.schemas import QueueList, QueueLoad, View
from inferq.models.register import Serving
from inferq.predictions.queues import Standing
from inferq.predictions.record import ModelReference, QueuePlace, Record, State, WaitReason
from inferq.upkeep.parts import Parts


class Viewer:
    """Finds what is not in the record itself; what it costs depends little on how many records there are."""

    def __init__(self, parts: Parts) -> None:
        """Looks at nothing yet."""
        self._parts = parts

    def one(self, record: Record) -> View:
        """A record as it is shown."""
        return self.many([record])[0]

    def accepted(self, record: Record, standing: Standing) -> View:
        """A new record as it is shown, whose place came with its acceptance."""
        return View(record, self._place(standing))

    def many(self, records: Sequence[Record]) -> list[View]:
        """Records as they are shown."""
        places = self.places(records)
        return [View(record, places.get(record.task_id)) for record in records]

    def by_id(self, task_ids: Sequence[str]) -> list[View]:
        """Those of these predictions that there are."""
        return self.many(self._parts.store.get_many(task_ids))

    def places(self, records: Iterable[Record]) -> dict[str, QueuePlace]:
        """The places of those records that are queued, by task id."""
        waiting = [record for record in records if record.prediction.state is State.QUEUED]
        if not waiting:
            return {}
        standings = self._parts.queues.places(waiting)
        return {
            record.task_id: self._place(standing)
            for record, standing in zip(waiting, standings, strict=True)
        }

    def loads(self) -> QueueList:
        """What all models have to do, by their names."""
        names = sorted(self._parts.register.references())
        return QueueList(items=tuple(self._load(name) for name in names))

    def _place(self, standing: Standing) -> QueuePlace:
        wait = standing.starts_in
        return QueuePlace(
            ahead=standing.ahead,
            workers=standing.workers,
            starts_in_seconds=None if wait is None else round(wait, 2),
            reason=self.reason(standing),
        )

    def _load(self, name: str) -> QueueLoad:
        model = ModelReference.parse(name)
        load, drain = self._parts.queues.load(model), self._parts.queues.drain(model)
        serving = self._parts.register.serving(name)
        wait = drain.expected_wait(load.queued, serving.slots)
        return QueueLoad(
            model=name,
            queued=load.queued,
            running=load.running,
            workers=serving.workers,
            slots=serving.slots,
            per_second=round(1 / drain.interval, 2) if drain.interval else None,
            oldest_seconds=None if load.oldest is None else round(load.oldest.total_seconds(), 2),
            expected_wait_seconds=None if wait is None else round(wait, 2),
            reason=self.reason(serving),
        )

    def reason(self, serving: Serving | Standing) -> WaitReason | None:
        """What keeps predictions of a model from starting, if anything does."""
        if not self._parts.publisher.reachable:
            return "broker_unavailable"
        if serving.workers:
            return None
        return "drained" if serving.drained else "no_worker"
