"""A zip file written from front to back, for a reader at the other end of a line. Nothing else is known here.

The standard library's `zipfile` writes to what cannot seek, with zip64 where sizes ask for it. All it keeps is the
directory that ends each zip, about a kibibyte a file.
"""

import zipfile
from collections.abc import Iterable, Iterator
from typing import IO

BLOCK_BYTES = 64 * 1024
SPOOL_BYTES = 1024 * 1024
"""What is set aside for the end of an export lies on disk beyond this size."""
PICTURE_LEVEL, TEXT_LEVEL = 0, 6
READABLE = 0o644 << 16


class Archive:
    """A zip file in the making: `add` files, `drain` the bytes after each, `close`, `drain` the rest."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w")

    def add(self, path: str, data: bytes, *, level: int = TEXT_LEVEL) -> None:
        """Adds a file.

        Pictures go in at level 0: still "deflated", as readers that cannot seek need it, but at no cost.
        """
        self._zip.writestr(
            _described(path), data, compress_type=zipfile.ZIP_DEFLATED, compresslevel=level
        )

    def stream(self, path: str, source: IO[bytes]) -> Iterator[bytes]:
        """Adds what `source` holds, from its beginning, as a file, and drains meanwhile."""
        about = _described(path)
        about.compress_type = zipfile.ZIP_DEFLATED
        about.file_size = source.seek(0, 2)
        source.seek(0)
        with self._zip.open(about, "w") as file:
            for block in blocks(source):
                file.write(block)
                yield from self.drain()

    def drain(self, *, least: int = BLOCK_BYTES) -> Iterator[bytes]:
        """The bytes written since the last time, if there are as many as `least`."""
        if self._sink.size >= least:
            yield self._sink.take()

    def close(self) -> None:
        """Writes the directory; nothing can be added any more."""
        self._zip.close()


class _Sink:
    """Where `zipfile` writes: keeps the bytes until they are taken. It has no place to tell, nor can it seek."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing to do: `take` sends."""

    def close(self) -> None:
        """Nothing to do."""

    def take(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return data


def blocks(source: IO[bytes]) -> Iterator[bytes]:
    """What is left of a file, a block at a time."""
    while block := source.read(BLOCK_BYTES):
        yield block


def in_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of at least one block, but for the last."""
    sink = _Sink()
    for piece in pieces:
        sink.write(piece)
        if sink.size >= BLOCK_BYTES:
            yield sink.take()
    if sink.size:
        yield sink.take()


def _described(path: str) -> zipfile.ZipInfo:
    """A directory entry without the time of day: the same predictions make the same file."""
    about = zipfile.ZipInfo(path)
    about.external_attr = READABLE
    return about
