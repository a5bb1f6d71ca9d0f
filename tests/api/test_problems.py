"""Requests that no route was made for: each is answered with a problem, and stores nothing."""

import errno
import json
import socket
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.live import SECONDS, LiveApi
from inferq.api.app import create_app
from inferq.errors import MOST_FIELD_ERRORS
from inferq.predictions.record import ModelReference
from inferq.storage.local import LocalFiles
from predictions.drafts import accept, succeed
from system.served import eventually

URL = "/api/v1/predictions"
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
JSON = {"Content-Type": "application/json"}
PART = b'--b\r\nContent-Disposition: form-data; name="image"; filename="cat.jpg"\r\n\r\n'


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "storage").glob("*/*/*/*/*") if path.is_file()]


def refused(answer, status: int, code: str) -> dict:
    """The problem of an answer, which must be one of this kind."""
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["trace_id"] == answer.headers["X-Request-ID"]
    return problem


@pytest.mark.parametrize(
    "path",
    ["/nonesuch", "/api/v1/nonesuch", f"{URL}/", "//api/v1/models", "/assets/no.js", "/%00"],
)
def test_an_unknown_path_is_not_found(api: TestClient, path: str):
    for method in ("GET", "POST"):
        answer = api.build_request(method, f"http://testserver{path}")
        refused(api.send(answer), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", URL, "GET, POST"),
        ("HEAD", URL, "GET, POST"),
        ("OPTIONS", f"{URL}/x", "GET, DELETE"),
        ("POST", f"{URL}/x/image", "GET, HEAD"),
        ("GET", f"{URL}/x/cancel", "POST"),
        ("DELETE", "/readyz", "GET"),
        ("POST", "/", "GET, HEAD"),
        ("TRACE", "/favicon.svg", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_all_that_the_path_allows(
    api: TestClient, method: str, path: str, allowed: str
):
    answer = api.request(method, path)
    assert answer.headers["Allow"] == allowed
    if method == "HEAD":
        assert (answer.status_code, answer.content) == (405, b"")
    else:
        refused(answer, 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (PART + b"x", FORM),
        (PART + b"x\r\n--b-", FORM),
        (b"nonsense", FORM),
        (PART + b"x\r\n--b--\r\n", {"Content-Type": "multipart/form-data"}),
        (PART + b"x\r\n--b--\r\n", {"Content-Type": "multipart/form-data; boundary=c"}),
        (b"--b\r\nX: y\r\n\r\n1\r\n--b--\r\n", FORM),
        (PART + b"x\r\n" + PART + b"y\r\n--b--\r\n", FORM),
        (
            b'--b\r\nContent-Disposition: form-data; name="batch"\r\n\r\n'
            + b"x" * 20_000 + b"\r\n" + PART + b"x\r\n--b--\r\n",
            FORM,
        ),
    ],
    ids=["no end", "half an end", "nonsense", "no boundary", "another boundary", "no name", "two files", "long field"],
)  # fmt: skip
def test_a_form_that_cannot_be_read_or_breaks_off_is_malformed(
    api: TestClient, tmp_path: Path, body: bytes, headers: dict
):
    refused(api.post(URL, content=body, headers=headers), 400, "malformed_request")
    assert stored(tmp_path) == []


def test_a_picture_may_be_sent_as_a_form_with_something_behind_its_end(api: TestClient, photo):
    body = PART + photo["chelsea"] + b"\r\n--b--\r\nand an epilogue"
    assert api.post(URL, content=body, headers=FORM).status_code == 202


@pytest.mark.parametrize("path", [f"{URL}/delete", f"{URL}/x/rerun"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_request"),
        (b'{"ids": ["\xff"]}', 400, "malformed_request"),
        (b"[" * 100_000, 400, "malformed_request"),
        (b'"' + b"x" * 2**20 + b'"', 413, "upload_too_large"),
        (b"7", 422, "invalid_parameter"),
        (b'{"ids": ["\\ud800"]}', 422, "invalid_parameter"),
        (b'{"parameters": {"score_threshold": NaN}}', 422, "invalid_parameter"),
        (b'{"parameters": {"\\udfff": 1}}', 422, "invalid_parameter"),
        (b'{"ids": [' + b"9" * 100_000 + b"]}", 400, "malformed_request"),
        (b'{"ids": ' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}", 400, "malformed_request"),
    ],
    ids=[
        "broken",
        "no UTF-8",
        "deep",
        "large",
        "number",
        "surrogate",
        "NaN",
        "surrogate name",
        "huge number",
        "deep object",
    ],
)
def test_a_body_that_is_no_json_is_refused(
    api: TestClient, path: str, body: bytes, status: int, code: str
):
    refused(api.post(path, content=body, headers=JSON), status, code)
    without_a_length = (body[first : first + 1000] for first in range(0, len(body), 1000))
    refused(api.post(path, content=without_a_length, headers=JSON), status, code)


@pytest.mark.parametrize("path", [f"{URL}/delete", f"{URL}/x/rerun"])
@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "multipart/form-data"}]
)
def test_json_has_to_be_called_json(api: TestClient, path: str, headers: dict):
    problem = refused(api.post(path, content=b"{}", headers=headers), 415, "unsupported_format")
    assert headers.get("Content-Type", "without Content-Type") in problem["detail"]


