"""Bytes in and out of wherever inputs and previews lie, through fsspec; the only importer of fsspec."""

import hashlib
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TypeVar, cast

import fsspec
import structlog

from inferq.errors import (
    DiskFull,
    InferqError,
    InputDamaged,
    NotFound,
    SetupError,
    StorageUnavailable,
    UnavailableError,
)
from inferq.settings import Settings
from inferq.storage.faults import explain, names_no_place
from inferq.storage.patience import Patience
from inferq.storage.protocols import LOCAL, Access, Place
from inferq.telemetry.metrics import count_storage_error

__all__ = ["Access", "Storage", "require_usable", "verified"]

PARTS_OF_DAY = ("[0-9]{4}", "[0-9]{2}", "[0-9]{2}")
CHUNK_BYTES = 2**20
MARKER = ".inferq"
MARKER_TEXT = b"Inputs of inferq lie here. Without this file nothing is read or written.\n"

T = TypeVar("T")

log = structlog.get_logger()


class Storage:
    """A folder of blobs under one fsspec URL (`file:///mnt/nas/inferq`, `s3://bucket/prefix`, …).

    Keys are relative paths. They begin with a date, so that whole days can be dropped at once. Every call ends in the
    time that is set; what takes longer counts as away.

    A file at its root marks it as ours, so that a mount or a bucket that is gone is not taken for an empty one: then
    every input would be missing.
    """

    def __init__(self, url: str, access: Access | None = None) -> None:
        """Connects to nothing yet.

        Raises:
            SetupError: The protocol is unknown, or needs a package that is not installed; the message says which extra
                brings it.
        """
        self._place = Place.of(url, access or Access())
        self._patience = Patience(self._place.access.timeout)
        self._opening = threading.Lock()
        self._opened: tuple[fsspec.AbstractFileSystem, str] | None = None
        self._met = False

    @classmethod
    def of(cls, settings: Settings) -> "Storage":
        """The storage that is set; see the constructor."""
        key, secret = settings.storage_key, settings.storage_secret
        access = Access(
            endpoint=settings.storage_endpoint,
            key=key.get_secret_value() if key else None,
            secret=secret.get_secret_value() if secret else None,
            options=settings.storage_options,
            timeout=settings.storage_timeout.total_seconds(),
            fsync=settings.storage_fsync,
        )
        return cls(settings.blob_url(), access)

    @staticmethod
    def key(task_id: str) -> str:
        """The key of a prediction's input, by its day and in one of 256 folders: `2026/11/24/8e/8e30c2…`.

        A folder of its own would take as long to make as the file.
        """
        return f"{datetime.now(UTC):%Y/%m/%d}/{task_id[:2]}/{task_id}"

    @staticmethod
    def derived(key: str, name: str) -> str:
        """The key of what is made from a blob."""
        return f"{key}.made/{name}"

    def write(self, key: str, data: bytes) -> None:
        """Writes a blob whole: nobody ever reads a part of it, even if this process dies meanwhile.

        Object stores do so by themselves; on file systems another name is written first.

        Raises:
            DiskFull: There is no room for it.
            StorageUnavailable: The storage did not take it.
        """
        try:
            self._write_whole(key, lambda path: self._fs.pipe_file(path, data))
        except NotFound as error:
            # Its folder was removed while it was written; there is nothing that the caller could have missed.
            raise _unavailable() from error.__cause__

    def read(self, key: str, *, sha256: str | None = None) -> bytes:
        """The bytes of a blob.

        Args:
            key: Of the blob.
            sha256: What its SHA-256 was when it was written (hexadecimal); None where nobody kept it.

        Raises:
            NotFound: There is no such blob.
            InputDamaged: Its bytes are others, also when they are read again.
            StorageUnavailable: The storage did not give it.
        """
        data = self._read(key)
        if sha256 is None or hashlib.sha256(data).hexdigest() == sha256:
            return data
        # Another copy of it may be whole, or the way to us was at fault.
        log.warning("blob_damaged", key=key)
        data = self._read(key)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _damaged()
        return data

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
            end = min(start + CHUNK_BYTES, stop)
            chunk = self._read(key, start, end)
            if chunk:
                yield chunk
            start += len(chunk)
            if start < end:
                raise NotFound("This file is not whole in storage any more.")

    def delete(self, key: str) -> None:
        """Removes a blob; no error where there is none."""
        with suppress(NotFound):
            self._find(lambda: self._fs.rm_file(self._path(key)))

    def delete_all(self, key: str) -> None:
        """Removes a blob and what was made from it; no error where there is none."""
        path = self._path(key)

        def remove() -> None:
            try:
                self._fs.rm_file(path)
            except FileNotFoundError:
                self._meet()  # it is only gone where the storage itself is there
            with suppress(FileNotFoundError):
                self._fs.rm(f"{path}.made", recursive=True)

        self._call(remove)

    def days(self) -> list[date]:
        """The days that blobs were written on."""
        folders = [""]
        for part in PARTS_OF_DAY:
            folders = [
                f"{folder}/{name}"
                for folder in folders
                for name in self._names(folder)
                if re.fullmatch(part, name)
            ]
        return sorted(date(*map(int, folder.strip("/").split("/"))) for folder in folders)

    def drop_day(self, day: date) -> None:
        """Removes all blobs that were written on a day."""
        with suppress(NotFound):
            self._find(lambda: self._fs.rm(self._path(f"{day:%Y/%m/%d}"), recursive=True))

    def free_bytes(self) -> int | None:
        """Free space for blobs; None where the storage is no file system of this machine or does not tell."""
        if not self._is_local:
            return None
        try:
            return self._call(self._free)
        except (NotFound, StorageUnavailable, DiskFull):
            return None

    def check(self) -> None:
        """Returns if the storage answers, and is the one that this process has met before.

        Raises:
            StorageUnavailable: It does not, or its marker is gone.
            DiskFull: There is no room for the marker.
        """
        self._call(self._meet)

    def prove(self) -> str:
        """Writes, reads, lists and removes a small blob; returns where.

        Raises:
            SetupError: Settings or storage have to be changed; says what is wrong with them.
            StorageUnavailable: It does not answer now; says why.
            DiskFull: It is full.
        """
        key, data = f".probe-{secrets.token_hex(8)}", secrets.token_bytes(64)
        try:
            self.check()
            self.write(key, data)
            if self.read(key) != data:
                raise StorageUnavailable("what is written is read as something else")
            self._names("")
            self.delete(key)
        except SetupError:
            raise
        except InferqError as error:
            fault = explain(error.__cause__ or error)
            text = f"The storage {self._place.shown} (INFERQ_STORAGE_URL) cannot be used: {fault.text}."
            if fault.kind == "wrong":
                raise SetupError(text) from error
            raise type(error)(text, retry_after=error.retry_after) from error
        return self._place.shown

    @property
    def _is_local(self) -> bool:
        return self._place.scheme == LOCAL

    @property
    def _fs(self) -> fsspec.AbstractFileSystem:
        return self._open()[0]

    @property
    def _root(self) -> str:
        return self._open()[1]

    def _open(self) -> tuple[fsspec.AbstractFileSystem, str]:
        with self._opening:
            self._opened = self._opened or self._place.open()
            return self._opened

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _call(self, call: Callable[[], T]) -> T:
        with _StorageErrors():
            return self._patience.call(call)

    def _find(self, call: Callable[[], T]) -> T:
        """A call about what may be missing: it is only where the storage itself is there."""

        def find() -> T:
            try:
                return call()
            except FileNotFoundError:
                self._meet()
                raise

        return self._call(find)

    def _read(self, key: str, start: int | None = None, end: int | None = None) -> bytes:
        data = self._find(lambda: self._fs.cat_file(self._path(key), start=start, end=end))
        return cast("bytes", data)

    def _names(self, folder: str) -> list[str]:
        """What lies in a folder; nothing where there is none."""
        path = f"{self._root}{folder}"
        try:
            listed = self._find(lambda: self._fs.ls(path, detail=False))
        except NotFound:
            return []
        return sorted({str(each).rstrip("/").rpartition("/")[2] for each in listed})

    def _write_whole(self, key: str, write: Callable[[str], object]) -> None:
        def write_whole() -> None:
            # On a bare mount point one could write, and nobody else would read.
            if self._is_local or not self._met:
                self._meet()
            self._put(self._path(key), write)

        self._call(write_whole)

    def _put(self, path: str, write: Callable[[str], object]) -> None:
        if not self._place.protocol.renames:
            write(path)
            return
        unfinished = f"{path}.{secrets.token_hex(4)}.part"
        try:
            write(unfinished)
            self._fs.mv(unfinished, path)
        except BaseException:
            with suppress(Exception):
                self._fs.rm_file(unfinished)
            raise

    def _meet(self) -> None:
        """Looks for the marker, and leaves one where this process has seen none yet."""
        marker, met = self._path(MARKER), self._met
        try:
            # Read, not only looked for: to a HEAD, S3 servers do not say why they refuse.
            self._fs.cat_file(marker)
        except FileNotFoundError as error:
            if met:
                text = f"its file {MARKER} is gone: a mount, a bucket or a folder is missing"
                raise StorageUnavailable(text, retry_after=2) from error
            # Others may be at it, too; that it is there matters, and not when its text is whole.
            self._fs.pipe_file(marker, MARKER_TEXT)
        self._met = True

    def _free(self) -> int:
        self._meet()
        return shutil.disk_usage(self._root).free


