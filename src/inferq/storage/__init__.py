"""Bytes in and out of wherever inputs and previews lie, through fsspec; the only importer of fsspec."""

import errno
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import cast

import fsspec
from fsspec.core import url_to_fs

from inferq.errors import DiskFull, NotFound, StorageUnavailable
from inferq.telemetry.metrics import count_storage_error

DAY = re.compile(r"/(\d{4})/(\d{2})/(\d{2})/?$")
CHUNK_BYTES = 2**20
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class Storage:
    """A folder of blobs under one fsspec URL (`file:///mnt/nas/inferq`, `s3://bucket/prefix`, …).

    Keys are relative paths. They begin with a date, so that whole days can be dropped at once.
    """

    def __init__(self, url: str) -> None:
        """Opens the file system of `url`; nothing is read or written yet.

        Raises:
            ImportError: The protocol needs a package that is not installed; the message names it.
        """
        options = {"auto_mkdir": True} if url.startswith(("file:", "/")) else {}
        self._fs: fsspec.AbstractFileSystem
        self._fs, self._root = url_to_fs(url, **options)

    @staticmethod
    def key(task_id: str, name: str) -> str:
        """The key of a new blob of a prediction: `2026/11/24/<task id>/<name>`."""
        return f"{datetime.now(UTC):%Y/%m/%d}/{task_id}/{name}"

    @staticmethod
    def sibling(key: str, name: str) -> str:
        """The key of another blob of the same prediction."""
        return f"{key.rpartition('/')[0]}/{name}"

    def write(self, key: str, data: bytes) -> None:
        """Writes a blob whole: nobody ever reads a part of it, even if this process dies meanwhile.

        Object stores do so by themselves; on file systems of this machine another name is written first.

        Raises:
            DiskFull: There is no room for it.
            StorageUnavailable: The storage did not take it.
        """
        self._write_whole(key, lambda path: self._fs.pipe_file(path, data))

    def read(self, key: str) -> bytes:
        """The bytes of a blob.

        Raises:
            NotFound: There is no such blob.
            StorageUnavailable: The storage did not give it.
        """
        with _storage_errors():
            return cast("bytes", self._fs.cat_file(self._path(key)))

    def copy(self, key: str, new_key: str) -> None:
        """Copies a blob within the storage, whole as `write` does.

        Raises:
            NotFound: There is no such blob.
            DiskFull: There is no room for the copy.
            StorageUnavailable: The storage did not do it.
        """
        self._write_whole(new_key, lambda path: self._fs.cp_file(self._path(key), path))

    def chunks(self, key: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of a blob from `start` to before `stop`, in parts of at most a mebibyte; read as they are asked for.

        Nothing stays open between two of them, so that an iterator may be left at any point.

        Raises:
            NotFound: There is no such blob, or it ends before `stop`.
            StorageUnavailable: The storage did not give it.
        """
        while start < stop:
            with _storage_errors():
                end = min(start + CHUNK_BYTES, stop)
                chunk = cast("bytes", self._fs.cat_file(self._path(key), start=start, end=end))
            if not chunk:
                raise NotFound("This file is not whole in storage any more.")
            yield chunk
            start += len(chunk)

    def delete(self, key: str) -> None:
        """Removes a blob; no error where there is none."""
        with _storage_errors():
            try:
                self._fs.rm_file(self._path(key))
            except FileNotFoundError:
                return

    def delete_all(self, key: str) -> None:
        """Removes a blob and its siblings; no error where there are none."""
        with _storage_errors():
            try:
                self._fs.rm(self._path(key.rpartition("/")[0]), recursive=True)
            except FileNotFoundError:
                return

    def days(self) -> list[date]:
        """The days that blobs were written on."""
        with _storage_errors():
            folders = self._fs.glob(f"{self._root}/????/??/??")
        found = (DAY.search(str(folder)) for folder in folders)
        return sorted(date(*map(int, match.groups())) for match in found if match)

    def drop_day(self, day: date) -> None:
        """Removes all blobs that were written on a day."""
        with _storage_errors():
            self._fs.rm(f"{self._root}/{day:%Y/%m/%d}", recursive=True)

    def free_bytes(self) -> int | None:
        """Free space for blobs; None where the storage is no file system of this machine or does not tell."""
        if not self._is_local:
            return None
        try:
            self._fs.makedirs(self._root, exist_ok=True)
            return shutil.disk_usage(self._root).free
        except OSError:
            return None

    def check(self) -> None:
        """Returns if the storage answers.

        Raises:
            StorageUnavailable: It does not.
        """
        with _storage_errors():
            self._fs.makedirs(self._root, exist_ok=True)

    @property
    def _is_local(self) -> bool:
        return "file" in self._fs.protocol

    def _write_whole(self, key: str, write: Callable[[str], object]) -> None:
        path = self._path(key)
        unfinished = f"{path}.{secrets.token_hex(4)}.part" if self._is_local else path
        with _storage_errors():
            try:
                write(unfinished)
                if unfinished != path:
                    self._fs.mv(unfinished, path)
            except OSError:
                with suppress(OSError):
                    self._fs.rm_file(unfinished)
                raise

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("This file is not in storage any more.") from error
    except OSError as error:
        no_room = error.errno in NO_ROOM
        count_storage_error((DiskFull if no_room else StorageUnavailable).code)
        if no_room:
            raise DiskFull("The storage has no room for this input.", retry_after=30) from error
        raise StorageUnavailable(
            "The storage does not answer. Nothing is lost; try again in a moment.", retry_after=2
        ) from error
