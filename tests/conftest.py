"""Real parts for all tests: a Valkey of our own, photographs, the bundled model, the application."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest
import redis
from celery import Celery
from celery.result import AsyncResult
from starlette.testclient import TestClient
from typing_extensions import override
from xdist.scheduler import LoadFileScheduling

from inferq.accounts.store import AccountStore
from inferq.api.app import create_app
from inferq.embedded.valkey import configure_valkey
from inferq.models.base import Context
from inferq.models.catalogue import bundled_folder, load_models
from inferq.models.register import ModelRegister
from inferq.models.served import ServedModel
from inferq.predictions.store import Policy, PredictionStore
from inferq.settings import Settings
from inferq.state import connect
from inferq.storage import Storage
from inferq.telemetry import configure_logging
from inferq.worker.pipeline import Pipeline, Workplace
from inferq.worker.slots import Slots
from models.saved_models import build
from people import Person, person
from photos import PHOTOS, jpeg

TESTS = Path(__file__).parent
# The same examples in each run; `--hypothesis-profile=thorough` looks for new ones, and for longer.
hypothesis.settings.register_profile("inferq", deadline=None, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("inferq")


def require(present: object, what: str) -> None:
    """Skips the test where something optional is absent; fails it where everything is required."""
    if present:
        return
    if os.environ.get("INFERQ_TEST_REQUIRE_ALL"):
        pytest.fail(f"{what} is missing, and INFERQ_TEST_REQUIRE_ALL is set")
    pytest.skip(f"{what} is missing")


def answering(url: str, within: float = 10) -> redis.Redis:
    """A client of the state store at `url`, as soon as that answers."""
    client = connect(url)
    deadline = time.monotonic() + within
    while True:
        try:
            client.ping()
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            assert time.monotonic() < deadline, f"the state store did not answer in {within} s"
        else:
            return client


SLOW_FOLDERS = ("deploy", "e2e", "faults", "pages", "system")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, the longest come first: none is left to run alone at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path.relative_to(TESTS).parts[0] not in SLOW_FOLDERS)


class SharedOut(LoadFileScheduling):
    """Which tests share a process: those of a file, for they share servers."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        path, _, name = nodeid.partition("::")
        if path.removeprefix("tests/") in ONE_BY_ONE:
            return "one by one"
        # Each broker has its servers.
        return f"{path} {name.partition('-')[0]}" if path == "tests/faults/test_faults.py" else path


ONE_BY_ONE = {
    "deploy/test_guide.py",
    "deploy/test_kubernetes.py",
    "deploy/test_system.py",
    "e2e/test_page.py",
    "system/test_examples.py",
}
"""Chromium gives up what it is asking for when network devices come and go beside it."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedOut:
    """How `make test` shares the tests out."""
    return SharedOut(config, log)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches them, nor does a server of theirs."""
    for name in list(os.environ):
        if name.startswith("INFERQ_") and not name.startswith(("INFERQ_TEST_", "INFERQ_E2E_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True, scope="session")
def _logging() -> None:
    configure_logging(Settings(log_level="error", log_format="json"))


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey started as `inferq up` starts it."""
    # pytest's own folders are too deep for a unix socket on some machines.
    folder = Path(tempfile.mkdtemp(prefix="inferq-test-"))
    server = configure_valkey(folder, None)
    process = subprocess.Popen(server.command)
    client = answering(server.url)
    client.close()
    yield server.url
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder)


@pytest.fixture
def state(valkey_url: str) -> Iterator[redis.Redis]:
    """A client of an empty state store."""
    client = connect(valkey_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def celery_result(state: redis.Redis, valkey_url: str) -> Callable[[str], AsyncResult]:
    """What any Celery client of the backend sees of a prediction."""
    return Celery(backend=valkey_url).AsyncResult


@pytest.fixture
def store(state: redis.Redis) -> PredictionStore:
    return PredictionStore(state)


@pytest.fixture
def settings(valkey_url: str, tmp_path: Path) -> Settings:
    return Settings(
        redis_url=valkey_url,
        data_dir=tmp_path,
        max_upload_bytes=2_000_000,
        max_pixels=4_000_000,
        allowed_hosts=("testserver",),
        log_level="error",
    )


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return Storage.of(settings)


@pytest.fixture(scope="session")
def model() -> ServedModel:
    """The bundled model, loaded and warm."""
    (loaded,) = load_models([bundled_folder()], Context())
    return loaded


@pytest.fixture
def register(state: redis.Redis, model: ServedModel) -> ModelRegister:
    """The register, with the bundled model served by one worker of two slots."""
    register = ModelRegister(state)
    register.register("worker-1", slots=2, free=0, cards=[model.about])
    return register


@pytest.fixture
def workplace() -> Workplace:
    """A worker with two slots."""
    return Workplace("worker-1", Policy(3, timedelta(hours=1)), Slots(2))


@pytest.fixture
def pipeline(
    store: PredictionStore, storage: Storage, model: ServedModel, workplace: Workplace
) -> Pipeline:
    """A worker's pipeline without Celery around it."""
    return Pipeline(
        store,
        storage,
        models={model.about.reference: model},
        workplace=workplace,
    )


@pytest.fixture
def accounts(state: redis.Redis) -> AccountStore:
    return AccountStore(state)


@pytest.fixture
def ann(accounts: AccountStore) -> Person:
    """The user that tests act as, unless they say otherwise."""
    return person(accounts)


@pytest.fixture
def api(settings: Settings, register: ModelRegister, ann: Person) -> Iterator[TestClient]:
    """The running application over HTTP."""
    app = create_app(settings)
    with TestClient(app, raise_server_exceptions=False, headers=ann.headers) as client:
        yield client


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled network as a TensorFlow SavedModel."""
    if sys.version_info >= (3, 14):
        pytest.skip("there is no TensorFlow for this Python yet")
    require(find_spec("tensorflow"), "TensorFlow (make tensorflow)")
    return build(tmp_path_factory.mktemp("tensorflow") / "saved_model")


@pytest.fixture(scope="session")
def photo() -> dict[str, bytes]:
    """Real photographs as JPEG, by name."""
    return {name: jpeg(name) for name in PHOTOS}


@pytest.fixture(scope="session")
def photo_files(
    tmp_path_factory: pytest.TempPathFactory, photo: dict[str, bytes]
) -> dict[str, Path]:
    """The same photographs as files."""
    folder = tmp_path_factory.mktemp("photos")
    for name, data in photo.items():
        (folder / f"{name}.jpg").write_bytes(data)
    return {name: folder / f"{name}.jpg" for name in photo}


@pytest.fixture
def upload(photo: dict[str, bytes]) -> dict[str, tuple[str, io.BytesIO]]:
    """Multipart files with one photograph of a cat."""
    return {"image": ("chelsea.jpg", io.BytesIO(photo["chelsea"]))}
