"""Receivers with and without TLS."""

import shutil
from collections.abc import Iterator

import pytest

from webhooks.receiving import Authority, Receiver, make_authority, receiver


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"), shutil.which)


@pytest.fixture
def secure(authority: Authority) -> Iterator[Receiver]:
    """`https://receiver.example` on a port of loopback."""
    with receiver(context=authority.context(), host="receiver.example") as told:
        yield told


@pytest.fixture
def plain() -> Iterator[Receiver]:
    """`http://127.0.0.1` on a port."""
    with receiver() as told:
        yield told
