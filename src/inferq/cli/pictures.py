"""Which pictures a command line means: files, and folders with pictures in them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inferq.errors import SetupError

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif"}
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One file to predict on.

    Attributes:
        path: As it was given, or found in a folder that was given.
        annotated: Where its annotated copy belongs, below the folder of such copies.
    """

    path: Path
    annotated: Path

    def fingerprint(self) -> str:
        """What changes when the file does: where it lies, its size, the time it was written.

        Raises:
            OSError: It cannot be looked at.
        """
        status = self.path.stat()
        return f"{self.path.resolve()}:{status.st_size}:{status.st_mtime_ns}"


def find_pictures(given: Iterable[Path], *, recursive: bool) -> list[Picture]:
    """The pictures that paths stand for, each once: files whatever their names are, and what folders hold.

    Raises:
        SetupError: A folder holds no picture.
    """
    names = Counter[Path]()
    found: dict[Path, Picture] = {}
    for path, inside in _expand(given, recursive=recursive):
        if path in found:
            continue
        wanted = inside.with_name(f"{inside.stem}-annotated")
        names[wanted] += 1
        count = "" if names[wanted] == 1 else f"-{names[wanted]}"
        found[path] = Picture(path, wanted.with_name(f"{wanted.name}{count}.jpg"))
    return list(found.values())


def _expand(given: Iterable[Path], *, recursive: bool) -> Iterator[tuple[Path, Path]]:
    """Each file with its path inside the folder that was given."""
    for path in given:
        if not path.is_dir():
            yield path, Path(path.name)
            continue
        files = sorted(_inside(path, recursive=recursive))
        if not files:
            hint = "" if recursive else "; --recursive looks into its folders, too"
            raise SetupError(f"{path} holds no pictures{hint}.")
        for file in files:
            yield file, file.relative_to(path)


def _inside(folder: Path, *, recursive: bool) -> Iterator[Path]:
    for path in folder.rglob("*") if recursive else folder.iterdir():
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.suffix.lower() in SUFFIXES and path.is_file():
            yield path
