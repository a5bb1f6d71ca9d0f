"""The supervisor behind `inferq up`: keeps Valkey, the workers and the API alive, and stops them together."""

import fcntl
import os
import shutil
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from inferq.accounts.setup import make_accounts
from inferq.accounts.store import AccountStore
from inferq.embedded.child import Child
from inferq.embedded.local_key import ensure_local_key
from inferq.embedded.recovery import Recovery
from inferq.embedded.syncing import keep_synced
from inferq.embedded.valkey import ValkeyServer, configure_valkey
from inferq.errors import SetupError, StateUnavailable
from inferq.local_server import LocalServer
from inferq.models.providers import split_by_device
from inferq.models.register import ModelRegister
from inferq.safety import is_local, require_safe
from inferq.settings import ANYWHERE, Settings
from inferq.state import connect
from inferq.telemetry.exposing import make_folder, share_metrics
from inferq.worker.liveness import BeatFile

TICK = 0.1
PROBE_SECONDS = 1.0
DRAIN_SECONDS = 5
GRACE_SECONDS = 10.0
START_SECONDS = 60.0
LOAD_SECONDS = 300.0
"""For workers to load their models, too: large ones, and TensorFlow itself, take their time on a busy machine."""
LOCK_SECONDS = 3.0
BACKLOG = 2048
WORKER_NICENESS = 10
"""Models take every core they get: who submits, and the state store, go first."""

log = structlog.get_logger()


