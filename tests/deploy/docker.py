"""A `docker` for operators of tests: it understands the commands of docs/deploy.md, and has the tests' engine do them."""

import argparse
import json
import shlex
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from typing_extensions import override

from deploy.compose_file import FOLDER
from deploy.engine import Engine

COMMAND = Path(__file__).with_name("docker_command.py")


class Refused(Exception):
    """A command that this `docker` does not know."""


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{self.prog}: {message}")


def _arguments() -> argparse.ArgumentParser:
    parser = _Parser(prog="docker", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    build = commands.add_parser("build")
    for name in ("--file", "--target", "--tag"):
        build.add_argument(name, required=True)
    build.add_argument("context")
    compose = commands.add_parser("compose")
    compose.add_argument("--profile", action="append", default=[])
    verbs = compose.add_subparsers(dest="verb", required=True, parser_class=_Parser)
    up = verbs.add_parser("up")
    for name in ("--detach", "--wait", "--build"):
        up.add_argument(name, action="store_true")
    up.add_argument("--scale", action="append", default=[])
    verbs.add_parser("logs").add_argument("service")
    down = verbs.add_parser("down")
    down.add_argument("--volumes", action="store_true")
    for verb in ("stop", "start", "restart"):
        verbs.add_parser(verb).add_argument("services", nargs="+")
    run = verbs.add_parser("exec")
    once = verbs.add_parser("run")
    for name in ("--rm", "--no-deps"):
        once.add_argument(name, action="store_true", required=True)
    once.add_argument("--entrypoint", required=True)
    for one in (run, once):
        one.add_argument("-T", action="store_true")
        one.add_argument("service")
        one.add_argument("words", nargs=argparse.REMAINDER)
    return parser


class Docker:
    """Answers commands at a socket, one after the other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._socket = engine.folder / "docker.sock"
        self.bin = engine.folder / "bin"
        """The folder of the command, for `PATH`."""

    @contextmanager
    def answering(self) -> Iterator["Docker"]:
        """Answers meanwhile."""
        self.bin.mkdir()
        command = shlex.join([sys.executable, str(COMMAND), str(self._socket)])
        (self.bin / "docker").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (self.bin / "docker").chmod(0o755)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(self._socket))
            server.listen()
            threading.Thread(target=self._serve, args=(server,), daemon=True).start()
            yield self
            server.shutdown(socket.SHUT_RDWR)

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, connection.makefile("rw") as lines:
                asked = json.loads(lines.readline())
                try:
                    answer = self._do(asked["words"], Path(asked["folder"]))
                except (Refused, AssertionError) as error:
                    answer = {"told": f"{error}\n", "status": 1}
                lines.write(json.dumps(answer))

    def _do(self, words: Sequence[str], folder: Path) -> dict[str, Any]:
        """What the command does: prints `told` and ends with `status`, or becomes `exec`."""
        asked = _arguments().parse_args(words)
        checkout = self._engine.checkout
        if asked.command == "build":
            if (folder / asked.file).resolve() != checkout / "deploy/docker/Dockerfile":
                raise Refused(f"there is no {asked.file} in {folder}")
            if (folder / asked.context).resolve() != checkout:
                raise Refused(f"{asked.context} is not what is built")
            return {"told": "", "status": 0 if asked.target in self._engine.images else 1}
        if folder != checkout and folder != checkout / FOLDER:
            raise Refused(f"no configuration file provided: not found in {folder}")
        return self._compose(asked)

    def _compose(self, asked: argparse.Namespace) -> dict[str, Any]:
        engine = self._engine
        scale = {
            name: int(n)
            for name, _, n in (one.partition("=") for one in getattr(asked, "scale", ()))
        }
        engine.configure(scale=scale)
        profiles = self._all_profiles() if "*" in asked.profile else asked.profile
        told = ""
        match asked.verb:
            case "up":
                engine.up(*profiles)
            case "logs":
                told = engine.printed(asked.service)
            case "down":
                engine.down(*profiles, volumes=asked.volumes)
            case "stop" | "start" | "restart":
                for service in asked.services:
                    self._turn(service, asked.verb)
            case "exec":
                return {"exec": engine.of(asked.service)[0].inside(asked.words)}
            case "run":
                return {"exec": engine.once(asked.service, [asked.entrypoint, *asked.words])}
        return {"told": told, "status": 0}

    def _turn(self, service: str, verb: str) -> None:
        for container in self._engine.of(service):
            if verb != "start":
                self._engine.stop(container)
            if verb != "stop":
                self._engine.start(container)

    def _all_profiles(self) -> list[str]:
        services = self._engine.file["services"].values()
        return sorted({name for service in services for name in service.get("profiles", ())})
