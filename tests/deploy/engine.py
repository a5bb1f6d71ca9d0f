"""Runs what deploy/compose/compose.yaml says, without a container engine: the same commands, users, environment,
mounts, names, health checks and order, on the servers of this machine. Limits of resources are not enforced."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import randbelow, token_hex
from typing import Any, Self

from deploy import compose_file
from deploy.dockerfile import DEFAULT_PATH, Image
from deploy.sandbox import Sandbox
from faults.processes import Process, short_folder
from system.served import eventually

START_SECONDS = 180
RABBITMQ = "/usr/lib/rabbitmq/bin"
DNS = Path(__file__).with_name("dns.py")
RELAY = Path(__file__).with_name("relay.py")


def stand_ins(base: Path, folder: Path) -> dict[str, Image]:
    """Debian's servers in the place of images, with the users and folders that those have."""
    plain = Image((base,))
    images = {"nginxinc/nginx-unprivileged": plain}
    for name, owned in (
        ("redis", ["data"]),
        ("rabbitmq", ["var/lib/rabbitmq", "var/log/rabbitmq"]),
    ):
        layer = folder / name
        for path in owned:
            (layer / path).mkdir(parents=True)
            shutil.chown(layer / path, 999, 999)
        images[name] = replace(plain, layers=(base, layer), user="999:999")
    rabbitmq = {
        "PATH": f"{RABBITMQ}:{DEFAULT_PATH}",
        "HOME": "/var/lib/rabbitmq",
        "LANG": "C.UTF-8",
    }
    # The machine has two cores for everything.
    quiet = {"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none"}
    images["rabbitmq"] = replace(images["rabbitmq"], environment=rabbitmq | quiet)
    return images


