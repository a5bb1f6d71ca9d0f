"""Runs what deploy/compose/compose.yaml says, without a container engine: the same commands, users, environment,
mounts, names, health checks and order, on the servers of this machine. Limits of resources are not enforced."""

import ctypes
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
PORT = Path(__file__).with_name("port.py")
CLONE_NEWNET = 0x40000000


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
    recipe: Mapping[str, Any]
    """What it was made of: another one replaces it where that has changed."""
    healthcheck: Sequence[str] = ()
    beside: list[Process] = field(default_factory=list)
    """What runs outside for it: its name server, its published ports."""

    @property
    def init(self) -> int:
        """The id of its first process, seen from outside."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(eventually(lambda: children.read_text().split(), seconds=10)[0])

    def exec(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs a command in it."""
        return subprocess.run(
            self.inside(command), capture_output=True, text=True, timeout=60, check=False
        )

    def inside(self, command: Sequence[str]) -> list[str]:
        """What runs a command in it."""
        uid, gid = self.sandbox.user.split(":")
        pairs = [f"{name}={value}" for name, value in self.sandbox.environment.items()]
        return [
            "nsenter", "--target", str(self.init), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd",
            "--setgid", gid, "--setuid", uid, "env", "-i", *pairs, *command,
        ]  # fmt: skip

    def healthy(self) -> bool:
        """Whether its health check says so; without one, it need only run."""
        assert self.process.alive, f"{self.name} has ended:\n{self.process.output}"
        return not self.healthcheck or self.exec(self.healthcheck).returncode == 0

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
    checkout: Path = compose_file.ROOT
    """Whose files it runs; their `.env` is read by `configure` alone."""
    publishes: bool = False
    """Whether there is a machine on which ports are published: a network namespace, see `on_the_machine`."""

    def __post_init__(self) -> None:
        self.folder = short_folder()
        self.folder.chmod(0o755)
        self._id = token_hex(3)
        subnets = [f"10.{200 + randbelow(50)}.{randbelow(250)}" for _ in range(2)]
        self._here = {"FRONT_SUBNET": f"{subnets[0]}.0/24", "MODELS_DIR": "./none"}
        self.variables = self._here | self.variables
        self.file = compose_file.read(self.variables, self.checkout)
        self._scale: dict[str, int] = {}
        self._printed: dict[str, str] = {}
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
        if self.publishes:
            self._network(self.machine, list(self._subnets))
        return self

    def __exit__(self, *_: object) -> None:
        for container in list(self.containers):
            self.kill(container)
            self.remove(container)
        for relay in self._relays:
            relay.end()
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
        for line in listed.stdout.splitlines():
            if line.startswith(f"iq{self._id}"):
                _ip("netns", "delete", line.split()[0])
        for name in self._subnets:
            _ip("link", "delete", self._bridge(name))
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def machine(self) -> str:
        """The network namespace of the machine that ports are published on."""
        return f"iq{self._id}-machine"

    @contextmanager
    def on_the_machine(self) -> Iterator[None]:
        """What this thread connects to meanwhile, and threads that it starts, it does from the machine with the ports."""
        with (
            Path("/proc/thread-self/ns/net").open() as before,
            Path("/run/netns", self.machine).open() as there,
        ):
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def configure(self, *, scale: Mapping[str, int] | None = None) -> None:
        """Reads the checkout's files anew, as each `docker compose` does; what has changed takes effect at the next `up`."""
        self.settings = compose_file.read_env(self.checkout)
        # What is particular to this machine stands for variables of the operator's shell, which go before those of `.env`.
        self.variables = {**self.settings, **self._here}
        self.file = compose_file.read(self.variables, self.checkout)
        self._scale = dict(scale or {})

    def up(self, *profiles: str) -> str:
        """Starts what does not run yet, and anew what has changed, in order; returns what those printed that ran to their end."""
        printed = ""
        for service in compose_file.start_order(self.file["services"], profiles):
            if self.file["services"][service].get("restart") == "no":
                printed += self._run_once(service)
                continue
            for container in self._running(service):
                eventually(container.healthy, seconds=START_SECONDS)
        return printed

    def down(self, *profiles: str, volumes: bool = False) -> None:
        """Stops and forgets the services of these profiles, the last started first; with `volumes`, also what they wrote."""
        for service in reversed(compose_file.start_order(self.file["services"], profiles)):
            for container in self.of(service):
                self.stop(container)
                self.remove(container)
            self._printed.pop(service, None)
        if volumes:
            shutil.rmtree(self.folder / "volumes", ignore_errors=True)

    def printed(self, service: str) -> str:
        """What a service's containers have printed since they were made."""
        return self._printed.get(service, "") + "".join(
            container.process.output for container in self.of(service)
        )

    def once(self, service: str, command: Sequence[str]) -> list[str]:
        """What runs a command in a new container of a service, without a network."""
        container = self.add(service, 1)
        self.containers.remove(container)
        return container.sandbox.command(command)

    def _running(self, service: str) -> list[Container]:
        """The containers of a service, as many and as they should be; all of them run."""
        spec = self.file["services"][service]
        replicas = self._scale.get(service, int(spec.get("deploy", {}).get("replicas", 1)))
        for container in self.of(service):
            number = int(container.name.rpartition("-")[2])
            if container.recipe != self._recipe(service) or number > replicas:
                self.stop(container)
                self.remove(container)
            elif not container.process.alive:
                self.start(container)
        there = {container.name for container in self.of(service)}
        missing = (n + 1 for n in range(replicas) if f"{service}-{n + 1}" not in there)
        for number in missing:
            self.start(self.add(service, number))
        return self.of(service)

    def start(self, container: Container) -> Container:
        """Starts a container, again with what it wrote before."""
        container.process.start()
        self._publish_names()
        return container

    def stop(self, container: Container) -> None:
        """SIGTERM, and SIGKILL once its grace period is over; its name goes, too."""
        if not container.process.alive:
            return
        grace = str(container.recipe["spec"].get("stop_grace_period", "10s"))
        try:
            container.stop(float(grace.removesuffix("s")))
        except subprocess.TimeoutExpired:
            self.kill(container)
        self._publish_names()

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
        for process in container.beside:
            process.end()

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
        self._printed[service] = self._printed.get(service, "") + container.process.output
        return container.process.output

    def _recipe(self, service: str) -> Mapping[str, Any]:
        spec = self.file["services"][service]
        return {"spec": spec, "env_file": self._env_file(spec)}

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
            f"{service}-{number}", service, addresses, sandbox, process, self._recipe(service), _healthcheck(spec)
        )  # fmt: skip
        if any("/etc/nginx/inferq" in target for target in read_only):
            self._beside(container, network, "dns", DNS, str(hosts))
        for line in spec.get("ports", ()) if self.publishes else ():
            *host, port, inner = line.split(":")
            address = next(iter(addresses.values()))
            self._beside(
                container, self.machine, f"port-{port}", PORT, *(host or ["0.0.0.0"]), port, address, inner
            )  # fmt: skip
        self.containers.append(container)
        return container

    def _beside(
        self, container: Container, network: str, name: str, script: Path, *words: str
    ) -> None:
        """Runs a script of ours for a container, in a network namespace."""
        process = Process(
            ["ip", "netns", "exec", network, sys.executable, str(script), *words],
            environment={"PATH": DEFAULT_PATH}, folder=container.sandbox.folder, name=name,
        ).start()  # fmt: skip
        container.beside.append(process)
        eventually(lambda: "ready" in process.output, seconds=60)

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
            path = (self.checkout / compose_file.FOLDER / source).resolve()
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


def _enter(namespace: int) -> None:
    """Moves this thread into a network namespace, given as an open file."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