class Supervisor:
    """One `inferq up`."""

    def __init__(
        self,
        settings: Settings,
        *,
        models: Sequence[str] = (),
        workers: int | None = None,
        reload: bool = False,
    ) -> None:
        """Takes the effective settings; nothing is started yet.

        Args:
            settings: Of this process.
            models: What the workers serve.
            workers: How many there are, by turns on the devices of `INFERQ_PROVIDERS`; by default one a device.
            reload: Whether the workers begin anew when a model's code is saved.

        Raises:
            SetupError: `INFERQ_PROVIDERS` names what does not exist.
        """
        demo = is_local(settings) if settings.demo is None else settings.demo
        self._settings = settings.model_copy(update={"demo": demo})
        self._models = models
        self._workers = workers
        self._reload = reload
        self._devices = split_by_device(settings.providers)
        self._stop = threading.Event()
        self._children: list[Child] = []
        self._valkey: Child | None = None
        self._recovery: Recovery | None = None
        self._metrics: Path | None = None

    @property
    def url(self) -> str:
        """Where the server can be reached."""
        settings = self._settings
        return (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Serves until SIGINT or SIGTERM; calls `on_ready` with the URL once predictions can be made.

        Raises:
            SetupError: The port or the data directory is taken, a child refuses its configuration, there is no
                Valkey to run, or others could do harm with what is set.
        """
        require_safe(self._settings)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        data_dir = self._settings.data_dir.absolute()
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = _lock(data_dir, self.url)
        listener = _listen(self._settings)
        if self._settings.metrics_port is not None:
            self._metrics = make_folder(data_dir / "metrics")
            share_metrics(self._metrics / "up")  # what was lost with a worker is counted here
        server = self._start_valkey(data_dir, lock)
        try:
            redis_url = server.url if server else self._settings.state_url()
            if server:
                self._recovery = Recovery(self._settings, redis_url)
                self._tend_until(self._recovery.answers, START_SECONDS)
                self._recovery.after_restart()
            key = self._make_accounts(redis_url)
            self._start_children(redis_url, listener)
            self._tend_until(lambda: _serves(self._settings, redis_url), LOAD_SECONDS)
            if not self._stop.is_set():
                LocalServer(self.url, key, str(data_dir)).write()
                on_ready(self.url)
            self._tend_until(self._stop.is_set, None)
        finally:
            self._shut_down()
            if server and not server.socket.is_relative_to(data_dir):
                shutil.rmtree(server.socket.parent, ignore_errors=True)

    def _start_valkey(self, data_dir: Path, lock: int) -> ValkeyServer | None:
        """Starts a Valkey of our own, unless a server is named. It holds the lock as long as it lives."""
        if self._settings.redis_url is not None:
            return None
        server = configure_valkey(data_dir / "valkey", self._settings.valkey_bin)
        self._valkey = Child(
            "Valkey", server.command, pass_fds=[lock], orphan_signal=signal.SIGTERM
        )
        self._valkey.start()
        keep_synced(data_dir / "valkey")
        return server

    def _make_accounts(self, redis_url: str) -> str | None:
        """Makes the first accounts; returns the key of this machine's user, where there is the demo account."""
        client = connect(redis_url)
        try:
            accounts = AccountStore(client)
            make_accounts(self._settings, accounts)
            if not self._settings.demo:
                return None
            return ensure_local_key(accounts, self._settings.data_dir.absolute())
        finally:
            client.close()

    def _start_children(self, redis_url: str, listener: socket.socket) -> None:
        environment = {
            "INFERQ_DATA_DIR": str(self._settings.data_dir.absolute()),
            "INFERQ_HOST": self._settings.host,
            "INFERQ_PORT": str(self._settings.port),
            "INFERQ_REDIS_URL": redis_url,
            "INFERQ_DRAIN_TIMEOUT": str(DRAIN_SECONDS),
            "INFERQ_DEMO": str(bool(self._settings.demo)).lower(),
        }
        inferq = [sys.executable, "-m", "inferq"]
        # The supervisor keeps the listening socket: while the API restarts, connections wait instead of failing.
        fd = listener.fileno()
        self._children = [
            Child(
                "API",
                [*inferq, "api", "--fd", str(fd), *self._share_metrics("api")],
                environment,
                pass_fds=[fd],
            )
        ]
        for index in range(self._workers or len(self._devices)):
            providers = self._devices[index % len(self._devices)]
            # Where there is one, what `inferq models tune` chose is to have a say.
            several = len(self._devices) > 1
            own = environment | ({"INFERQ_PROVIDERS": ",".join(providers)} if several else {})
            options = [
                *(["--reload"] if self._reload else []),
                *self._share_metrics(f"worker{index}"),
            ]
            worker = Child("worker", [*inferq, "worker", *self._models, *options], own)
            worker.niceness = WORKER_NICENESS
            worker.mendable = self._reload
            worker.trouble = lambda pid, since: BeatFile(pid).trouble(since)
            if self._recovery:
                worker.on_death = self._recovery.after_death
            self._children.append(worker)
        for child in self._children:
            child.start()

    def _share_metrics(self, name: str) -> list[str]:
        """The options of a child that keeps its metrics with the others, where anybody asks for them."""
        if self._metrics is None:
            return []
        return ["--share-metrics", str(self._metrics / name)]

    def _tend_until(self, done: Callable[[], bool], seconds: float | None) -> None:
        deadline = None if seconds is None else time.monotonic() + seconds
        everyone = [child for child in (self._valkey, *self._children) if child]
        while not (self._stop.wait(TICK) or done()):
            for child in everyone:
                child.tend()
            if deadline and time.monotonic() > deadline:
                raise SetupError(
                    f"The server was not ready after {seconds:.0f} s; the log above says why."
                )

    def _shut_down(self) -> None:
        """Ends API and workers first, then the Valkey that they talk to."""
        for group in (self._children, [self._valkey] if self._valkey else []):
            for child in group:
                child.terminate()
            deadline = time.monotonic() + GRACE_SECONDS
            for child in group:
                child.wait(deadline)


def _serves(settings: Settings, redis_url: str) -> bool:
    """Whether the API answers, and a worker has registered a model."""
    client = connect(redis_url)
    try:
        register = ModelRegister(client)
        if not register.workers():
            return False
        # The socket takes connections before there is an API, so the answer has to be waited for, briefly.
        host = ANYWHERE.get(settings.host, settings.host)
        url = f"http://{host}:{settings.port}/readyz"
        probe = urllib.request.Request(url, headers={"Host": settings.allowed_hosts[0]})
        with urllib.request.urlopen(probe, timeout=PROBE_SECONDS):
            return True
    except (OSError, StateUnavailable):
        return False
    finally:
        client.close()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        another = settings.port + 1
        raise SetupError(
            f"Port {settings.port} of {settings.host} cannot be used ({error.strerror})."
            f" Take another one: make run PORT={another}, or inferq up --port {another}."
        ) from error
    return listener


def _lock(data_dir: Path, url: str) -> int:
    """Locks a data directory for this process and its Valkey; two servers would ruin one append-only file.

    Returns:
        The descriptor that holds the lock.

    Raises:
        SetupError: Another `inferq up` runs there.
    """
    path = data_dir / "lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as error:
            # The Valkey of a supervisor that was killed needs a moment to end.
            if time.monotonic() > deadline:
                holder = path.read_text().strip() or "another process"
                raise SetupError(
                    f"inferq already runs on {data_dir} ({holder})."
                    " Stop it, or give this one a directory of its own: --data-dir."
                ) from error
            time.sleep(TICK)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"process {os.getpid()}, {url}\n".encode(), 0)
    return lock
