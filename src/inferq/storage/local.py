"""Files in a folder of this machine or of a mounted network file system (NFS, SMB)."""

import os
from pathlib import Path
from typing import Any, BinaryIO

from fsspec.implementations.local import LocalFileSystem
from typing_extensions import override

# Paths are plain text here: pathlib takes each of them apart, which lasts longer than what is done with it.
# ruff: noqa: PTH103, PTH105, PTH123


class LocalFiles(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """fsspec's local files; what is moved takes its place at once, and is on the disk before that where it is asked for."""

    def __init__(self, *, fsync: bool = False, **options: Any) -> None:
        """With `fsync`, a file outlasts a power cut once its writing has returned."""
        super().__init__(**options)
        self._fsync = fsync

    @override
    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        with _open_new(path) as file:
            file.write(value)
            self._sync(file.fileno())

    @override
    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> bytes:
        with open(path, "rb") as file:
            if start:
                file.seek(start)
            return file.read(-1 if end is None else end - (start or 0))

    @override
    def cp_file(self, path1: str, path2: str, **options: Any) -> None:
        os.makedirs(path2.rpartition("/")[0], exist_ok=True)
        super().cp_file(path1, path2, **options)
        with Path(path2).open("rb") as file:
            self._sync(file.fileno())

    @override
    def mv(self, path1: str, path2: str, recursive: bool = True, **_: Any) -> None:
        """Not fsspec's, which copies where it cannot rename: then others could read a part."""
        os.replace(path1, path2)
        if self._fsync:
            # The name is in the folder, and new folders are in the one above: all were made for this file.
            for folder in list(Path(path2).parents)[:5]:
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def _sync(self, descriptor: int) -> None:
        if self._fsync:
            os.fsync(descriptor)


def _open_new(path: str) -> BinaryIO:
    """A file to be written, in a folder that is nearly always there."""
    try:
        return open(path, "wb")
    except FileNotFoundError:
        os.makedirs(path.rpartition("/")[0], exist_ok=True)
        return open(path, "wb")