def test_what_is_wrong_is_pointed_at_wherever_it_is(api: TestClient, store, ann, photo):
    model = ModelReference(name="ssdlite-mobilenet-v2-coco", version="1")
    done = accept(store, owner=ann.owner, model=model)
    succeed(store, done)
    picture, long = {"image": photo["chelsea"]}, {"Idempotency-Key": "x" * 256}
    for answer, pointers in (
        (api.get(URL, params={"limit": 0, "state": "done"}), ["/state/0", "/limit"]),
        (api.get(f"{URL}/x/preview", params={"max_side": 7}), ["/max_side"]),
        (api.post(f"{URL}/delete", json={"a/b~c": 1}), ["/a~1b~0c"]),
        (api.post(f"{URL}/delete", json={"filter": {"state": ["done"]}}), ["/filter/state/0"]),
        (api.post(f"{URL}/delete", json=[]), [""]),
        (api.post(f"{URL}/x/rerun", json={"model": 7}), ["/model"]),
        (
            api.post(f"{URL}/{done}/rerun", json={"parameters": {"classes": ["cat", "yeti"]}}),
            ["/parameters/classes/1"],
        ),
        (api.post(URL, files=picture, data={"score~": "1"}), ["/score~0"]),
        (api.post(URL, files=picture, headers=long), ["/idempotency-key"]),
    ):
        problem = refused(answer, 422, "invalid_parameter")
        assert [error["pointer"] for error in problem["errors"]] == pointers


def test_of_very_many_wrong_fields_the_first_are_told(api: TestClient, store, ann, photo):
    done = accept(
        store,
        owner=ann.owner,
        model=ModelReference(name="ssdlite-mobilenet-v2-coco", version="1"),
    )
    succeed(store, done)
    many = {f"k{number}": 1 for number in range(8000)}
    for answer in (
        api.post(f"{URL}/delete", json=many),
        api.post(f"{URL}/{done}/rerun", json={"parameters": many}),
        api.post(
            URL, content=photo["chelsea"], params=many, headers={"Content-Type": "image/jpeg"}
        ),
    ):
        problem = refused(answer, 422, "invalid_parameter")
        assert len(problem["errors"]) == MOST_FIELD_ERRORS
        assert len(answer.content) < 10_000


@pytest.mark.parametrize("moment", ["0.5", "1764000000", "2026", "-1", "2026-11-24T09:30:00"])
def test_a_moment_is_told_as_rfc_3339_writes_it(api: TestClient, moment: str):
    answer = api.get(URL, params={"created_after": moment})
    assert refused(answer, 422, "invalid_parameter")["errors"][0]["pointer"] == "/created_after"


def test_metadata_that_is_too_deep_is_refused_and_what_is_not_comes_back(
    api: TestClient, photo, tmp_path: Path
):
    def nested(levels: int) -> str:
        return '{"a":' * levels + "1" + "}" * levels

    picture = {"image": photo["chelsea"]}
    problem = refused(
        api.post(URL, files=picture, data={"metadata": nested(600)}), 422, "invalid_parameter"
    )
    assert [error["pointer"] for error in problem["errors"]] == ["/metadata"]
    assert stored(tmp_path) == []
    accepted = api.post(URL, files=picture, data={"metadata": nested(100)})
    shown = api.get(accepted.headers["Location"]).json()
    assert shown["metadata"] == json.loads(nested(100))


@pytest.mark.parametrize("origin", ["http://[::1", "", "null", "\xff", "//"])
def test_an_origin_that_is_no_url_is_a_foreign_one(api: TestClient, upload, origin: str):
    answer = api.post(URL, files=upload, headers={"Origin": origin.encode("latin-1")})
    refused(answer, 403, "cross_origin")


def signed(live: LiveApi, request: bytes) -> bytes:
    """The same request with the caller's key."""
    close = b"Connection: close\r\n"
    return request.replace(close, close + f"Authorization: Bearer {live.key}\r\n".encode())


