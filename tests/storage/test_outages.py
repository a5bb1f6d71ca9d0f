"""A storage that is slow, away, full or broken: told in bounded time, nothing accepted, nothing lost, nothing in part."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from starlette.testclient import TestClient

from inferq.api.app import create_app
from inferq.errors import DiskFull, NotFound, StorageUnavailable
from inferq.predictions.record import State
from inferq.settings import Settings
from inferq.storage import Storage
from inferq.storage.local import LocalFiles
from inferq.storage.patience import MOST_THREADS, Patience
from inferq.worker.pipeline import Pipeline
from storage.conftest import Site
from storage.servers import Proxy

KEY = "2026/01/01/x/input"
SHORT = 0.3
"""How long callers wait for a storage that hangs, in seconds: in these tests there is none that is merely slow."""
LONG = 30.0
URL = "/api/v1/predictions"


def hang(proxy: Proxy, node: Storage) -> None:
    proxy.hang()
    node._patience.seconds = SHORT


def shut(proxy: Proxy, _: Storage) -> None:
    proxy.shut()


def stumble(proxy: Proxy, _: Storage) -> None:
    proxy.answer("500 Internal Server Error", b"<Error><Code>InternalError</Code></Error>")


def refuse(proxy: Proxy, _: Storage) -> None:
    proxy.answer("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>")


def mend(proxy: Proxy, node: Storage) -> None:
    """Opens the way again; a call that hangs still may have to end first."""
    proxy.open()
    node._patience.seconds = LONG
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        with suppress(StorageUnavailable):
            node.check()
            return
    node.check()


Break = Callable[[Proxy, Storage], None]
WAYS = pytest.mark.parametrize("break_it", [hang, shut, stumble, refuse])


@WAYS
def test_a_storage_that_fails_is_told_in_time_and_serves_once_it_is_back(
    remote: Site, break_it: Break
):
    node = remote.node()
    node.write(KEY, b"1")
    break_it(remote.proxy, node)
    for call in (
        lambda: node.write("2026/01/01/y/input", b"2"),
        lambda: node.read(KEY),
        lambda: list(node.chunks(KEY, 0, 1)),
        lambda: node.delete_all("2026/01/01/z/input"),
        node.days,
        node.check,
    ):
        with pytest.raises(StorageUnavailable) as caught:
            call()
        assert caught.value.retry_after
    mend(remote.proxy, node)
    assert node.read(KEY) == b"1"


def test_a_call_that_nobody_waits_for_any_more_ends_too(remote: Site):
    node = remote.node(timeout=2 * SHORT)
    node._patience.seconds = LONG
    node.check()
    hang(remote.proxy, node)
    with pytest.raises(StorageUnavailable):
        node.read(KEY)
    _repeat(lambda: node._patience._idle == node._patience._threads)


def test_a_storage_that_is_full_is_said_so(remote: Site):
    node = remote.node()
    node.check()
    if remote.hdfs:
        remote.hdfs.full = True
    else:
        remote.proxy.answer(
            "507 Insufficient Storage", b"<Error><Code>XMinioStorageFull</Code></Error>"
        )
    with pytest.raises(DiskFull):
        node.write(KEY, b"1")


@pytest.fixture
def data_way(remote: Site) -> Iterator[Proxy]:
    """The way that contents take: with HDFS another than that of the questions where they are."""
    if remote.hdfs is None:
        yield remote.proxy
        return
    proxy = Proxy(remote.hdfs.data_port)
    remote.hdfs.data_port = proxy.port
    yield proxy
    proxy.shut()


def test_an_upload_that_breaks_off_leaves_nothing_to_be_read(remote: Site, data_way: Proxy):
    node = remote.node()
    node.check()
    data_way.cut(after=100_000)
    with pytest.raises(StorageUnavailable):
        node.write(KEY, bytes(1_000_000))
    data_way.open()
    with pytest.raises(NotFound):
        node.read(KEY)
    node.write(KEY, b"whole")
    assert node.read(KEY) == b"whole"


def test_a_download_that_breaks_off_is_not_taken_for_the_whole(remote: Site, data_way: Proxy):
    node = remote.node()
    node.write(KEY, bytes(1_000_000))
    data_way.cut(after=100_000)
    with pytest.raises(StorageUnavailable):
        node.read(KEY)
    with pytest.raises(StorageUnavailable):
        list(node.chunks(KEY, 0, 1_000_000))
    data_way.open()
    assert len(node.read(KEY)) == 1_000_000


def test_a_mount_that_hangs_holds_nobody_twice(tmp_path, monkeypatch):
    storage = Storage(tmp_path.as_uri())
    storage.check()
    storage._patience.seconds = 0.2
    back = threading.Event()
    read = LocalFiles.cat_file

    def wait(self: LocalFiles, *arguments: object, **options: object) -> bytes:
        back.wait()
        return read(self, *arguments, **options)

    monkeypatch.setattr(LocalFiles, "cat_file", wait)
    with pytest.raises(StorageUnavailable):
        storage.read(KEY)
    storage._patience.seconds = 60
    with ThreadPoolExecutor(1) as prober:
        probe = prober.submit(storage.check)
        while not storage._patience._trying.locked():
            time.sleep(0.001)
        with pytest.raises(StorageUnavailable):
            storage.read(KEY)
        back.set()
        probe.result(30)
    with pytest.raises(NotFound):
        storage.read(KEY)


def test_what_hangs_takes_a_bounded_number_of_threads():
    patience = Patience(0.001)
    back = threading.Event()
    for _ in range(MOST_THREADS + 10):
        with pytest.raises(TimeoutError):
            patience.call(back.wait)
    assert patience._threads == MOST_THREADS
    back.set()
    patience.seconds = 30
    while patience._idle < MOST_THREADS:
        time.sleep(0.001)
    assert patience.call(lambda: "well") == "well"


def test_errors_of_a_call_are_those_of_its_caller():
    patience = Patience(30)
    for error in (OSError(5, "x"), KeyError("x"), TimeoutError("its own")):
        with pytest.raises(type(error)) as caught:
            patience.call(lambda raised=error: _raise(raised))
        assert caught.value is error
    assert patience.call(lambda: 1) == 1


def _raise(error: Exception) -> None:
    raise error


@pytest.fixture
def deployed(settings: Settings, remote: Site, register, ann) -> Iterator[TestClient]:
    """The API on a storage behind a way that may fail."""
    changes = {
        name.lower().removeprefix("inferq_"): value for name, value in remote.settings.items()
    }
    whole = Settings(**settings.model_dump() | changes)
    with TestClient(create_app(whole), raise_server_exceptions=False, headers=ann.headers) as api:
        yield api


@WAYS
def test_what_cannot_be_stored_is_refused_and_nothing_of_it_is_accepted(
    deployed: TestClient, remote: Site, upload, break_it: Break
):
    storage = deployed.app.state.services.storage
    storage.check()
    break_it(remote.proxy, storage)
    answer = deployed.post(URL, files=upload)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert float(answer.headers["Retry-After"]) > 0
    assert deployed.get("/readyz").status_code == 503
    assert deployed.get(URL).json()["items"] == []


def test_what_does_not_fit_is_refused_with_507(deployed: TestClient, remote: Site, upload):
    deployed.app.state.services.storage.check()
    if remote.hdfs:
        remote.hdfs.full = True
    else:
        remote.proxy.answer(
            "507 Insufficient Storage", b"<Error><Code>XMinioStorageFull</Code></Error>"
        )
    answer = deployed.post(URL, files=upload)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert deployed.get(URL).json()["items"] == []


@WAYS
def test_what_cannot_be_read_is_put_back_and_finishes_once_it_can(
    deployed: TestClient, remote: Site, upload, store, model, workplace,
    break_it: Break,
):  # fmt: skip
    task_id = deployed.post(URL, files=upload).json()["task_id"]
    pipeline = Pipeline(
        store,
        remote.node(),
        models={model.about.reference: model},
        workplace=workplace,
    )
    pipeline._storage.check()
    break_it(remote.proxy, pipeline._storage)
    assert pipeline.run(task_id) is None
    record = store.get(task_id)
    assert (record.prediction.state, record.prediction.attempts) == (State.QUEUED, 0)
    mend(remote.proxy, pipeline._storage)
    # It holds its slot until the storage answers; then the prediction is due again in a second.
    _repeat(lambda: pipeline.run(task_id) is not None)
    assert store.get(task_id).prediction.state == State.SUCCEEDED
    assert deployed.get(f"{URL}/{task_id}/image").content == upload["image"][1].getvalue()


def _repeat(call: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not call():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_damaged_input_fails_and_says_so(
    api: TestClient, upload, storage: Storage, pipeline, store
):
    task_id = api.post(URL, files=upload).json()["task_id"]
    storage.write(store.get(task_id).input_key, upload["image"][1].getvalue()[:-1] + b"?")
    outcome = pipeline.run(task_id)
    assert (outcome.state, outcome.error.code) == (State.FAILED, "input_damaged")
    answer = api.get(f"{URL}/{task_id}/image")
    assert (answer.status_code, answer.json()["code"]) == (500, "input_damaged")
