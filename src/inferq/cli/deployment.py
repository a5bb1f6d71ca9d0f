"""A deployment as its operator reaches it: by its state store, whichever part of it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from pydantic import SecretStr

from inferq.cli.serve import read_settings
from inferq.errors import SetupError
from inferq.local_server import LocalServer
from inferq.settings import Settings
from inferq.state import connect


def deployment_settings(data_dir: Path | None) -> Settings:
    """The settings of the deployment that is meant: where none is named, of the server that this user has started here.

    Args:
        data_dir: As an option named it.

    Raises:
        SetupError: A value is not valid.
    """
    settings = read_settings(data_dir=data_dir)
    local = LocalServer.read().data_dir
    if local is None or settings.redis_url is not None or "data_dir" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"data_dir": Path(local)})


def with_state(settings: Settings) -> Settings:
    """The settings with the state store that is meant: the one named, or that of `inferq up` on the data directory.

    Raises:
        SetupError: None is named, and no server has run there.
    """
    from inferq.embedded.valkey import configured_url  # noqa: PLC0415 - where a store is set, none of it is needed

    if settings.redis_url is not None:
        return settings
    folder: Path = settings.data_dir.absolute()
    url = configured_url(folder / "valkey")
    if url is None:
        raise SetupError(
            f"No server has run on {folder}. Name its data directory (--data-dir, INFERQ_DATA_DIR),"
            " or the state store (INFERQ_REDIS_URL)."
        )
    return settings.model_copy(update={"redis_url": SecretStr(url)})


@contextmanager
def state_of(settings: Settings) -> Iterator[redis.Redis]:
    """A client of that state store.

    Raises:
        SetupError: There is none.
    """
    client = connect(with_state(settings).state_url())
    try:
        yield client
    finally:
        client.close()
