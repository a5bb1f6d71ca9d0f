"""HDFS through the Hadoop client (libhdfs, by pyarrow), and how a file takes another's place there."""

import errno
from typing import Any, Protocol

from fsspec.implementations.arrow import HadoopFileSystem
from typing_extensions import override

TRIES = 5


class Renaming(Protocol):
    """A file system that renames only to where nothing is."""

    def renamed(self, path1: str, path2: str) -> bool:
        """Renames; false where that cannot be, as something is there."""

    def info(self, path: str) -> Any:
        """Raises `FileNotFoundError` where nothing is."""

    def rm_file(self, path: str) -> Any:
        """Removes a file."""


def rename_over(system: Renaming, path1: str, path2: str) -> None:
    """Renames a file, also to where another is, which takes two steps; other nodes may be at the same.

    Raises:
        OSError: It could not be.
    """
    for _ in range(TRIES):
        if system.renamed(path1, path2):
            return
        if _is_gone(system, path1):
            # It was renamed, and the answer to that was lost, so that it was asked for again.
            system.info(path2)
            return
        system.rm_file(path2)
    raise OSError(errno.EIO, f"{path1} could not be renamed")


def _is_gone(system: Renaming, path: str) -> bool:
    try:
        system.info(path)
    except FileNotFoundError:
        return True
    return False


class Hdfs(HadoopFileSystem):  # type: ignore[misc]  # fsspec has no types
    """fsspec's, whose files take the place of others."""

    @override
    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> bytes:
        """Not fsspec's, which opens what is read from 0 on as a stream, and then seeks in it."""
        content: bytes = super().cat_file(path, start, end, seekable=start is not None)
        return content

    @override
    def mv(self, path1: str, path2: str, **_: Any) -> None:
        rename_over(self, path1, path2)

    def renamed(self, path1: str, path2: str) -> bool:
        """See `Renaming`."""
        try:
            super().mv(path1, path2)
        except OSError:
            if not self.exists(path2):
                raise
            return False
        return True