def exchange(live: LiveApi, request: bytes, *, end: bool = False) -> tuple[int, bytes, bytes]:
    """Status, head and body of the answer to bytes on a connection of their own; `end` says that no more come."""
    with socket.create_connection(("127.0.0.1", live.port), SECONDS) as connection:
        connection.sendall(signed(live, request))
        if end:
            connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head, body


def request(target: bytes, *lines: bytes, method: bytes = b"GET") -> bytes:
    head = [method + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    return b"\r\n".join([*head, *lines, b"", b""])


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (request(b"/api/v1/models", b"Host: evil.example"), 400, b"host_not_allowed"),
        (b"GET /api/v1/models HTTP/1.0\r\n\r\n", 400, b"host_not_allowed"),
        (request(URL.encode() + b"/%ff%fe"), 404, b"not_found"),
        (request(URL.encode() + b"/%00"), 404, b"not_found"),
        (request(b"/api/v1/batches/%ed%a0%80"), 404, b"not_found"),
        (request(b"/%2e%2e/%2e%2e/etc/passwd"), 404, b"not_found"),
        (request(URL.encode() + b"?cursor=%ff%00"), 422, b"invalid_parameter"),
        (request(URL.encode() + b"?limit=" + b"9" * 5000), 422, b"invalid_parameter"),
        (request(URL.encode() + b"/x", b"Prefer: \xff\xfe"), 404, b"not_found"),
        (
            request(URL.encode(), b"Content-Type: \xff\xfe", b"Content-Length: 0", method=b"POST"),
            415,
            b"unsupported_format",
        ),
    ],
)
def test_odd_bytes_are_answered_with_a_problem(live: LiveApi, sent: bytes, status: int, code):
    answered, head, body = exchange(live, sent)
    assert answered == status
    assert b"content-type: application/problem+json" in head
    assert b'"code":"%s"' % code in body


@pytest.mark.parametrize(
    "query", [b"label=%ff%fe", b"batch=a%00b", b"batch=%ed%a0%80", b"label=" + b"a" * 60_000]
)
def test_odd_words_in_a_filter_match_nothing(live: LiveApi, query: bytes):
    answered, _, body = exchange(live, request(URL.encode() + b"?" + query))
    assert (answered, body) == (200, b'{"items":[],"next_cursor":null}')


@pytest.mark.parametrize(
    "sent",
    [
        request(URL.encode(), b"Content-Length: abc", method=b"POST"),
        request(URL.encode(), b"Content-Length: -1", method=b"POST"),
        request(URL.encode(), b"Content-Length: 1", b"Content-Length: 2", method=b"POST"),
        request(URL.encode(), b"Content-Length: 3", b"Transfer-Encoding: chunked", method=b"POST"),
        request(URL.encode(), method=b"BREW"),
        request(URL.encode(), b"X-A: a\x00b"),
        request(URL.encode() + b"?batch=\xff"),
        b"\x16\x03\x01no HTTP\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_before_the_application(live: LiveApi, sent: bytes):
    answered, head, body = exchange(live, sent)
    assert answered == 400
    assert b"x-request-id" not in head
    assert json.loads(body)["code"] == "malformed_request"
    assert live.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("raw", [True, False])
def test_of_an_upload_whose_client_goes_away_nothing_stays(
    live: LiveApi, photo, state, tmp_path: Path, raw: bool
):
    body = photo["chelsea"] if raw else PART + photo["chelsea"] + b"\r\n--b--\r\n"
    kind = b"image/jpeg" if raw else FORM["Content-Type"].encode()
    lines = (b"Content-Type: " + kind, b"Content-Length: %d" % len(body))
    known = set(state.keys())
    exchange_half = request(URL.encode(), *lines, method=b"POST") + body[: len(body) // 2]
    with socket.create_connection(("127.0.0.1", live.port), SECONDS) as connection:
        connection.sendall(signed(live, exchange_half))
    open_connections = live._server.server_state.connections
    tasks = live._server.server_state.tasks
    eventually(lambda: not open_connections and not tasks)
    assert stored(tmp_path) == []
    assert {key for key in set(state.keys()) - known if "prediction" in key} == set()


def test_with_the_state_store_away_the_process_lives_and_is_not_ready(settings, upload):
    nobody = SecretStr("redis://127.0.0.1:1/0")
    away = settings.model_copy(update={"redis_url": nobody})
    with TestClient(create_app(away)) as client:
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["state"] == "unavailable"


def test_a_full_disk_is_a_507_and_nothing_is_recorded(api: TestClient, upload, monkeypatch, state):
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LocalFiles, "pipe_file", full)
    refused(api.post(URL, files=upload), 507, "disk_full")
    assert state.keys("inferq:prediction:*") == []
