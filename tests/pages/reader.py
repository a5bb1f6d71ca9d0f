"""Someone who follows a page: with a shell, Python and Node, in a folder of their own, beside a running server."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from unittest import SkipTest

import numpy as np
import yaml
from PIL import Image
from skimage import data
from sybil import Example, Sybil
from sybil.evaluators.skip import Skipper
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from sybil.typing import Evaluator

from conftest import require
from photos import encoded
from system.served import Served, free_port

ROOT = Path(__file__).parents[2]
README_URL = "http://127.0.0.1:8000"
"""Where the pages' server is."""
SECONDS = 120
METRICS_PORT = free_port()
ASK = 'curl -s -H "Authorization: Bearer $(cat data/local.key)"'
KEY_ID = "[0-9a-f]{12,}"
INFERQ = """\
case "$1 $2" in
  "users add" | "users passwd") yes "a password of some length" | exec {python} -m inferq "$@" ;;
  *) exec {python} -m inferq "$@" ;;
esac"""
"""The command, with what its reader types where it asks for a password."""
PRELUDE = """\
curl() { command curl --no-progress-meter --fail-with-body "$@"; }
[ -f .shell ] && . ./.shell 2>/dev/null
set -e
trap 'declare -p | grep -v "^declare -[a-zA-Z]*r" > .shell' EXIT
"""
IMPORT = re.compile(r"^import .*;$\n", re.MULTILINE)
OUTPUT = "text"
LANGUAGE = re.compile(r"^ *```([\w-]+)", re.MULTILINE)
STARTS = "inferq up"
NEVER = ("docker", "git", "kubectl", "helm", "make", "pip", "uvx", "systemctl")
"""Programs that would change this machine."""
TOOLS = {"jq", "redis-cli", "rabbitmqctl", "rabbitmq-diagnostics", "node", "curl"}
"""Programs of pages that a machine may lack."""


class Reader:
    """Follows one page, and starts the server of its `inferq up` lines itself."""

    def __init__(self, folder: Path, page: Path, shared: Callable[[], Served]) -> None:
        self.folder = folder
        self._starts_its_own = any(line.startswith(STARTS) for line in lines_to_run(page))
        self._served: Served | None = None
        self._shared = shared
        self._port = free_port()
        self._programs: dict[str, list[str]] = {}
        for name in ("docs", "examples"):
            (folder / name).symlink_to(ROOT / name)
        programs = folder / "bin"
        programs.mkdir()
        lines = {name: f"echo {name} must not run here >&2; exit 1" for name in NEVER}
        lines["pytest"] = f'exec {sys.executable} -m pytest -q -p no:cacheprovider "$@"'
        lines["python"] = f'exec {sys.executable} "$@"'
        lines["inferq"] = INFERQ.format(python=sys.executable)
        lines["TASK_ID"] = (
            f"{ASK} $INFERQ_PAGE_URL/api/v1/predictions?limit=1 | jq -r '.items[0].task_id'"
        )
        lines["HOST"] = "hostname"
        lines["KEY_ID"] = f"inferq keys list --user ann | grep -oE '{KEY_ID}' | head -1"
        for name, line in lines.items():
            (programs / name).write_text(f"#!/bin/sh\n{line}\n")
            (programs / name).chmod(0o755)

    def _running(self) -> Served:
        """The page's server: that of its own `inferq up`, else the one that pages share."""
        if self._served is None:
            assert not self._starts_its_own, "the page has not said `inferq up` yet"
            self._served = self._shared()
            (self.folder / "data").symlink_to(self._served.data_dir)
            (self.folder / "inferq.log").symlink_to(self._served.log)
        return self._served

    @property
    def environment(self) -> dict[str, str]:
        """What leads programs to the server."""
        data_dir = self.folder / "data" if self._starts_its_own else self._running().data_dir
        return os.environ | {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(data_dir.parent / "config"),
            "INFERQ_DATA_DIR": str(data_dir),
            "INFERQ_PAGE_URL": self._url,
            "INFERQ_PAGE_METRICS": f"127.0.0.1:{METRICS_PORT}",
            "COLUMNS": "120",
        }

    def shell(self, example: Example) -> None:
        """Runs a block's lines; what they set is there in the next block of the page."""
        lines: list[str] = []
        for line in str(example.parsed).splitlines():
            if line.startswith(STARTS):
                self._shell("\n".join(lines))
                lines = []
                self._up(shlex.split(line, comments=True)[2:])
            else:
                lines.append(line)
        self._shell("\n".join(lines))

    def _up(self, arguments: list[str]) -> None:
        self.leave()
        program = ("bash", "-c", '[ -f .shell ] && . ./.shell; exec "$@"', "-", sys.executable)
        self._served = Served(
            self.folder / "data", *arguments, port=self._port, program=(*program, "-m", "inferq")
        ).ready()

    def _shell(self, code: str) -> None:
        if not re.sub(r"^\s*#.*$", "", code, flags=re.MULTILINE).strip():
            return
        for tool in TOOLS & set(re.findall(r"[\w-]+", code)):
            require(shutil.which(tool), tool)
        self._run("bash", "-c", PRELUDE + self._filled_in(code))

    def _filled_in(self, code: str) -> str:
        """The code with this server's address, and with what a reader puts where it says TASK_ID, KEY_ID and HOST."""
        code = code.replace(README_URL, self._url).replace("API_HOST:9464", "$INFERQ_PAGE_METRICS")
        return re.sub(r"(?<![$\w{])(TASK_ID|KEY_ID|HOST)\b(?!=)", r"$(\1)", code)

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}" if self._starts_its_own else self._running().url

    def program(self, language: str, example: Example) -> None:
        """Keeps a block: all of a language in a page are one program, run when the page is at its end."""
        self._programs.setdefault(language, []).append(self._filled_in(str(example.parsed)))

    def run_programs(self) -> None:
        """Runs the page's Python and JavaScript."""
        for language, blocks in self._programs.items():
            program, file = ("python", "page.py") if language == "python" else ("node", "page.mjs")
            require(shutil.which(program), program)
            code = "\n".join(blocks)
            imports = "".join(dict.fromkeys(IMPORT.findall(code)))
            (self.folder / file).write_text(imports + IMPORT.sub("", code))
            self._run(program, file)

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, timeout=SECONDS,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (
            f"{command[-1].removeprefix(PRELUDE)}\n{done.stdout}{done.stderr}"
        )

    def leave(self) -> None:
        """Ends the page's own server."""
        if self._served is not None and self._starts_its_own:
            self._served.stop()


