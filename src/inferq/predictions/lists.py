"""An owner's predictions, newest first: pages, filters, batches. Reads indexes that the scripts keep.

A page costs the same however many predictions there are: the shortest index of those that a filter names is walked,
and no more than `MOST_EXAMINED` of its entries for one page. Every method raises `StateUnavailable` when the store
does not answer.
"""

import heapq
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Self, cast

import orjson
import redis

from inferq.predictions.encoding import decode, record_key
from inferq.predictions.record import Record, State
from inferq.state import state_errors

CHUNK = 200
MOST_EXAMINED = 2_000
UNFINISHED = frozenset(state for state in State if not state.is_terminal)


class Position(NamedTuple):
    """Where a page ends: the moment of acceptance (microseconds of the store's clock) and the id of its last entry."""

    created: int
    task_id: str

    def encode(self) -> str:
        """The position as clients carry it."""
        return urlsafe_b64encode(f"{self.created}:{self.task_id}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position that `encode` wrote.

        Raises:
            ValueError: Nothing that `encode` wrote.
        """
        padded = text + "=" * (-len(text) % 4)
        created, colon, task_id = urlsafe_b64decode(padded.encode()).decode().partition(":")
        if not colon:
            raise ValueError(f"{text!r} is no position")
        return cls(int(created), task_id)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which predictions are wanted: of each field any value named, all where none is."""

    states: frozenset[State] = frozenset()
    models: frozenset[str] = frozenset()
    """As `name@version`."""
    labels: frozenset[str] = frozenset()
    batches: frozenset[str] = frozenset()
    created_after: datetime | None = None
    created_before: datetime | None = None

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return self != Filter()

    def indexes(self, owner: str) -> list[list[str]]:
        """For each field that is named, the indexes which together hold all that can match."""
        ended = [f"ended:{owner}:{state}" for state in sorted(self.states - UNFINISHED)]
        unfinished = [f"unfinished:{owner}"] if self.states & UNFINISHED else []
        fields = [
            unfinished + ended,
            [f"model:{owner}:{model}" for model in sorted(self.models)],
            [f"label:{owner}:{label}" for label in sorted(self.labels)],
            [f"batch:{owner}:{batch}" for batch in sorted(self.batches)],
        ]
        return [[f"inferq:{name}" for name in names] for names in fields if names]

    def matches(self, fields: Mapping[str, str | None]) -> bool:
        """Whether a record's fields `state`, `model`, `batch` and `labels` are wanted; times are the walk's."""
        if self.labels and not self.labels & set(orjson.loads(fields.get("labels") or "[]")):
            return False
        return (
            (not self.states or fields["state"] in self.states)
            and (not self.models or fields["model"] in self.models)
            and (not self.batches or fields.get("batch") in self.batches)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some predictions, and where to go on; a page may be short though more follow."""

    records: Sequence[Record]
    next: Position | None


class PredictionLists:
    """Looks at predictions by owner; changes nothing."""

    def __init__(self, client: redis.Redis) -> None:
        """Connects to nothing yet."""
        self._client = client

    def page(
        self, owner: str, wanted: Filter, *, limit: int, after: Position | None = None
    ) -> Page:
        """At most `limit` predictions that come after a position."""
        found: list[tuple[Position, Record]] = []
        examined = 0
        for chunk in self._chunks(owner, wanted, after, min(CHUNK, limit + 1)):
            examined += len(chunk)
            for position, record in self._read(chunk, wanted):
                if record is None:
                    continue
                if len(found) == limit:
                    return Page([record for _, record in found], found[-1][0])
                found.append((position, record))
            if examined >= MOST_EXAMINED:
                return Page([record for _, record in found], chunk[-1])
        return Page([record for _, record in found], None)

    def newest_of_all(self, owners: Collection[str], wanted: Filter, limit: int) -> list[Record]:
        """At most `limit` predictions of several owners, newest first."""
        found = [
            record for owner in owners for record in self.page(owner, wanted, limit=limit).records
        ]
        found.sort(key=lambda record: record.prediction.created_at, reverse=True)
        return found[:limit]

    def every(self, owner: str, wanted: Filter) -> Iterator[Record]:
        """All that match, a few read at a time."""
        for chunk in self._chunks(owner, wanted, None, CHUNK):
            yield from (record for _, record in self._read(chunk, wanted) if record is not None)

    def tally(self, owner: str, batch: str) -> dict[State, int]:
        """How many predictions of a batch stand in each state; nothing where there is no such batch."""
        with state_errors():
            counts = cast("dict[str, str]", self._client.hgetall(f"inferq:tally:{owner}:{batch}"))
        return {State(state): int(count) for state, count in counts.items()}

    def unfinished_of(self, owner: str, batch: str) -> list[str]:
        """Ids of a batch's predictions that have not ended."""
        keys = [f"inferq:unfinished:{owner}", f"inferq:batch:{owner}:{batch}"]
        with state_errors():
            return cast("list[str]", self._client.zinter(keys))

    def newest_unfinished(self, owner: str, batch: str, limit: int) -> Sequence[Record]:
        """Those of a batch that were accepted last, of what has not ended."""
        wanted = Filter(states=UNFINISHED, batches=frozenset({batch}))
        return self.page(owner, wanted, limit=limit).records

    def _chunks(
        self, owner: str, wanted: Filter, after: Position | None, size: int
    ) -> Iterator[list[Position]]:
        """What may match, newest first, as the shortest set of indexes has it."""
        walks = (self._walk(index, wanted, after, size) for index in self._shortest(owner, wanted))
        merged = _distinct(heapq.merge(*walks, reverse=True))
        while chunk := list(islice(merged, size)):
            yield chunk

    def _shortest(self, owner: str, wanted: Filter) -> Collection[str]:
        choices = wanted.indexes(owner)
        if len(choices) < 2:  # noqa: PLR2004 - nothing to choose between
            return choices[0] if choices else [f"inferq:owned:{owner}"]
        with state_errors():
            pipe = self._client.pipeline(transaction=False)
            for index in (index for choice in choices for index in choice):
                pipe.zcard(index)
            lengths = iter(pipe.execute())
        return min(choices, key=lambda choice: sum(next(lengths) for _ in choice))

    def _walk(
        self, index: str, wanted: Filter, after: Position | None, size: int
    ) -> Iterator[Position]:
        """The entries of an index after a position, newest first; of one moment, the greatest id first."""
        least = "-inf" if wanted.created_after is None else f"({_micros(wanted.created_after)}"
        most = "+inf" if wanted.created_before is None else f"({_micros(wanted.created_before)}"
        if after is not None and (
            wanted.created_before is None or after.created < _micros(wanted.created_before)
        ):
            most = str(after.created)
        offset = 0
        while True:
            with state_errors():
                members = cast(
                    "list[tuple[str, float]]",
                    self._client.zrange(
                        index, most, least,
                        desc=True, byscore=True, offset=offset, num=size, withscores=True,
                    ),
                )  # fmt: skip
            entries = [Position(int(created), task_id) for task_id, created in members]
            yield from (entry for entry in entries if after is None or entry < after)
            if len(entries) < size:
                return
            # Go on from the last one's moment, behind those of the same moment that were read.
            last = entries[-1].created
            same = sum(entry.created == last for entry in entries)
            offset = offset + same if most == str(last) else same
            most = str(last)

    def _read(
        self, chunk: Sequence[Position], wanted: Filter
    ) -> Iterator[tuple[Position, Record | None]]:
        """The records of entries; None for one that is gone, or does not match after all."""
        fitting = self._fitting(chunk, wanted)
        with state_errors():
            pipe = self._client.pipeline(transaction=False)
            for entry in chunk:
                if entry in fitting:
                    pipe.hgetall(record_key(entry.task_id))
            rows = iter(cast("list[dict[str, str]]", pipe.execute()))
        for entry in chunk:
            fields = next(rows) if entry in fitting else {}
            yield entry, decode(fields) if fields and wanted.matches(fields) else None

    def _fitting(self, chunk: Sequence[Position], wanted: Filter) -> Collection[Position]:
        """Which entries are worth reading whole."""
        if not wanted.indexes(""):
            return chunk
        names = ("state", "model", "batch", "labels")
        with state_errors():
            pipe = self._client.pipeline(transaction=False)
            for entry in chunk:
                pipe.hmget(record_key(entry.task_id), names)
            rows = pipe.execute()
        known = (dict(zip(names, row, strict=True)) for row in rows)
        return {
            entry
            for entry, fields in zip(chunk, known, strict=True)
            if fields["state"] is not None and wanted.matches(fields)
        }


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)


def _distinct(entries: Iterator[Position]) -> Iterator[Position]:
    """A prediction may stand in several indexes; merged, they follow each other."""
    last = None
    for entry in entries:
        if entry != last:
            yield entry
        last = entry
