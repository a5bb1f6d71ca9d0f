"""Folders of this machine, and mounts of network file systems that several nodes share."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from inferq.errors import DiskFull, NotFound, StorageUnavailable
from inferq.storage import Access, Storage
from inferq.storage.local import LocalFiles

INPUT = "2026/01/01/ab/abc"
KEY = f"{INPUT}.made/preview"
DYING = """
import os, sys
from inferq.storage import Storage
from inferq.storage.local import LocalFiles
def die(self, path, data, **_):
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as file:
        file.write(data[:100])
        file.flush()
        os._exit(9)
storage = Storage(sys.argv[1])
storage.check()
LocalFiles.pipe_file = die
storage.write(sys.argv[2], bytes(1000))
"""
WRITING = """
import sys
from inferq.storage import Storage
storage = Storage(sys.argv[1])
for turn in range(200):
    storage.write(sys.argv[2], bytes([turn]) * 300_000)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mount"


@pytest.fixture
def storage(folder: Path) -> Iterator[Storage]:
    storage = Storage(folder.as_uri())
    storage.check()
    return storage


def files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*/*/*/**/*") if path.is_file()]


def run(script: str, folder: Path, key: str = KEY) -> "subprocess.Popen[bytes]":
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen([sys.executable, "-c", script, folder.as_uri(), key])


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, StorageUnavailable)],
)
def test_a_storage_that_takes_nothing_is_said_so(
    storage: Storage, folder: Path, monkeypatch, number: int, error: type
):
    def refuse(self: LocalFiles, path: str, *_: object, **__: object) -> None:
        Path(path).write_bytes(b"a part")
        raise OSError(number, "refused")

    storage.write(KEY, b"")
    monkeypatch.setattr(LocalFiles, "pipe_file", refuse)
    with pytest.raises(error) as caught:
        storage.write(KEY, b"whole")
    assert caught.value.retryable
    assert storage.read(KEY) == b""
    assert len(files(folder)) == 1


def test_a_writer_that_dies_in_the_middle_leaves_no_part_under_the_name(
    storage: Storage, folder: Path
):
    assert run(DYING, folder).wait() == 9
    with pytest.raises(NotFound):
        storage.read(KEY)
    storage.write(KEY, b"whole")
    assert storage.read(KEY) == b"whole"
    storage.delete_all(INPUT)
    assert files(folder) == []


def test_what_a_writer_left_of_an_input_that_was_never_accepted_goes_with_its_day(
    storage: Storage, folder: Path
):
    assert run(DYING, folder, INPUT).wait() == 9
    assert files(folder) != []
    storage.drop_day(date(2026, 1, 1))
    assert files(folder) == []


def test_two_nodes_on_one_mount_never_read_a_part_of_what_the_other_writes(
    storage: Storage, folder: Path
):
    storage.write(KEY, bytes(300_000))
    writer = run(WRITING, folder)
    seen = set()
    while writer.poll() is None:
        data = storage.read(KEY)
        assert len(data) == 300_000
        seen.update(set(data))
    assert writer.returncode == 0
    assert len(seen) > 1
    assert storage.read(KEY) == bytes([199]) * 300_000


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable):
        Storage((tmp_path / "file" / "folder").as_uri()).check()


def test_nothing_is_written_below_a_mount_point_that_is_bare(storage: Storage, folder: Path):
    folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    with pytest.raises(StorageUnavailable):
        storage.write(KEY, b"1")
    assert list(folder.iterdir()) == []
    assert storage.free_bytes() is None


def test_free_space_is_told_before_anything_was_written(folder: Path, tmp_path: Path):
    free = Storage(folder.as_uri()).free_bytes()
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.01)


def test_a_blob_that_does_not_fit_leaves_nothing_behind(storage: Storage, folder: Path):
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageUnavailable):
            storage.write(KEY, bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert files(folder) == []


@pytest.mark.parametrize("fsync", [False, True])
def test_a_file_is_on_the_disk_before_it_is_there_if_that_is_asked_for(
    folder: Path, monkeypatch, fsync: bool
):
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def note_sync(descriptor: int) -> None:
        steps.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        sync(descriptor)

    def note_replace(source: str, target: str) -> None:
        steps.append("in place")
        replace(source, target)

    storage = Storage(folder.as_uri(), Access(fsync=fsync))
    storage.check()
    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    storage.write(INPUT, b"1")
    storage.copy(INPUT, "2026/01/01/cd/cde")
    names = [step.partition(".")[0] for step in steps]
    expected = []
    for shard, name in (("ab", "abc"), ("cd", "cde")):
        folders = [shard, "01", "01", "2026", folder.name]
        expected += [name, "in place", *folders] if fsync else ["in place"]
    assert names == expected
