"""What a storage does, whatever its protocol."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from inferq.errors import InputDamaged, NotFound, StorageUnavailable
from inferq.storage import Storage, verified
from storage.conftest import Site

KEY = "2026/01/01/x/input"


def test_what_was_written_is_read_back_and_may_be_written_again(node: Storage):
    key = node.key("abc")
    for data in (b"\x00\xff" * 1000, b"", b"other"):
        node.write(key, data)
        assert node.read(key) == data


def test_keys_lie_under_their_day():
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/ab/abc", Storage.key("abc"))
    assert Storage.derived("2026/11/24/ab/abc", "preview") == "2026/11/24/ab/abc.made/preview"


def test_a_missing_blob_is_not_found_and_deleting_it_is_no_error(node: Storage):
    with pytest.raises(NotFound):
        node.read(KEY)
    with pytest.raises(NotFound):
        node.copy(KEY, "2026/01/01/y/input")
    with pytest.raises(NotFound):
        node.read("2026/01/01/y/input")
    node.delete(KEY)
    node.delete_all(KEY)
    node.drop_day(date(2026, 1, 1))


def test_a_blob_is_read_in_parts_of_bounded_size(node: Storage):
    data = bytes(range(256)) * 9000
    node.write(KEY, data)
    parts = list(node.chunks(KEY, 5, 2_200_000))
    assert b"".join(parts) == data[5:2_200_000]
    assert max(map(len, parts)) == 2**20
    assert list(node.chunks(KEY, 7, 7)) == []


def test_a_blob_that_ends_too_early_or_is_gone_is_said_so(node: Storage):
    node.write(KEY, b"123")
    chunks = node.chunks(KEY, 0, 5)
    assert next(chunks) == b"123"
    for broken in (chunks, node.chunks("2026/01/01/y/input", 0, 5)):
        with pytest.raises(NotFound):
            next(broken)


def test_a_copy_outlives_what_it_was_made_of(node: Storage):
    node.write(KEY, b"1")
    node.copy(KEY, "2026/02/02/y/input")
    node.delete_all(KEY)
    assert node.read("2026/02/02/y/input") == b"1"


def test_a_prediction_is_removed_with_all_its_blobs(node: Storage):
    key = node.key("a")
    node.write(key, b"1")
    node.write(node.derived(key, "preview.webp"), b"2")
    other = node.key("ab")
    node.write(other, b"3")
    node.delete_all(key)
    node.delete_all(key)
    with pytest.raises(NotFound):
        node.read(node.derived(key, "preview.webp"))
    assert node.read(other) == b"3"


def test_days_are_found_and_dropped_whole(node: Storage):
    assert node.days() == []
    for key in (
        "2026/01/31/a/input",
        "2026/02/01/b/input",
        "2026/02/01/c/input",
        "lost+found/xx/yy/d/e",
    ):
        node.write(key, b"1")
    assert node.days() == [date(2026, 1, 31), date(2026, 2, 1)]
    node.drop_day(date(2026, 2, 1))
    assert node.days() == [date(2026, 1, 31)]


def test_a_blob_is_checked_by_its_checksum(node: Storage):
    sha256 = hashlib.sha256(b"whole").hexdigest()
    node.write(KEY, b"whole")
    assert node.read(KEY, sha256=sha256) == b"whole"
    assert b"".join(verified(node.chunks(KEY, 0, 5), sha256)) == b"whole"
    node.write(KEY, b"whale")
    with pytest.raises(InputDamaged):
        node.read(KEY, sha256=sha256)
    with pytest.raises(InputDamaged):
        list(verified(node.chunks(KEY, 0, 5), sha256))


def test_of_what_is_damaged_the_end_never_goes_out():
    chunks = verified([b"first", b"second"], hashlib.sha256(b"firstsecond").hexdigest())
    assert list(chunks) == [b"first", b"second"]
    chunks = verified([b"first", b"s3cond"], hashlib.sha256(b"firstsecond").hexdigest())
    assert next(chunks) == b"first"
    with pytest.raises(InputDamaged):
        next(chunks)


def test_another_node_sees_at_once_what_was_written(site: Site):
    here, there = site.node(), site.node()
    for node in (here, there):
        assert node.days() == []
        with pytest.raises(NotFound):
            node.read(KEY)
    there.write(KEY, b"1")
    assert here.read(KEY) == b"1"
    assert here.days() == [date(2026, 1, 1)]
    here.drop_day(date(2026, 1, 1))
    assert there.days() == []
    there.write(KEY, b"2")
    assert here.read(KEY) == b"2"


def test_many_threads_may_use_one_storage(site: Site):
    node = site.node()

    def turn(number: int) -> bool:
        data = bytes([number]) * 50_000
        node.write(f"2026/01/01/{number}/input", data)
        return node.read(f"2026/01/01/{number}/input") == data

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(turn, range(64)))


def test_a_storage_that_is_gone_is_no_empty_one(site: Site):
    """A folder that is not mounted has no inputs either; none of them is missing."""
    node = site.node()
    node.write(KEY, b"1")
    node.delete(".inferq")
    node.delete(KEY)
    with pytest.raises(StorageUnavailable):
        node.read(KEY)
    with pytest.raises(StorageUnavailable):
        node.check()
    site.node().check()
    node.check()
    with pytest.raises(NotFound):
        node.read(KEY)


def test_a_storage_that_works_is_proved_and_nothing_stays_of_that(node: Storage):
    assert node.prove().startswith(f"{node._place.scheme}://")
    assert node._names("") == [".inferq"]
