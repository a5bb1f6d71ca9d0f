"""What clients may do to a connection: heads that never end, bodies that trickle, bytes that are no HTTP."""

import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx2 as httpx
import pytest
from fastapi import Request

from api.live import SECONDS, LiveApi
from inferq.api import bodies, connections
from inferq.errors import RequestTooSlow
from system.served import eventually, free_port

URL = b"/api/v1/predictions"
HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST " + URL + b" HTTP/1.1\r\n" + HOST
SHORT = 0.2


def signature(live: LiveApi) -> bytes:
    """The header with the caller's key."""
    return f"Authorization: Bearer {live.key}\r\n".encode()


@contextmanager
def connected(live: LiveApi) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", live.port), SECONDS) as connection:
        yield connection


def answer(connection: socket.socket) -> tuple[int, dict]:
    """Status and problem of all that comes until the server closes the connection."""
    received = b""
    while part := connection.recv(65536):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    return int(head.split(b" ", 2)[1]), json.loads(body)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: ",
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: b\r\n" * 10_000,
        b"GET /healthz?",
        b"GET /healthz?" + b"&".join(b"a=%d" % n for n in range(20_000)) + b" HTTP/1.1\r\n",
    ],
    ids=["one long header", "many headers", "long target", "many parameters"],
)
def test_a_head_without_end_is_cut_off(live: LiveApi, head: bytes):
    with connected(live) as connection:
        connection.sendall(head)
        connection.sendall(
            b"a" * (connections.HEAD_BYTES + 1 - min(len(head), connections.HEAD_BYTES))
        )
        status, problem = answer(connection)
    assert (status, problem["code"]) == (431, "head_too_large")


def test_of_many_requests_on_one_connection_each_has_its_own_head(live: LiveApi):
    large = HOST + b"X: " + b"a" * (connections.HEAD_BYTES // 2) + b"\r\n\r\n"
    with connected(live) as connection:
        for _ in range(4):
            connection.sendall(b"GET /healthz HTTP/1.1\r\n" + large)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("first", [b"", b"GET /healthz HTTP/1.1\r\nHo"], ids=["nothing", "half"])
def test_a_head_that_does_not_come_is_not_waited_for(live: LiveApi, monkeypatch, first: bytes):
    monkeypatch.setattr(connections, "HEAD_SECONDS", SHORT)
    with connected(live) as connection:
        connection.sendall(first)
        if first:
            assert answer(connection)[1]["code"] == "request_too_slow"
        else:
            assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (b"image/png", URL),
        (b"multipart/form-data; boundary=b", URL),
        (b"application/json", URL + b"/delete"),
    ],
)
def test_a_body_that_trickles_is_not_waited_for(
    live: LiveApi, monkeypatch, kind: bytes, path: bytes
):
    monkeypatch.setattr(bodies, "PATIENCE_SECONDS", SHORT)
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Content-Type: " + kind + b"\r\n"
    head += signature(live)
    with connected(live) as connection:
        connection.sendall(head + b"Content-Length: 100\r\nConnection: close\r\n\r\n--b\r\n")
        status, problem = answer(connection)
    assert (status, problem["code"]) == (408, "request_too_slow")


@pytest.mark.anyio
async def test_a_body_that_goes_on_coming_earns_time(monkeypatch):
    now = 0.0
    monkeypatch.setattr(bodies.time, "monotonic", lambda: now)
    seconds_of = {"mobile line": 1.0, "trickle": 40.0}
    for name, seconds in seconds_of.items():
        now = 0.0

        async def receive(seconds=seconds) -> dict:
            nonlocal now
            now += seconds
            return {"type": "http.request", "body": bytes(8192), "more_body": now < 60}

        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        request = bodies.limited(Request(scope, receive), 10**6, told=10**6)
        if name == "trickle":
            with pytest.raises(RequestTooSlow, match="8,192 bytes of the body came in 40 s"):
                await request.body()
        else:
            assert len(await request.body()) == 60 * 8192


def test_the_rest_of_a_refused_body_is_dropped_for_a_while_only(live: LiveApi, monkeypatch):
    monkeypatch.setattr(connections, "LINGER_SECONDS", SHORT)
    with connected(live) as connection:
        connection.sendall(
            POST
            + signature(live)
            + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 415")
        while connection.recv(1):  # until it is closed, though bytes are still to come
            continue


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\0no HTTP\r\n\r\n", b"GET / HTTP/9\r\n\r\n"])
def test_what_is_no_http_is_answered_with_a_problem(live: LiveApi, sent: bytes):
    with connected(live) as connection:
        connection.sendall(sent)
        assert answer(connection)[1]["code"] == "malformed_request"


def test_more_clients_than_a_shells_processes_may_have_files_are_served(
    valkey_url: str, tmp_path: Path
):
    port, (_, most) = free_port(), resource.getrlimit(resource.RLIMIT_NOFILE)
    few = 64
    api = subprocess.Popen(
        [sys.executable, "-m", "inferq", "api", "--port", str(port)],
        env=os.environ | {"INFERQ_REDIS_URL": valkey_url, "INFERQ_DATA_DIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, most)),  # noqa: PLW1509 - no threads of ours
    )
    request = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    try:
        eventually(lambda: _answers(port), seconds=60)
        with ExitStack() as open_ones:
            for _ in range(2 * few):
                connection = socket.create_connection(("127.0.0.1", port), SECONDS)
                open_ones.enter_context(connection)
                connection.sendall(request)
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    finally:
        api.terminate()
        api.wait(SECONDS)


def _answers(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    return False
