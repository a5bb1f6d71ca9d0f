import errno

import pytest
from fsspec.implementations.local import LocalFileSystem
from pydantic import SecretStr
from starlette.testclient import TestClient

from inferq.api.app import create_app
from inferq.errors import error_classes
from inferq.models.register import ModelRegister


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nonesuch", 404, "not_found"),
        ("GET", "/api/v1/nonesuch", 404, "not_found"),
        ("PUT", "/api/v1/predictions", 405, "method_not_allowed"),
        ("GET", "/api/v1/models/nonesuch", 404, "not_found"),
        ("GET", "/api/problems/nonesuch", 404, "not_found"),
    ],
)
def test_the_frameworks_errors_are_problems_too(api: TestClient, method, path, status, code):
    response = api.request(method, path)
    problem = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"/api/problems/{code}"
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize("cls", list(error_classes()), ids=lambda cls: cls.code)
def test_every_problem_type_has_a_page(api: TestClient, cls):
    page = api.get(f"/api/problems/{cls.code}").json()
    assert page["code"] == cls.code
    assert page["status"] == cls.status
    assert len(page["description"]) > 20


def test_no_two_errors_share_a_code():
    codes = [cls.code for cls in error_classes()]
    assert len(codes) == len(set(codes))


def test_a_fault_of_ours_is_a_problem_without_its_cause(api: TestClient, monkeypatch):
    def broken(_: ModelRegister) -> None:
        raise ZeroDivisionError("the secret reason")

    monkeypatch.setattr(ModelRegister, "cards", broken)
    response = api.get("/api/v1/models")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text
    assert response.headers["X-Request-ID"] == response.json()["trace_id"]


def test_with_the_state_store_away_answers_are_503_with_retry_after(settings, upload):
    nobody = SecretStr("redis://127.0.0.1:1/0")
    away = settings.model_copy(update={"redis_url": nobody})
    with TestClient(create_app(away)) as client:
        response = client.post("/api/v1/predictions", files=upload)
        assert (response.status_code, response.json()["code"]) == (503, "state_unavailable")
        assert response.json()["retryable"] is True
        assert int(response.headers["Retry-After"]) >= 1
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["state"] == "unavailable"


def test_a_full_disk_is_a_507_and_nothing_is_recorded(api: TestClient, upload, monkeypatch, state):
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LocalFileSystem, "pipe_file", full)
    response = api.post("/api/v1/predictions", files=upload)
    assert (response.status_code, response.json()["code"]) == (507, "disk_full")
    assert state.keys("inferq:prediction:*") == []
