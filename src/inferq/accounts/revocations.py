"""The stream of revocations: whose credentials have changed, so that nobody goes on trusting what is remembered."""

from collections.abc import AsyncIterator

import redis.asyncio

from inferq.state import follow_stream

STREAM = "inferq:revocations"


async def follow_revocations(client: redis.asyncio.Redis) -> AsyncIterator[frozenset[str]]:
    """Yields ids of users whose credentials were changed, from now on, until the store goes away.

    The first set is empty: it says that from here on nothing is missed.

    Raises:
        redis.ConnectionError: The store went away.
    """
    async for entries in follow_stream(client, STREAM):
        yield frozenset(fields["user"] for _, fields in entries)