def check_toml(example: Example) -> None:
    """Reads a block."""
    tomllib.loads(str(example.parsed))


def check_json(example: Example) -> None:
    """Reads a block."""
    json.loads(str(example.parsed))


def check_yaml(example: Example) -> None:
    """Reads a block."""
    list(yaml.safe_load_all(str(example.parsed)))


def examples(page: Path, known: Mapping[str, Evaluator]) -> Iterator[Example]:
    """The blocks of a page in these languages, in order, and where it says that the next one is left out."""
    parsers = [CodeBlockParser(language, evaluate) for language, evaluate in known.items()]
    yield from Sybil([*parsers, SkipParser()]).parse(page).examples()


def lines_to_run(page: Path) -> list[str]:
    """The shell lines of a page, without the blocks that are left out."""
    lines: list[str] = []
    known: dict[str, Evaluator] = dict.fromkeys(LANGUAGE.findall(page.read_text()), lambda _: None)
    known["sh"] = lambda example: lines.extend(str(example.parsed).splitlines())
    for example in examples(page, known):
        with suppress(SkipTest):
            example.evaluate()
    return lines


def languages(reader: Reader) -> Mapping[str, Evaluator]:
    """How each language of a page is tried."""
    return {
        "sh": reader.shell,
        "python": partial(reader.program, "python"),
        "js": partial(reader.program, "js"),
        "toml": check_toml,
        "json": check_json,
        "yaml": check_yaml,
    }


def follow(page: Path, folder: Path, shared: Callable[[], Served]) -> tuple[int, list[str]]:
    """Does all that a page says; returns how many blocks ran, and why the others did not."""
    run, left = 0, []
    with reading(folder, page, shared) as reader:
        known = languages(reader)
        unknown = set(LANGUAGE.findall(page.read_text())) - known.keys() - {OUTPUT}
        assert not unknown, f"no way to run {unknown}"
        for example in examples(page, known):
            try:
                example.evaluate()
            except SkipTest as reason:
                left.append(str(reason))
            else:
                run += not isinstance(example.region.evaluator, Skipper)
    return run, left


@contextmanager
def reading(folder: Path, page: Path, shared: Callable[[], Served]) -> Iterator[Reader]:
    """A reader with photographs and a letter at hand."""
    (folder / "photos").mkdir()
    for name in ("chelsea", "coffee", "astronaut"):
        picture = getattr(data, name)()
        (folder / "photos" / f"{name}.jpg").write_bytes(encoded(_image(picture), "JPEG"))
    shutil.copy(folder / "photos" / "chelsea.jpg", folder / "photo.jpg")
    (folder / "wall.jpg").write_bytes(encoded(_image(data.brick()), "JPEG"))
    (folder / "letter.txt").write_text("Xin chào, rất vui được gặp bạn")
    reader = Reader(folder, page, shared)
    try:
        yield reader
        reader.run_programs()
    finally:
        reader.leave()


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels)
