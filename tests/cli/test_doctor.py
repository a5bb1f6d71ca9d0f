"""`inferq doctor` on real servers: what it finds, and that it says what to do."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner

from conftest import require
from faults.nodes import RabbitNode, rabbitmq_script
from inferq.cli import app
from inferq.cli.checks import look_at_state
from inferq.models.register import ModelRegister
from inferq.predictions.record import ModelReference
from predictions.drafts import accept
from system.served import free_port

WELL = {"redis_version": "7.2.4", "valkey_version": "9.1.0", "aof_enabled": 1, "role": "master"}


@pytest.fixture(autouse=True)
def _deployment(valkey_url: str, state, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INFERQ_REDIS_URL", valkey_url)
    monkeypatch.setenv("INFERQ_DATA_DIR", str(tmp_path))


def doctor(*words: str) -> dict[str, tuple[str, str]]:
    """Level and text of each part; of several findings the last."""
    url = f"http://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(app, ["doctor", "--json", "--url", url, *words])
    assert result.exit_code == 1, "there is no server"
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {each["part"]: (each["level"], each["text"]) for each in found}


def test_what_is_well_is_said_of_each_part():
    found = doctor()
    well = {"settings", "valkey", "state", "clocks", "queues", "broker", "storage", "disk"}
    assert {part for part, (level, _) in found.items() if level == "ok"} >= well
    assert found["state"][1].endswith("keeps what it is given")
    assert "Python 3." in found["versions"][1]
    assert found["server"][0] == found["workers"][0] == "WRONG"


@pytest.mark.parametrize(
    ("info", "advice"),
    [
        ({"cluster_enabled": 1}, "name a single server"),
        ({"role": "slave"}, "name the primary"),
        ({"maxmemory_policy": "allkeys-lru"}, "set it to noeviction"),
        ({"aof_enabled": 0}, "set appendonly yes"),
        ({"redis_version": "6.2.1"}, "take Valkey, or Redis 7 or newer"),
        ({"maxmemory": 100, "used_memory": 76}, "raise maxmemory"),
    ],
)
def test_a_state_store_that_may_lose_predictions_is_wrong(info: dict, advice: str):
    assert [each.level for each in look_at_state(WELL)] == ["ok"]
    (found,) = look_at_state(WELL | info)
    assert found.level == "WRONG"
    assert advice in found.text


@pytest.fixture
def evicting(state: redis.Redis) -> Iterator[None]:
    state.config_set("maxmemory-policy", "allkeys-lru")
    yield
    state.config_set("maxmemory-policy", "noeviction")


@pytest.mark.usefixtures("evicting")
def test_the_store_itself_is_asked():
    assert "set it to noeviction" in doctor()["state"][1]


def test_predictions_that_nobody_serves_are_found(state: redis.Redis, store, model):
    register = ModelRegister(state)
    register.register("host-1-abc", slots=1, free=1, cards=[model.about])
    register.unregister("host-1-abc", [model.about])
    accept(store, model=ModelReference.parse(model.about.reference))
    level, text = doctor()["queues"]
    assert level == "WRONG"
    assert f"inferq worker {model.about.name}" in text


def test_a_clock_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch):
    real = time.time
    monkeypatch.setattr("inferq.cli.checks.time.time", lambda: real() + 60)
    level, text = doctor()["clocks"]
    assert level == "WRONG"
    assert "60 s ahead of" in text


def test_a_store_and_a_broker_that_are_away_are_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INFERQ_REDIS_URL", f"redis://:swordfish@127.0.0.1:{free_port()}/0")
    monkeypatch.setenv("INFERQ_BROKER_URL", f"amqp://inferq:swordfish@127.0.0.1:{free_port()}//")
    found = doctor()
    assert "see whether it runs" in found["state"][1]
    assert "see whether it runs" in found["broker"][1]
    assert found["state"][0] == found["broker"][0] == "WRONG"
    assert "swordfish" not in str(found)


def test_a_broker_says_what_it_is_and_refuses_who_is_unknown(monkeypatch: pytest.MonkeyPatch):
    require(rabbitmq_script(), "rabbitmq-server")
    broker = RabbitNode()
    try:
        broker.start()
        monkeypatch.setenv("INFERQ_BROKER_URL", broker.url)
        assert doctor()["broker"][0] == "ok"
        assert doctor()["broker"][1].startswith("RabbitMQ ")
        monkeypatch.setenv("INFERQ_BROKER_URL", broker.url.replace("guest:guest", "nobody:x"))
        assert "account" in doctor()["broker"][1]
    finally:
        broker.close()


def test_storage_that_cannot_be_used_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("INFERQ_STORAGE_URL", (tmp_path / "file" / "inside").as_uri())
    assert doctor()["storage"][0] == "WRONG"
    monkeypatch.setenv("INFERQ_STORAGE_URL", "nonesuch://bucket")
    assert "INFERQ_STORAGE_URL" in doctor()["storage"][1]


def test_a_disk_that_is_nearly_full_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INFERQ_MIN_FREE_DISK_BYTES", str(2**60))
    found = doctor()
    assert "make room" in found["disk"][1]
    assert "make room" in found["storage"][1]
