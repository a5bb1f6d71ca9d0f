"""The stream of changes: every script that changes a record adds one entry, every API process reads them all."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple, Self, cast

import redis
import redis.asyncio

from inferq.predictions.record import State
from inferq.state import CHUNK, Entries, follow_stream, state_errors

STREAM = "inferq:events"
MOST_REPLAYED = 20_000
DELETED = "deleted"
ENDS = frozenset({DELETED, *(state for state in State if state.is_terminal)})


class EventId(NamedTuple):
    """The id of an entry; ids grow."""

    milliseconds: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id of `1700000000000-0`.

        Raises:
            ValueError: It is none.
        """
        milliseconds, dash, sequence = text.partition("-")
        if not (dash and milliseconds.isdecimal() and sequence.isdecimal()):
            raise ValueError(text)
        return cls(int(milliseconds), int(sequence))


START = EventId(0, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one prediction."""

    event_id: EventId
    task_id: str
    event: str
    """The state that it entered, or `deleted`."""
    revision: int
    owner: str
    batch: str | None

    @property
    def is_end(self) -> bool:
        """Whether the prediction has ended, or is gone."""
        return self.event in ENDS


class EventLog:
    """What has happened so far. Every method raises `StateUnavailable` when the store does not answer."""

    def __init__(self, client: redis.Redis) -> None:
        """Connects to nothing yet."""
        self._client = client

    def newest(self) -> EventId:
        """The id of the newest change."""
        with state_errors():
            entries = cast("Entries", self._client.xrevrange(STREAM, count=1))
        return EventId.parse(entries[0][0]) if entries else START

    def since(self, after: EventId) -> list[Change] | None:
        """All changes after an id, oldest first; None where they are not all known any more, or are too many."""
        with state_errors():
            oldest = cast("Entries", self._client.xrange(STREAM, count=1))
            if not oldest or not EventId.parse(oldest[0][0]) <= after <= self.newest():
                return None
            found: list[Change] = []
            while len(found) <= MOST_REPLAYED:
                entries = cast("Entries", self._client.xrange(STREAM, f"({after}", count=CHUNK))
                if not entries:
                    return found
                found += map(_change, entries)
                after = found[-1].event_id
        return None


async def follow(client: redis.asyncio.Redis) -> AsyncIterator[list[Change]]:
    """Yields changes as they happen, from now on, all at once that happened meanwhile, until the store goes away.

    The first list is empty: it says that from here on nothing is missed.

    Raises:
        redis.ConnectionError: The store went away.
    """
    async for entries in follow_stream(client, STREAM):
        yield list(map(_change, entries))


def _change(entry: tuple[str, dict[str, str]]) -> Change:
    event_id, fields = entry
    return Change(
        event_id=EventId.parse(event_id),
        task_id=fields["id"],
        event=fields["state"],
        revision=int(fields["revision"]),
        owner=fields["owner"],
        batch=fields["batch"] or None,
    )
