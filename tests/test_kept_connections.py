"""Connections that threads keep: what becomes of them when the server, a time-out or the thread ends."""

import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from inferq import kept_connections
from inferq.kept_connections import KeptConnections
from inferq.state import client_url


@pytest.fixture
def client(state: redis.Redis, valkey_url: str) -> KeptConnections:
    """Gives up at the first failure, within a second."""
    retry = Retry(NoBackoff(), 0)
    return KeptConnections.from_url(
        client_url(valkey_url), decode_responses=True, socket_timeout=1, retry=retry
    )


def test_a_thread_keeps_one_connection_for_whatever_it_asks(client: KeptConnections):
    first = client.client_id()
    client.set("key", "1")
    assert (client.get("key"), client.client_id()) == ("1", first)


def test_threads_do_not_share_a_connection_and_hand_it_on_when_they_end(client: KeptConnections):
    ids = []
    for _ in range(5):
        thread = threading.Thread(target=lambda: ids.append((client.client_id(), client.ping())))
        thread.start()
        thread.join()
    assert client.client_id() in {number for number, _ in ids}
    assert len(set(ids)) == 1


def test_what_the_server_has_closed_meanwhile_is_opened_anew_without_a_failure(
    client: KeptConnections, state: redis.Redis, monkeypatch
):
    first = client.client_id()
    state.client_kill_filter(_id=first)
    monkeypatch.setattr(kept_connections, "IDLE_SECONDS", -1)
    assert client.client_id() != first


def test_an_answer_that_comes_too_late_is_not_taken_for_that_of_the_next_command(
    client: KeptConnections, state: redis.Redis
):
    with pytest.raises(redis.TimeoutError):
        client.blpop(["nothing"], timeout=10)
    state.rpush("nothing", "late")
    state.set("key", "1")
    assert client.get("key") == "1"


def test_an_error_of_a_command_leaves_its_connection_as_it_is(client: KeptConnections):
    first = client.client_id()
    with pytest.raises(redis.ResponseError):
        client.execute_command("NONSENSE")
    assert client.client_id() == first
