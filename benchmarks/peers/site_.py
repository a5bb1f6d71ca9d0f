"""Where one contender runs: a folder, a port, its brokers and stores, and its processes, restarted where they die."""

import atexit
import os
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import processes

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from faults.nodes import RabbitNode, StateNode
from faults.processes import Process, short_folder
from system.served import free_port

if TYPE_CHECKING:
    from contenders import Contender

HERE = Path(__file__).resolve().parent


class Site:
    """A contender's processes; ends all of them on leaving."""

    def __init__(self, contender: "Contender") -> None:
        """Starts nothing yet."""
        self.folder = short_folder()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.mark = secrets.token_hex(8)
        self._contender = contender
        self._nodes: list[RabbitNode | StateNode] = []
        self._roots: list[Process] = []

    def __enter__(self) -> Self:
        os.environ[processes.MARK] = self.mark  # what is started from here on carries it
        try:
            urls = self._start_servers()
            self._start(urls)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for root in self._roots:
            root.terminate()
        processes.end_all(self.mark)
        for node in self._nodes:
            node.close()
        os.environ.pop(processes.MARK, None)
        # Once all are measured: ext4 makes files more slowly for minutes after many were removed, and the next would pay.
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)

    def tend(self) -> None:
        """Starts again what has died and has no supervisor of its own, as a machine's init would."""
        for root in self._roots:
            if not root.alive:
                root.start()

    def processes(self) -> list[processes.Process]:
        """All that it has started, brokers and stores included."""
        parts = [*self._roots, *(node.process for node in self._nodes)]
        return processes.marked(self.mark, [part.pid for part in parts])

    def alive(self) -> bool:
        """Whether all that was started runs."""
        return all(root.alive for root in self._roots)

    @property
    def output(self) -> str:
        """What its processes have printed."""
        return "\n".join(root.output for root in self._roots)

    def _start_servers(self) -> dict[str, str]:
        urls = {}
        for name in self._contender.servers:
            node = RabbitNode() if name == "rabbitmq" else _redis()
            self._nodes.append(node)
            node.start()
            urls["broker" if name == "rabbitmq" else "redis"] = node.url
        return urls

    def _start(self, urls: Mapping[str, str]) -> None:
        words = {
            "port": str(self.port),
            "folder": str(self.folder),
            "cpus": str(len(os.sched_getaffinity(0))),
            **urls,
        }
        environment = os.environ | {
            "PORT": words["port"],
            "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parents[1] / "src"))),
            "XDG_CONFIG_HOME": str(self.folder),
            "TMPDIR": str(self.folder),
        }
        environment |= _filled(self._contender.environment, words)
        for number, command in enumerate(self._contender.commands):
            root = Process(
                _absolute([word.format(**words) for word in command]),
                environment=environment,
                folder=self.folder,
                name=f"root-{number}",
            )
            self._roots.append(root.start())


def _redis() -> StateNode:
    """A Redis with the settings of the tests' Valkey, but synced as Compose has it; that Valkey where there is none."""
    node = StateNode("redis")
    node.process.command += ["--appendfsync", "everysec"]
    node.process.command[0] = shutil.which("redis-server") or node.process.command[0]
    return node


def _filled(given: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    return {name: value.format(**words) for name, value in given.items()}


def _absolute(command: Sequence[str]) -> list[str]:
    """The command with our own scripts named in full: it runs in the site's folder."""
    return [str(HERE / word) if (HERE / word).is_file() else word for word in command]
