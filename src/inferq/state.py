"""The connection to the state store (Redis or Valkey) and to the Lua scripts that change it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import redis
import redis.asyncio
from redis.backoff import ExponentialBackoff
from redis.commands.core import Script
from redis.retry import Retry

from inferq.errors import StateUnavailable
from inferq.kept_connections import KeptConnections
from inferq.sentinel import Sentinels, is_sentinel
from inferq.telemetry.metrics import count_state_error

KEY_PREFIX = "inferq:"
BLOCKING_TIMEOUT = 10.0
BLOCK_MS = 5000
CHUNK = 1000
SOCKET_SCHEMES = ("redis+socket", "unix", "socket")

Entries = Sequence[tuple[str, dict[str, str]]]
"""Of a stream: their ids and fields."""


def client_url(url: str) -> str:
    """redis-py's form of a URL in kombu's: `redis+socket://:pw@/path?virtual_host=0` is its `unix://`."""
    parts = urlsplit(url)
    if parts.scheme not in SOCKET_SCHEMES:
        return url
    database = parse_qs(parts.query).get("virtual_host", ["0"])[0]
    return f"unix://{parts.netloc}{parts.path}?db={database}"


def connect(url: str) -> redis.Redis:
    """A thread-safe client with short time-outs; it connects on first use."""
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": 2.0,
        "socket_connect_timeout": 1.0,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
    }
    if is_sentinel(url):
        return KeptConnections.from_pool(Sentinels.parse(url).pool(**options))
    return KeptConnections.from_url(client_url(url), **options)


def connect_async(url: str) -> redis.asyncio.Redis:
    """A client for one task that blocks on the event stream, for less than its time-out."""
    pool = async_pool(
        url, decode_responses=True, socket_timeout=BLOCKING_TIMEOUT, socket_connect_timeout=1.0
    )
    return redis.asyncio.Redis.from_pool(pool)


def async_pool(url: str, **options: Any) -> redis.asyncio.ConnectionPool:
    """Connections for asyncio, with redis-py's options; they are opened on first use."""
    if is_sentinel(url):
        return Sentinels.parse(url).async_pool(**options)
    return redis.asyncio.ConnectionPool.from_url(client_url(url), **options)


class state_errors:  # noqa: N801 - used as contextlib's are; a generator would take a third of a call's time
    """Turns a state store that does not answer into `StateUnavailable`."""

    def __enter__(self) -> None:
        """Does nothing."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Raises the error that stands for what was raised."""
        if isinstance(error, redis.OutOfMemoryError):
            count_state_error("full")
            raise StateUnavailable(
                "The state store is full and takes no more predictions; try again once some were finished and expired.",
                retry_after=30,
            ) from error
        if isinstance(error, redis.ConnectionError | redis.TimeoutError | redis.ReadOnlyError):
            count_state_error("unreachable")
            raise StateUnavailable(
                "The state store does not answer. Nothing is lost; try again in a moment.",
                retry_after=2,
            ) from error


def load_script(client: redis.Redis, package: str, name: str) -> Script:
    """The Lua script `name` of a package's `scripts` folder, ready to be called.

    What the folder's scripts share (`prelude.lua`) is put behind the first line, which holds the flags.
    """
    scripts = files(package).joinpath("scripts")
    flags, body = scripts.joinpath(f"{name}.lua").read_text(encoding="utf-8").split("\n", 1)
    prelude = scripts.joinpath("prelude.lua")
    shared = prelude.read_text(encoding="utf-8") if prelude.is_file() else ""
    return client.register_script(f"{flags}\n{shared}{body}")


def due(client: redis.Redis, key: str, *, limit: int) -> list[str]:
    """Members of a sorted set whose score, microseconds of the store's clock, has passed; oldest first.

    Raises:
        StateUnavailable: The state store does not answer.
    """
    with state_errors():
        pipe = client.pipeline(transaction=False)
        pipe.time()
        pipe.zrange(key, 0, limit - 1, withscores=True)
        (seconds, micros), members = pipe.execute()
    return [member for member, score in members if score <= seconds * 1e6 + micros]


def microseconds(duration: timedelta) -> int:
    """A duration as the store counts it."""
    return duration // timedelta(microseconds=1)


def at(microseconds: float) -> datetime:
    """A time as the store counts it: microseconds since 1970."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def moment(fields: Mapping[str, str], name: str) -> datetime | None:
    """The time in a field of a hash; None where it is missing or empty."""
    return at(int(fields[name])) if fields.get(name) else None


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """Names and values in turn, as scripts give them, by name."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


async def follow_stream(
    client: redis.asyncio.Redis, stream: str
) -> AsyncIterator[Sequence[tuple[str, dict[str, str]]]]:
    """Yields what is added to a stream from now on, all at once that came meanwhile, until the store goes away.

    The first list is empty: it says that from here on nothing is missed.

    Raises:
        redis.ConnectionError: The store went away.
    """
    newest = cast("Entries", await client.xrevrange(stream, count=1))
    after = newest[0][0] if newest else "0-0"
    yield []
    while True:
        answer = await client.xread({stream: after}, block=BLOCK_MS, count=CHUNK)
        for _, entries in cast("Sequence[tuple[str, Entries]]", answer or ()):
            after = entries[-1][0]
            yield entries
