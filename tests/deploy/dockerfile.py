"""Reads a Dockerfile, and follows its steps without a container engine."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from string import Template
from typing import NamedTuple

from deploy.sandbox import Sandbox, registries

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IGNORED = {"EXPOSE", "LABEL", "STOPSIGNAL"}


class Instruction(NamedTuple):
    """One step: its word, and the rest of the line."""

    word: str
    rest: str


@dataclass(frozen=True)
class Image:
    """What a stage has come to."""

    layers: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=lambda: {"PATH": DEFAULT_PATH})
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()


class Stage(NamedTuple):
    """A FROM and what follows."""

    parent: str
    steps: tuple[Instruction, ...]


def read_stages(path: Path) -> dict[str, Stage]:
    """The stages of a Dockerfile by name, in order."""
    found: dict[str, Stage] = {}
    name = ""
    for word, rest in _instructions(path.read_text()):
        if word == "FROM":
            parent, _, name = rest.split()
            found[name] = Stage(parent, ())
        else:
            stage = found[name]
            found[name] = Stage(stage.parent, (*stage.steps, Instruction(word, rest)))
    return found


def copied(stages: Mapping[str, Stage]) -> Iterator[str]:
    """The paths of the context that COPY names."""
    for stage in stages.values():
        for word, rest in stage.steps:
            if word == "COPY" and not rest.startswith("--from="):
                yield from rest.split()[:-1]


class Builder:
    """Builds stages in a folder; each is built once."""

    def __init__(self, dockerfile: Path, context: Path, folder: Path, base: Path) -> None:
        self.stages = read_stages(dockerfile)
        self._context, self._folder, self._base = context, folder / "stages", base
        self._ignored = _ignore_rules(context / ".dockerignore")
        self._built: dict[str, Image] = {}

    def build(self, name: str) -> Image:
        """The image of a stage."""
        if name not in self._built:
            parent, steps = self.stages[name]
            image = self.build(parent) if parent in self.stages else Image((self._base,))
            upper = self._folder / name / "upper"
            upper.mkdir(parents=True)
            image = replace(image, layers=(*image.layers, upper))
            for step in steps:
                image = self._follow(image, step, self._folder / name)
            self._built[name] = image
        return self._built[name]

    def _follow(self, image: Image, step: Instruction, folder: Path) -> Image:
        word, rest = step
        match word:
            case "ENV" | "ARG":
                return replace(image, environment=_with_variables(image.environment, rest))
            case "WORKDIR":
                (image.layers[-1] / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
                return replace(image, workdir=rest)
            case "USER":
                return replace(image, user=rest)
            case "ENTRYPOINT":
                return replace(image, entrypoint=tuple(json.loads(rest)))
            case "CMD":
                return replace(image, command=tuple(json.loads(rest)))
            case "HEALTHCHECK":
                return replace(image, healthcheck=tuple(json.loads(rest.partition("CMD ")[2])))
            case "COPY":
                self._copy(image, rest)
            case "RUN":
                self._run(image, rest, folder)
            case _:
                assert word in IGNORED, f"{word} is not understood"
        return image

    def _copy(self, image: Image, rest: str) -> None:
        *sources, target = rest.split()
        destination = PurePosixPath(image.workdir) / target
        if sources[0].startswith("--from="):
            stage = self.build(sources[0].removeprefix("--from="))
            for layer in stage.layers:
                _put(layer / sources[1].lstrip("/"), image.layers[-1], destination, copy=_link)
            return
        for source in sources:
            path = self._context / source
            assert path.exists(), f"COPY {source}: there is none"
            assert not self._ignores(path), f"COPY {source}: .dockerignore keeps it back"
            inside = destination if path.is_dir() and len(sources) == 1 else destination / path.name
            into = inside if target.endswith("/") or path.is_dir() else destination
            _put(path, image.layers[-1], into, ignore=self._skip)

    def _run(self, image: Image, script: str, folder: Path) -> None:
        sandbox = Sandbox(
            layers=image.layers[:-1],
            folder=folder,
            upper=image.layers[-1],
            environment={"HOME": "/root", **registries(), **image.environment},
            workdir=image.workdir,
            user=image.user,
            tmpfs=["/tmp"],  # noqa: S108 - inside the sandbox
            read_only_binds=_certificates(),
        )
        done = sandbox.run(["/bin/sh", "-euc", script], seconds=400)
        assert done.returncode == 0, f"RUN {script}\n{done.stdout}\n{done.stderr}"

    def _skip(self, folder: str, names: Sequence[str]) -> list[str]:
        return [name for name in names if self._ignores(Path(folder, name))]

    def _ignores(self, path: Path) -> bool:
        """Whether .dockerignore keeps a path back: the last rule that fits it or a folder above decides."""
        relative = path.relative_to(self._context)
        names = [str(relative), *(str(parent) for parent in relative.parents if parent.name)]
        kept_back = False
        for pattern, keep in self._ignored:
            if any(_fits(name, pattern) for name in names):
                kept_back = not keep
        # A folder is let through for what lies in it.
        return kept_back and not any(
            keep and pattern.startswith(f"{relative}/") for pattern, keep in self._ignored
        )


def _link(source: str, target: str) -> None:
    """The same file again, in the place of what an earlier layer had there."""
    Path(target).unlink(missing_ok=True)
    os.link(source, target)


def _fits(name: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch(PurePosixPath(name).name, pattern[3:])
    return fnmatch(name, pattern) and name.count("/") == pattern.count("/")


def _ignore_rules(path: Path) -> list[tuple[str, bool]]:
    lines = (line.strip() for line in path.read_text().splitlines())
    return [
        (line.removeprefix("!"), line.startswith("!"))
        for line in lines
        if line and not line.startswith("#")
    ]


def _put(
    source: Path,
    layer: Path,
    destination: PurePosixPath,
    *,
    ignore: Callable[[str, Sequence[str]], list[str]] | None = None,
    copy: Callable[[str, str], object] = shutil.copy2,
) -> None:
    """Puts a file, or what lies in a folder, into a layer; layers of earlier stages share their files by links."""
    target = layer / str(destination).lstrip("/")
    if source.is_dir():
        shutil.copytree(
            source, target, symlinks=True, dirs_exist_ok=True, ignore=ignore, copy_function=copy
        )
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        copy(str(source), str(target))


def _with_variables(environment: Mapping[str, str], rest: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in shlex.split(rest))
    known = dict(environment)
    return known | {name: Template(value).safe_substitute(known) for name, _, value in pairs}


def _certificates() -> dict[str, Path]:
    """Where this machine keeps certificates beyond /etc and /usr, if its variables name such a place."""
    named = {Path(value) for name, value in registries().items() if "CERT" in name}
    return {
        str(path): path
        for path in named
        if path.exists() and not path.is_relative_to("/etc") and not path.is_relative_to("/usr")
    }


def _instructions(text: str) -> Iterator[Instruction]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    for line in joined.splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield Instruction(word, rest.strip())
