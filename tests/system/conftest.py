from collections.abc import Iterator
from pathlib import Path

import pytest

from system.served import Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running server, shared by the tests of a file."""
    server = Served(tmp_path_factory.mktemp("up") / "data")
    try:
        yield server.ready()
    finally:
        server.stop()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"
