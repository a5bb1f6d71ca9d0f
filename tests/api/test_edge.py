import pytest
from starlette.testclient import TestClient

from inferq.api.edge import _without_port

URL = "/api/v1/predictions"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "testserver.evil.example", "", "[::1]:80"]
)
def test_a_foreign_host_name_is_refused_on_every_method(api: TestClient, host: str):
    for method in ("GET", "POST"):
        response = api.request(method, "/api/v1/models", headers={"Host": host})
        assert (response.status_code, response.json()["code"]) == (400, "host_not_allowed")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8000", "localhost"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]:8000", "[::1]"),
        ("[::1]", "[::1]"),
    ],
)
def test_the_port_of_a_host_does_not_count(host: str, name: str):
    assert _without_port(host) == name


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver:8001"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_of_another_origin_cannot_submit(api: TestClient, upload, tmp_path, headers):
    response = api.post(URL, files=upload, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "cross_origin")
    assert [path for path in (tmp_path / "storage").glob("*/*/*/*/*") if path.is_file()] == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://testserver"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_our_own_page_and_programs_can_submit(api: TestClient, upload, headers):
    assert api.post(URL, files=upload, headers=headers).status_code == 202


def test_reading_is_allowed_from_a_link_of_another_site(api: TestClient):
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    response = api.get("/api/v1/models", headers=headers)
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_proxy_that_renames_the_host_is_told_by_the_public_url(settings, register, ann, upload):
    from inferq.api.app import create_app

    behind = settings.model_copy(update={"public_url": "https://inferq.example"})
    with TestClient(create_app(behind), headers=ann.headers) as client:
        headers = {"Origin": "https://inferq.example"}
        assert client.post(URL, files=upload, headers=headers).status_code == 202


def test_every_answer_carries_a_request_id_and_security_headers(api: TestClient):
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    response = api.get("/nonesuch", headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
    assert response.headers["X-Request-ID"] == trace_id == response.json()["trace_id"]
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert len(api.get("/healthz").headers["X-Request-ID"]) == 32
