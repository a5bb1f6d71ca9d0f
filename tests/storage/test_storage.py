import errno
import re
import resource
import shutil
import signal
import subprocess
import sys
from datetime import date

import pytest
from fsspec.implementations.local import LocalFileSystem

from inferq.errors import DiskFull, NotFound, StorageUnavailable
from inferq.storage import Storage


def test_what_was_written_is_read_back(storage: Storage):
    key = storage.key("abc", "input")
    storage.write(key, b"\x00\xff" * 1000)
    assert storage.read(key) == b"\x00\xff" * 1000


def test_keys_lie_under_their_day(storage: Storage):
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/abc/input", storage.key("abc", "input"))
    assert storage.sibling("2026/11/24/abc/input", "preview") == "2026/11/24/abc/preview"


def test_a_missing_blob_is_not_found_and_deleting_it_is_no_error(storage: Storage):
    with pytest.raises(NotFound):
        storage.read("2026/01/01/x/input")
    storage.delete("2026/01/01/x/input")


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, StorageUnavailable)],
)
def test_a_storage_that_takes_nothing_is_said_so(
    storage: Storage, monkeypatch, number: int, error: type
):
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(LocalFileSystem, "pipe_file", refuse)
    with pytest.raises(error) as caught:
        storage.write("k", b"")
    assert caught.value.retryable


def test_a_blob_is_read_in_parts_of_bounded_size(storage: Storage):
    data = bytes(range(256)) * 9000
    storage.write("2026/01/01/x/input", data)
    parts = list(storage.chunks("2026/01/01/x/input", 5, 2_200_000))
    assert b"".join(parts) == data[5:2_200_000]
    assert max(map(len, parts)) == 2**20


def test_a_blob_that_ends_too_early_or_is_gone_is_said_so(storage: Storage):
    storage.write("2026/01/01/x/input", b"123")
    chunks = storage.chunks("2026/01/01/x/input", 0, 5)
    assert next(chunks) == b"123"
    for broken in (chunks, storage.chunks("2026/01/01/y/input", 0, 5)):
        with pytest.raises(NotFound):
            next(broken)


def test_a_writer_that_dies_in_the_middle_leaves_no_part_under_the_name(storage: Storage, tmp_path):
    storage.check()
    dying = """
import os, sys
from fsspec.implementations.local import LocalFileOpener
from inferq.storage import Storage
write = LocalFileOpener.write
def die(self, data):
    write(self, data[:100])
    self.flush()
    os._exit(9)
LocalFileOpener.write = die
Storage(sys.argv[1]).write("2026/01/01/x/preview", bytes(1000))
"""
    url = (tmp_path / "storage").as_uri()
    assert subprocess.run([sys.executable, "-c", dying, url], check=False).returncode == 9
    with pytest.raises(NotFound):
        storage.read("2026/01/01/x/preview")
    storage.write("2026/01/01/x/preview", b"whole")
    assert storage.read("2026/01/01/x/preview") == b"whole"
    storage.delete_all("2026/01/01/x/preview")
    assert [path for path in (tmp_path / "storage").rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable):
        Storage((tmp_path / "file" / "folder").as_uri()).check()


def test_a_prediction_is_removed_with_all_its_blobs(storage: Storage):
    key = storage.key("a", "input")
    storage.write(key, b"1")
    storage.write(storage.sibling(key, "preview.webp"), b"2")
    other = storage.key("b", "input")
    storage.write(other, b"3")
    storage.delete_all(key)
    storage.delete_all(key)
    with pytest.raises(NotFound):
        storage.read(storage.sibling(key, "preview.webp"))
    assert storage.read(other) == b"3"


def test_days_are_found_and_dropped_whole(storage: Storage, tmp_path):
    storage.write("2026/01/31/a/input", b"1")
    storage.write("2026/02/01/b/input", b"1")
    storage.write("2026/02/01/c/input", b"1")
    (tmp_path / "storage" / "lost+found" / "xx" / "yy").mkdir(parents=True)
    assert storage.days() == [date(2026, 1, 31), date(2026, 2, 1)]
    storage.drop_day(date(2026, 2, 1))
    assert storage.days() == [date(2026, 1, 31)]


def test_free_space_is_told_before_anything_was_written(storage: Storage, tmp_path):
    assert storage.free_bytes() == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.01)


def test_a_blob_that_does_not_fit_leaves_nothing_behind(storage: Storage, tmp_path):
    storage.check()
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageUnavailable):
            storage.write("2026/02/01/c/input", bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert [path for path in (tmp_path / "storage").rglob("*") if path.is_file()] == []
