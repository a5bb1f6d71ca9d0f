"""What may not be set where others can reach a deployment."""

import pytest

from inferq.api.app import serve
from inferq.errors import SetupError
from inferq.safety import findings, is_local, require_safe
from inferq.settings import Settings

PUBLIC = {
    "host": "0.0.0.0",
    "allowed_hosts": "inferq.example",
    "public_url": "https://inferq.example",
}
PROXIED = {"demo": "proxied", "host": "0.0.0.0", "trusted_proxies": "172.31.238.0/24"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (PUBLIC | {"demo": True}, "INFERQ_DEMO"),
        ({"demo": True, "public_url": "https://inferq.example"}, "INFERQ_DEMO"),
        ({"demo": True, "trusted_proxies": "127.0.0.1"}, "INFERQ_DEMO"),
        ({"demo": True, "allowed_hosts": "127.0.0.1,inferq.example"}, "INFERQ_DEMO"),
        ({"demo": "proxied"}, "INFERQ_DEMO"),
        (PROXIED | {"public_url": "https://inferq.example"}, "INFERQ_DEMO"),
        (PROXIED | {"allowed_hosts": "localhost,inferq.example"}, "INFERQ_DEMO"),
        ({"allowed_hosts": "*"}, "INFERQ_ALLOWED_HOSTS"),
        ({"cors_origins": "*"}, "INFERQ_CORS_ORIGINS"),
        ({"cors_origins": "https://*.example"}, "INFERQ_CORS_ORIGINS"),
        ({"cors_origins": "app.example"}, "INFERQ_CORS_ORIGINS"),
        ({"cors_origins": "https://app.example/"}, "INFERQ_CORS_ORIGINS"),
        ({"broker_url": "amqp://guest:guest@rabbit//"}, "INFERQ_BROKER_URL"),
        ({"broker_url": "amqp://guest:other@rabbit//"}, "INFERQ_BROKER_URL"),
        ({"broker_url": "amqp://rabbit//"}, "INFERQ_BROKER_URL"),
        (PUBLIC | {"webhook_loopback": True}, "INFERQ_WEBHOOK_LOOPBACK"),
    ],
)
def test_nothing_starts_with(settings: dict, named: str):
    with pytest.raises(SetupError, match=f"not safe to start. {named}: "):
        serve(Settings(redis_url="redis://127.0.0.1:1/0", **settings))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"demo": True},
        {"demo": True, "public_url": "http://localhost:8000"},
        PUBLIC,
        PUBLIC | {"cors_origins": "https://app.example,http://localhost:5173"},
        {"broker_url": "amqp://guest:guest@127.0.0.1//"},
        {"webhook_loopback": True},
        {"broker_url": "amqp://inferq:secret@rabbit//"},
    ],
)
def test_all_is_well_with(settings: dict):
    require_safe(Settings(**settings))
    assert list(findings(Settings(**settings))) == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"host": "0.0.0.0", "public_url": "https://a.example"}, "INFERQ_ALLOWED_HOSTS"),
        (PUBLIC | {"public_url": "http://inferq.example"}, "INFERQ_PUBLIC_URL"),
        (PUBLIC | {"redis_url": "redis://valkey:6379/0"}, "INFERQ_REDIS_URL"),
    ],
)
def test_what_is_doubtful_is_told_but_starts(settings: dict, named: str):
    require_safe(Settings(**settings))
    assert [found.setting for found in findings(Settings(**settings))] == [named]


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "192.168.1.7", "::", "inferq.example", "127.evil.example"]
)
def test_what_listens_beyond_loopback_is_production(host: str):
    assert not is_local(Settings(host=host))
    assert is_local(Settings(host="127.0.0.1"))
    assert is_local(Settings(host="::1"))
