from datetime import timedelta
from pathlib import Path

import pytest

from inferq.cli.serve import read_settings
from inferq.errors import SetupError
from inferq.settings import Settings


def test_every_setting_has_a_default_and_a_description():
    settings = Settings()
    assert settings.host == "127.0.0.1"
    for name, field in Settings.model_fields.items():
        assert field.description, name


def test_the_environment_counts_more_than_a_secret_file_and_that_more_than_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / ".env").write_text("INFERQ_REDIS_URL=redis://dotenv/0\nINFERQ_PORT=1234\n")
    assert Settings().state_url() == "redis://dotenv/0"
    assert Settings().port == 1234
    (tmp_path / "secret").write_text("redis://:pw@secret/0\n")
    monkeypatch.setenv("INFERQ_REDIS_URL_FILE", str(tmp_path / "secret"))
    assert Settings().state_url() == "redis://:pw@secret/0"
    monkeypatch.setenv("INFERQ_REDIS_URL", "redis://environment/0")
    assert Settings().state_url() == "redis://environment/0"


def test_a_secret_file_that_cannot_be_read_is_told_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("INFERQ_REDIS_URL_FILE", str(tmp_path / "missing"))
    with pytest.raises(SetupError, match=r"INFERQ_REDIS_URL_FILE.*missing"):
        read_settings()


@pytest.mark.parametrize("text", ["3600", "PT1H", "01:00:00"])
def test_durations_are_seconds_or_iso_8601(monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setenv("INFERQ_RETENTION", text)
    assert Settings().retention == timedelta(hours=1)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INFERQ_ALLOWED_HOSTS", "a.example, b.example")
    assert Settings().allowed_hosts == ("a.example", "b.example")


def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INFERQ_PORT", "eighty")
    with pytest.raises(SetupError, match="INFERQ_PORT"):
        read_settings()


def test_without_a_state_store_the_message_says_what_to_do():
    with pytest.raises(SetupError, match="inferq up"):
        Settings().state_url()


def test_the_broker_is_the_state_store_unless_another_is_named():
    assert Settings(redis_url="redis://a/0").queue_url() == "redis://a/0"
    assert Settings(redis_url="redis://a/0", broker_url="amqp://b//").queue_url() == "amqp://b//"


def test_secrets_are_not_shown():
    assert "hunter2" not in repr(Settings(redis_url="redis://:hunter2@a/0", api_key="hunter2"))
