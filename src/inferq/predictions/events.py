"""The stream of changes: every script that changes a record adds one entry, every API process reads them all."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import cast

import redis.asyncio

STREAM = "inferq:events"
BLOCK_MS = 5000

Streams = Sequence[tuple[str, Sequence[tuple[str, dict[str, str]]]]]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one prediction; `event_id` is the entry's id in the stream and grows."""

    event_id: str
    task_id: str
    event: str
    """The state that it has now, or `deleted`."""
    owner: str


async def last_event_id(client: redis.asyncio.Redis) -> str:
    """The id of the newest change; following from here on misses nothing that happens from now."""
    entries = await client.xrevrange(STREAM, count=1)
    return str(entries[0][0]) if entries else "0-0"


async def follow(client: redis.asyncio.Redis, *, after: str) -> AsyncIterator[Change]:
    """Yields changes as they happen, from the one after the id `after` on, until the store goes away.

    Raises:
        redis.ConnectionError: The store went away; what happened meanwhile can be read by the last id.
    """
    while True:
        answer = await client.xread({STREAM: after}, block=BLOCK_MS, count=1000)
        for _, entries in cast("Streams", answer or ()):
            for event_id, fields in entries:
                after = event_id
                yield Change(event_id, fields["id"], fields["state"], fields["owner"])