@dataclass
class Container:
    """One replica of a service."""

    name: str
    service: str
    addresses: Mapping[str, str]
    sandbox: Sandbox
    process: Process
    healthcheck: Sequence[str] = ()
    resolver: Process | None = None

    @property
    def init(self) -> int:
        """The id of its first process, seen from outside."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(eventually(lambda: children.read_text().split(), seconds=10)[0])

    def exec(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs a command in it."""
        uid, gid = self.sandbox.user.split(":")
        pairs = [f"{name}={value}" for name, value in self.sandbox.environment.items()]
        inside = [
            "nsenter",
            "--target",
            str(self.init),
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
        ]
        return subprocess.run(
            [*inside, "--root", "--wd", "--setgid", gid, "--setuid", uid, "env", "-i", *pairs, *command],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def healthy(self) -> bool:
        """Whether its health check says so."""
        assert self.process.alive, f"{self.name} has ended:\n{self.process.output}"
        return self.exec(self.healthcheck).returncode == 0

    def stop(self, seconds: float) -> None:
        """What `docker stop` does."""
        os.kill(self.init, signal.SIGTERM)
        self.process.wait(seconds)


@dataclass
class Engine:
    """One project that is up."""

    images: Mapping[str, Image]
    variables: dict[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    """What stands in `.env` besides."""
    distance: Mapping[str, float] = field(default_factory=dict)
    """Services whose servers are so many milliseconds away, each way."""

    def __post_init__(self) -> None:
        self.folder = short_folder()
        self.folder.chmod(0o755)
        self._id = token_hex(3)
        subnets = [f"10.{200 + randbelow(50)}.{randbelow(250)}" for _ in range(2)]
        self.variables = {
            "FRONT_SUBNET": f"{subnets[0]}.0/24",
            "MODELS_DIR": "./none",
        } | self.variables
        self.file = compose_file.read(self.variables)
        self._subnets = dict(zip(("front", "back"), subnets, strict=True))
        self._next = dict.fromkeys(self._subnets, 2)
        self.containers: list[Container] = []
        self._lock = threading.Lock()
        self._relays: list[Process] = []

    def __enter__(self) -> Self:
        for name, subnet in self._subnets.items():
            bridge = self._bridge(name)
            _ip("link", "add", bridge, "type", "bridge")
            _ip("address", "add", f"{subnet}.1/24", "dev", bridge)
            _ip("link", "set", bridge, "up")
        return self

    def __exit__(self, *_: object) -> None:
        for container in self.containers:
            self.kill(container)
            if container.resolver:
                container.resolver.end()
        for relay in self._relays:
            relay.end()
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
        for line in listed.stdout.splitlines():
            if line.startswith(f"iq{self._id}"):
                _ip("netns", "delete", line.split()[0])
        for name in self._subnets:
            _ip("link", "delete", self._bridge(name))
        shutil.rmtree(self.folder, ignore_errors=True)

    def up(self, *profiles: str) -> str:
        """Starts what does not run yet, in order; returns what the services printed that ran to their end."""
        printed = ""
        for service in compose_file.start_order(self.file["services"], profiles):
            spec = self.file["services"][service]
            if spec.get("restart") == "no":
                printed += self._run_once(service)
                continue
            running = [
                one for one in self.containers if one.service == service and one.process.alive
            ]
            if not running:
                replicas = int(spec.get("deploy", {}).get("replicas", 1))
                running = [self.start(self.add(service, n + 1)) for n in range(replicas)]
            for container in running:
                eventually(container.healthy, seconds=START_SECONDS)
        return printed

    def start(self, container: Container) -> Container:
        """Starts a container, again with what it wrote before."""
        container.process.start()
        self._publish_names()
        return container

    def kill(self, container: Container) -> None:
        """SIGKILL for all of its processes, if it runs; its name goes, too."""
        if not container.process.alive:
            return
        os.kill(container.init, signal.SIGKILL)
        container.process.wait(20)
        self._publish_names()

    def remove(self, container: Container) -> None:
        """Forgets a container that does not run: the next `up` makes another one."""
        self.containers.remove(container)
        if container.resolver:
            container.resolver.end()

    def of(self, service: str) -> list[Container]:
        """The containers of a service."""
        return [container for container in self.containers if container.service == service]

    def address(self, service: str) -> str:
        """Where a service is reached from outside, as a published port leads to it."""
        return self.of(service)[0].addresses["front"]

    def volume(self, name: str) -> Path:
        """What lies in a volume."""
        return self.folder / "volumes" / name

    @contextmanager
    def client(self) -> Iterator[list[str]]:
        """What runs a command at another address of the network before nginx."""
        network, _ = self._network(f"iq{self._id}-client", ["front"])
        yield ["ip", "netns", "exec", network]

    def _run_once(self, service: str) -> str:
        container = self.add(service, 1)
        self.containers.remove(container)
        container.process.start()
        status = container.process.wait(60)
        assert status == 0, f"{service} ended with {status}:\n{container.process.output}"
        return container.process.output

    def add(self, service: str, number: int) -> Container:
        spec = self.file["services"][service]
        image = self._image(spec)
        folder = self.folder / f"{service}-{number}-{token_hex(2)}"
        folder.mkdir()
        network, addresses = self._network(
            f"iq{self._id}-{service}-{number}-{token_hex(2)}",
            spec.get("networks", ()),
            self.distance.get(service, 0),
        )
        binds, read_only = self._mounts(spec, image)
        hosts = folder / "hosts"
        hosts.touch()
        sandbox = Sandbox(
            layers=image.layers,
            folder=folder,
            upper=None if spec.get("read_only") else folder / "upper",
            environment={
                **image.environment,
                **self._env_file(spec),
                **spec.get("environment", {}),
            },
            user=spec.get("user", image.user),
            workdir=image.workdir,
            binds=binds,
            read_only_binds=read_only | {"/etc/hosts": hosts},
            tmpfs=spec.get("tmpfs", ()),
            name=spec.get("hostname", f"{service}-{number}"),
            network=network,
        )
        command = [
            *spec.get("entrypoint", image.entrypoint),
            *spec.get("command", image.command or _command(spec)),
        ]
        process = Process(
            sandbox.command(command),
            environment={"PATH": DEFAULT_PATH},
            folder=folder,
            name=service,
        )
        process.log.touch()
        process.log.chmod(0o666)  # nginx opens /dev/stdout by its name
        container = Container(
            f"{service}-{number}", service, addresses, sandbox, process, _healthcheck(spec)
        )
        if any("/etc/nginx/inferq" in target for target in read_only):
            resolver = ["ip", "netns", "exec", network, sys.executable, str(DNS), str(hosts)]
            container.resolver = Process(
                resolver, environment={"PATH": DEFAULT_PATH}, folder=folder, name="dns"
            ).start()
            eventually(lambda: "ready" in container.resolver.output, seconds=60)
        self.containers.append(container)
        return container

    def _image(self, spec: Mapping[str, Any]) -> Image:
        name = spec["build"]["target"] if "build" in spec else spec["image"].partition(":")[0]
        return self.images[name]

    def _env_file(self, spec: Mapping[str, Any]) -> Mapping[str, str]:
        return self.settings if spec.get("env_file") else {}

    def _mounts(
        self, spec: Mapping[str, Any], image: Image
    ) -> tuple[dict[str, Path], dict[str, Path]]:
        writable, read_only = {}, {}
        for line in spec.get("volumes", ()):
            source, target, *mode = line.split(":")
            path = self._source(source, target, image)
            (read_only if mode == ["ro"] else writable)[target] = path
        return writable, read_only

    def _source(self, source: str, target: str, image: Image) -> Path:
        if source.startswith("."):
            path = (compose_file.FILE.parent / source).resolve()
            if path.exists():
                return path
            path = self.folder / "made" / source.strip("./")
            path.mkdir(parents=True, exist_ok=True)
            return path
        path = self.volume(source)
        if not path.exists():
            # A new volume takes over what the image has there, with its owner.
            path.mkdir(parents=True)
            for layer in image.layers:
                there = layer / target.lstrip("/")
                if there.is_dir():
                    shutil.chown(path, there.stat().st_uid, there.stat().st_gid)
        return path

    def _network(
        self, name: str, networks: Sequence[str], milliseconds: float = 0
    ) -> tuple[str, dict[str, str]]:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "set", "lo", "up")
        addresses = {}
        for index, network in enumerate(networks):
            with self._lock:
                address = f"{self._subnets[network]}.{self._next[network]}"
                self._next[network] += 1
            if milliseconds and network == "back":
                self._connect_from_afar(name, f"eth{index}", network, milliseconds)
            else:
                self._connect(name, f"eth{index}", network)
            _ip("-n", name, "address", "add", f"{address}/24", "dev", f"eth{index}")
            _ip("-n", name, "link", "set", f"eth{index}", "up")
            addresses[network] = address
        return name, addresses

    def _connect(self, name: str, inside: str, network: str) -> None:
        outside = f"v{token_hex(5)}"
        _ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name)
        _ip("link", "set", outside, "master", self._bridge(network), "up")

    def _connect_from_afar(self, name: str, inside: str, network: str, milliseconds: float) -> None:
        command = [sys.executable, str(RELAY), name, inside, f"t{token_hex(5)}"]
        relay = Process(
            [*command, self._bridge(network), str(milliseconds)],
            environment=os.environ, folder=self.folder, name=f"relay-{len(self._relays)}",
        )  # fmt: skip
        self._relays.append(relay.start())
        eventually(lambda: "ready" in relay.output, seconds=60)

    def _bridge(self, network: str) -> str:
        return f"iq{self._id}{network}"

    def _publish_names(self) -> None:
        """Writes into each container the names of those that run in its networks."""
        alive = [one for one in self.containers if one.process.alive]
        for container in self.containers:
            own = container.sandbox.name
            lines = [
                "127.0.0.1 localhost",
                *(f"{address} {own}" for address in list(container.addresses.values())[:1]),
            ]
            for other in alive:
                shared = [n for n in container.addresses if n in other.addresses]
                lines += [f"{other.addresses[n]} {other.service}" for n in shared[:1]]
            (container.sandbox.folder / "hosts").write_text("\n".join(lines) + "\n")


def _command(spec: Mapping[str, Any]) -> Sequence[str]:
    """What images of servers run by themselves."""
    return ["rabbitmq-server"] if spec["image"].startswith("rabbitmq") else []


def _healthcheck(spec: Mapping[str, Any]) -> list[str]:
    kind, *command = spec.get("healthcheck", {}).get("test", ["NONE"])
    return ["sh", "-c", *command] if kind == "CMD-SHELL" else command


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
