"""State store and broker behind Redis Sentinel: one URL that names the sentinels, and the clients that ask them.

`redis+sentinel://user:password@host1:26379,host2:26379,host3:26379/0?service=inferq`, with `rediss+sentinel://` for TLS;
user, password and database are those of the servers. Sentinels have a password by `&sentinel_password=…`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

from inferq.errors import SetupError

SCHEMES = ("redis+sentinel", "rediss+sentinel")
DEFAULT_PORT = 26379
SOCKET_OPTIONS = ("socket_timeout", "socket_connect_timeout")


def is_sentinel(url: str) -> bool:
    """Whether a URL names sentinels instead of a server."""
    return url.partition(":")[0] in SCHEMES


@dataclass(frozen=True, slots=True)
class Sentinels:
    """What such a URL says."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    database: int
    username: str | None
    password: str | None
    sentinel_password: str | None
    tls: Mapping[str, str]
    """redis-py's `ssl_*` options; empty without TLS."""

    @classmethod
    def parse(cls, url: str) -> "Sentinels":
        """Reads a URL.

        Raises:
            SetupError: It names no service, no sentinel, or a port or database that is no number.
        """
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        credentials, _, hosts = parts.netloc.rpartition("@")
        username, _, password = credentials.partition(":")
        try:
            return cls(
                hosts=tuple(_address(host) for host in hosts.split(",")),
                service=query["service"],
                database=int(parts.path.strip("/") or 0),
                username=unquote(username) or None,
                password=unquote(password) or None,
                sentinel_password=query.get("sentinel_password"),
                tls={name: value for name, value in query.items() if name.startswith("ssl_")},
            )
        except (ValueError, KeyError) as error:
            raise SetupError(
                "A URL of sentinels is written redis+sentinel://:password@host1:26379,host2:26379/0?service=NAME."
            ) from error

    def connection(self, **options: Any) -> dict[str, Any]:
        """What connections to a server are made with."""
        return {
            "db": self.database,
            "username": self.username,
            "password": self.password,
            **({"ssl": True} | dict(self.tls) if self.tls else {}),
            **options,
        }

    def asking(self, **options: Any) -> dict[str, Any]:
        """What connections to a sentinel are made with."""
        return {
            "password": self.sentinel_password,
            **({"ssl": True} | dict(self.tls) if self.tls else {}),
            **{name: options[name] for name in SOCKET_OPTIONS if name in options},
        }

    def pool(self, **options: Any) -> redis.sentinel.SentinelConnectionPool:
        """Connections to whichever server is the primary; it connects on first use."""
        asked = redis.sentinel.Sentinel(  # type: ignore[no-untyped-call]
            self.hosts, sentinel_kwargs=self.asking(**options)
        )
        return redis.sentinel.SentinelConnectionPool(  # type: ignore[no-untyped-call]
            self.service, asked, **self.connection(**options)
        )

    def async_pool(self, **options: Any) -> redis.asyncio.sentinel.SentinelConnectionPool:
        """The same, for asyncio."""
        asked = redis.asyncio.sentinel.Sentinel(  # type: ignore[no-untyped-call]
            self.hosts, sentinel_kwargs=self.asking(**options)
        )
        return redis.asyncio.sentinel.SentinelConnectionPool(  # type: ignore[no-untyped-call]
            self.service, asked, **self.connection(**options)
        )

    @property
    def celery_url(self) -> str:
        """The same as Celery and kombu write it; service and sentinels' password go by `celery_options`."""
        user = f"{quote(self.username or '', safe='')}:{quote(self.password or '', safe='')}@"
        credentials = user if self.username or self.password else ""
        return ";".join(
            f"sentinel://{credentials}{host}:{port}/{self.database}" for host, port in self.hosts
        )

    def celery_options(self, **options: Any) -> dict[str, Any]:
        """Transport options of Celery that belong to the URL."""
        return {"master_name": self.service, "sentinel_kwargs": self.asking(**options)}


def _address(text: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[::1]:port` or `host`.

    Raises:
        ValueError: It is none.
    """
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(text)
    return parts.hostname, parts.port or DEFAULT_PORT
