"""The whole of `inferq up` killed at once, and started again on the same data."""

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import redis

from faults.case import Case
from faults.deployment import clean_environment
from faults.fault_model import Picture
from faults.processes import short_folder
from faults.verdict import Truth
from inferq.models import BUNDLED
from inferq.state import connect
from photos import jpeg
from system.served import Served, eventually, running


class Photo(Picture):
    """A real photograph in a picture's place."""

    @property
    def png(self) -> bytes:
        """A cat, as JPEG."""
        return _cat()


@cache
def _cat() -> bytes:
    return jpeg("chelsea")


def up_killed(case: Case) -> None:
    """SIGKILL to `inferq up` under load: everything it started dies with it, and it starts again."""
    folder = short_folder()
    own = {"INFERQ_BROKER_URL": case.site.broker.url} if case.site.broker_name != "valkey" else {}
    case.note("the bundled model on real photographs")
    case.site.end_deployment()
    case.site.empty()
    try:
        with _environment(clean_environment(folder) | own):
            _kill_and_start_again(case, folder / "data")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kill_and_start_again(case: Case, data: Path) -> None:
    first = Served(data).ready()
    second: Served | None = None
    try:
        case.connect(first.url, first.key, model=BUNDLED)
        photo = Photo()
        case.submit([photo] * case.size.pick(800, 40))
        with case.fault():
            first.stop(signal.SIGKILL)
            eventually(lambda: not running(str(data)))
            second = Served(data, port=first.port).ready()
        client = _state_of(data)
        case.use(Truth(client, fresh=True))
        try:
            case.judge_healthy(most_attempts=2)
        finally:
            client.close()
    finally:
        for served in (first, second):
            if served is not None:
                served.stop()


def _state_of(data: Path) -> redis.Redis:
    """A client of the Valkey that runs on a data directory now."""
    conf = (data / "valkey" / "valkey.conf").read_text()
    setting = partial(_setting, conf)
    return connect(
        f"redis+socket://:{setting('requirepass')}@{setting('unixsocket')}?virtual_host=0"
    )


def _setting(conf: str, name: str) -> str:
    value = next(line for line in conf.splitlines() if line.startswith(f"{name} "))
    return value.partition(" ")[2].strip('"')


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Lets what is started now see another environment."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
