"""`inferq users` and `inferq keys` on a real state store."""

import json
import re
from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner, Result

from inferq.accounts.account import Kind, Role, Scope, Token
from inferq.accounts.passwords import check_password
from inferq.accounts.store import AccountStore
from inferq.cli import app
from inferq.errors import SetupError
from inferq.local_server import local_server_file
from inferq.predictions.deliveries import Deliveries
from inferq.predictions.store import PredictionStore
from inferq.webhooks.signing import new_secret
from people import person
from predictions.drafts import accept

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _store(valkey_url: str, accounts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INFERQ_REDIS_URL", valkey_url)
    monkeypatch.setenv("INFERQ_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")


def inferq(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=stdin)


def told(*words: str, stdin: str | None = None) -> str:
    result = inferq(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.output


def refusal(*words: str, stdin: str | None = None) -> str:
    result = inferq(*words, stdin=stdin)
    assert isinstance(result.exception, SetupError)
    return str(result.exception)


def test_a_user_is_added_gets_another_password_is_shut_out_and_let_in(accounts: AccountStore):
    told("users", "add", "ann", "--role", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    user, stored = accounts.password_hash("ann")
    assert (user.role, check_password(PASSWORD, stored)) == (Role.ADMIN, True)
    told("users", "passwd", "ann", stdin=f"{PASSWORD} 2\n{PASSWORD} 2\n")
    assert check_password(f"{PASSWORD} 2", accounts.password_hash("ann")[1])
    told("users", "disable", "ann")
    assert re.search(r"ann +admin +disabled", told("users", "list"))
    told("users", "enable", "ann")
    assert re.search(r"ann +admin +active", told("users", "list"))


@pytest.mark.parametrize(
    ("words", "stdin", "reason"),
    [
        (("users", "add", "ann", "--no-password"), None, "There is a user 'ann' already"),
        (("users", "add", "Ann", "--no-password"), None, "1 to 32 of a-z"),
        (("users", "add", "ml_user", "--no-password"), None, "demo account"),
        (("users", "add", "bob", "--password-stdin"), "short\n", "12 to 256"),
        (("users", "passwd", "bob", "--password-stdin"), PASSWORD, "There is no user 'bob'"),
        (("keys", "create", "--user", "ann", "--scope", "admin"), None, "may not have the scope"),
        (("keys", "revoke", "x", "--user", "ann"), None, "has no key 'x'"),
        (
            ("keys", "create", "--user", "ann", "--callback-url", "http://a.example"),
            None,
            "https://",
        ),
    ],
)
def test_what_cannot_be_done_is_told(accounts: AccountStore, words, stdin, reason: str):
    person(accounts)
    assert reason in refusal(*words, stdin=stdin)


def test_with_a_user_go_keys_predictions_and_webhooks(
    accounts: AccountStore, store: PredictionStore, state: redis.Redis
):
    ann, bob = person(accounts), person(accounts, "bob")
    for user in (ann, bob):
        Deliveries(state).secrets(user.owner, new_secret())
        state.zadd(f"inferq:webhook-disabled:{user.owner}", {"https://a.example/": 1})
    gone, stays = accept(store, owner=ann.owner), accept(store, owner=bob.owner)
    assert "with 1 predictions" in told("users", "remove", "ann")
    assert accounts.look_up(Token.parse(ann.key)) is None
    assert store.get(gone) is None
    assert store.get(stays) is not None
    assert not state.keys(f"*{ann.owner}*")
    assert len(state.keys(f"inferq:webhook-*:{bob.owner}")) == 2


def test_a_key_is_made_listed_without_its_secret_and_revoked(accounts: AccountStore):
    ann = person(accounts)
    options = ("--label", "ci", "--scope", "read", "--days", "9")
    key = told("keys", "create", "--user", "ann", *options, "--callback-url", "https://a.example")
    found = accounts.look_up(Token.parse(key.strip()))
    assert found.credential.scopes == {Scope.READ}
    assert found.lifetime.days == 8
    listed = told("keys", "list", "--user", "ann")
    assert re.search(rf"{found.credential.credential_id} +ci +read .*https://a.example/", listed)
    assert key.strip()[30:] not in listed
    told("keys", "revoke", found.credential.credential_id, "--user", "ann")
    assert [key.credential_id for key in accounts.credentials(ann.owner, {Kind.API_KEY})] == [
        ann.key_id
    ]


def test_the_local_key_is_made_anew_for_this_user_alone(accounts: AccountStore, tmp_path: Path):
    person(accounts)
    path = tmp_path / "local.key"
    assert told("keys", "local", "--user", "ann").strip() == str(path)
    first = path.read_text().strip()
    told("keys", "local", "--user", "ann")
    second = path.read_text().strip()
    assert accounts.look_up(Token.parse(first)) is None
    assert accounts.look_up(Token.parse(second))
    assert json.loads(local_server_file().read_text())["api_key"] == second
    for written in (path, local_server_file()):
        assert written.stat().st_mode & 0o777 == 0o600


def test_without_a_server_one_is_told_how_to_name_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("INFERQ_REDIS_URL")
    assert "No server has run on" in refusal("users", "list")
