"""kombu's Redis transports with a client that is kept; kombu makes one for every message and every acknowledgement."""

from typing import Any

import redis
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import Channel, SentinelChannel, SentinelTransport, Transport

from inferq.kept_connections import KeptConnections


class _Channel(Channel):
    """A channel whose synchronous operations share one client as long as its pool of connections lasts."""

    _kept: redis.Redis | None = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        make = super()._create_client  # type: ignore[misc]  # kombu's types do not tell of it
        if asynchronous:
            return make(asynchronous=True)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = make()
        return self._kept

    def _get_client(self) -> type[redis.Redis]:
        return KeptConnections


class _SentinelChannel(_Channel, SentinelChannel):
    """On the server that Sentinels name."""


class KeptClientTransport(Transport):
    """Of `redis://`, `rediss://` and sockets."""

    Channel = _Channel


class KeptClientSentinelTransport(SentinelTransport):
    """Of `sentinel://`."""

    Channel = _SentinelChannel


def keep_broker_clients() -> None:
    """Has kombu use these transports from now on in this process."""
    ours = {Transport: KeptClientTransport, SentinelTransport: KeptClientSentinelTransport}
    for theirs, own in ours.items():
        path = f"{theirs.__module__}:{theirs.__name__}"
        names = [name for name, known in TRANSPORT_ALIASES.items() if known == path]
        TRANSPORT_ALIASES.update(dict.fromkeys(names, f"{own.__module__}:{own.__name__}"))
