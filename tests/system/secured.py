"""Servers as operators run them: Redis and RabbitMQ behind TLS, and Redis behind Sentinel."""

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import redis

from faults.certificates import Certificates
from faults.processes import Process, short_folder
from system.served import eventually, free_port

REDIS = """\
bind 127.0.0.1
daemonize no
dir {folder}
appendonly yes
save ""
maxmemory-policy noeviction
requirepass {password}
masterauth {password}
"""
TLS = """\
port 0
tls-port {port}
tls-ca-cert-file {authority}
tls-cert-file {certificate}
tls-key-file {key}
tls-auth-clients yes
"""
SENTINEL = """\
port {port}
bind 127.0.0.1
dir {folder}
requirepass {own}
sentinel sentinel-pass {own}
sentinel monitor inferq 127.0.0.1 {primary} 2
sentinel auth-pass inferq {password}
sentinel down-after-milliseconds inferq 1000
sentinel failover-timeout inferq 5000
"""
PASSWORD = "correct-horse"
SENTINEL_PASSWORD = "battery-staple"


class RedisNode:
    """A Redis from PATH with a password: over TLS alone where it has certificates, or a replica of another."""

    def __init__(
        self, *, certificates: Certificates | None = None, of: "RedisNode | None" = None
    ) -> None:
        self.port = free_port()
        self.url = f"redis{'s' if certificates else ''}://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.folder = short_folder()
        lines = REDIS.format(folder=self.folder, password=PASSWORD)
        lines += (
            TLS.format(port=self.port, **vars(certificates))
            if certificates
            else f"port {self.port}\n"
        )
        lines += f"replicaof 127.0.0.1 {of.port}\n" if of else ""
        self.process = _redis(self.folder, lines)

    def client(self, **options: object) -> redis.Redis:
        """A client of this very server."""
        return redis.Redis.from_url(self.url, decode_responses=True, **options)

    def __enter__(self) -> Self:
        self.process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class SentinelSet:
    """A primary, its replica, and three sentinels that watch them."""

    def __init__(self) -> None:
        self.primary = RedisNode()
        self.replica = RedisNode(of=self.primary)
        self._folders = [short_folder() for _ in range(3)]
        ports = [free_port() for _ in self._folders]
        self._sentinels = [
            self._sentinel(folder, port) for folder, port in zip(self._folders, ports, strict=True)
        ]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.url = (
            f"redis+sentinel://:{PASSWORD}@{hosts}/0"
            f"?service=inferq&sentinel_password={SENTINEL_PASSWORD}"
        )
        self._asked = redis.Redis(port=ports[0], password=SENTINEL_PASSWORD, decode_responses=True)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.primary)
        self._stack.enter_context(self.replica)
        for sentinel in self._sentinels:
            sentinel.start()
            self._stack.callback(sentinel.end)
        eventually(self._complete, seconds=60)
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.close()
        self._stack.close()
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def fail_over(self) -> None:
        """Kills the primary, and waits until the sentinels have made the replica the new one."""
        self.primary.process.kill()
        eventually(lambda: int(self._service()["port"]) == self.replica.port, seconds=60)

    def _complete(self) -> bool:
        try:
            service = self._service()
        except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError):
            return False
        return service["num-slaves"] == 1 and service["num-other-sentinels"] == 2

    def _service(self) -> dict[str, int]:
        return self._asked.sentinel_master("inferq")

    def _sentinel(self, folder: Path, port: int) -> Process:
        lines = SENTINEL.format(
            port=port, folder=folder, primary=self.primary.port, password=PASSWORD,
            own=SENTINEL_PASSWORD,
        )  # fmt: skip
        return _redis(folder, lines, "--sentinel")


def _redis(folder: Path, lines: str, *options: str) -> Process:
    configuration = folder / "redis.conf"
    configuration.write_text(lines)
    command: Sequence[str] = ["redis-server", str(configuration), *options]
    return Process(command, environment=os.environ, folder=folder, name="redis")
