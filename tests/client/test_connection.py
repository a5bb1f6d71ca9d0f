"""Which server a client talks to, and which key it sends."""

import pytest

from inferq.client.connection import DEFAULT_URL, Connection
from inferq.local_server import LocalServer, local_server_file
from inferq.settings import get_settings

LOCAL = LocalServer("http://127.0.0.1:8123", "iq_local")


@pytest.fixture(autouse=True)
def _fresh_settings():
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_the_server_that_runs_here_is_found_with_its_key():
    assert Connection.of(None, None) == Connection(DEFAULT_URL, None)
    LOCAL.write()
    assert Connection.of(None, None) == Connection(LOCAL.url, LOCAL.api_key)
    assert Connection.of(f"{LOCAL.url}/", None) == Connection(LOCAL.url, LOCAL.api_key)
    assert Connection.of(None, "iq_mine") == Connection(LOCAL.url, "iq_mine")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8124", "https://inferq.example"])
def test_the_local_servers_key_is_sent_to_no_other(url: str, monkeypatch: pytest.MonkeyPatch):
    LOCAL.write()
    assert Connection.of(url, None) == Connection(url, None)
    monkeypatch.setenv("INFERQ_URL", url)
    get_settings.cache_clear()
    assert Connection.of(None, None) == Connection(url, None)
    monkeypatch.setenv("INFERQ_API_KEY", "iq_set")
    get_settings.cache_clear()
    assert Connection.of(None, None) == Connection(url, "iq_set")


@pytest.mark.parametrize("text", ["", "[]", '{"api_key": "x"}', "nonsense"])
def test_a_file_that_is_no_note_of_a_server_counts_as_none(text: str):
    LOCAL.write()
    local_server_file().write_text(text)
    assert LocalServer.read() == LocalServer()