def require_usable(settings: Settings) -> None:
    """Returns if a process may start with the storage that is set; one that is away now may come back.

    Raises:
        SetupError: It will not be usable before someone changes something; says what.
    """
    try:
        Storage.of(settings).prove()
    except UnavailableError as error:
        log.warning("storage_unavailable", reason=str(error))


def verified(chunks: Iterable[bytes], sha256: str) -> Iterator[bytes]:
    """The chunks of a whole blob; the last one only if all of them are what was written.

    Raises:
        InputDamaged: They are not.
    """
    digest = hashlib.sha256()
    held = b""
    for chunk in chunks:
        if held:
            yield held
        digest.update(chunk)
        held = chunk
    if digest.hexdigest() != sha256:
        raise _damaged()
    yield held


def _damaged() -> InputDamaged:
    return InputDamaged("The stored input is not what was uploaded; send it again.")


def _unavailable() -> StorageUnavailable:
    return StorageUnavailable(
        "The storage does not answer. Nothing is lost; try again in a moment.", retry_after=2
    )


class _StorageErrors:
    """The border to libraries that have a tree of errors each, not all of them an OSError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, InferqError):
            return
        if isinstance(error, FileNotFoundError) and not names_no_place(error):
            raise NotFound("This file is not in storage any more.") from error
        fault = explain(error)
        full = fault.kind == "full"
        log.warning("storage_failed", reason=fault.text)
        count_storage_error((DiskFull if full else StorageUnavailable).code)
        if full:
            raise DiskFull("The storage has no room for this input.", retry_after=30) from error
        raise _unavailable() from error
