"""The API on real ports."""

from collections.abc import Callable, Iterator

import pytest

from api.live import LiveApi
from inferq.settings import Settings
from people import Person


@pytest.fixture
def start_api(settings: Settings, register, ann: Person) -> Iterator[Callable[..., LiveApi]]:
    """Starts an API on a port of its own, or on one that another had."""
    started: list[LiveApi] = []

    def start(port: int | None = None) -> LiveApi:
        started.append(LiveApi(settings, port, key=ann.key).start())
        return started[-1]

    yield start
    for api in started:
        if api._thread.is_alive():
            api.stop()


@pytest.fixture
def live(start_api: Callable[..., LiveApi]) -> LiveApi:
    """A running API."""
    return start_api()
