import errno
import re

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


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable):
        Storage((tmp_path / "file" / "folder").as_uri()).check()
