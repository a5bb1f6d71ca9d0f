"""Users and credentials in the state store."""

from datetime import timedelta

import pytest
import redis

from inferq.accounts.account import SCOPES_OF, Kind, Role, Scope
from inferq.accounts.setup import FIRST_ADMIN, ensure_demo, make_accounts
from inferq.accounts.store import FREE_ATTEMPTS, AccountStore, Wish
from inferq.settings import Settings
from people import person

SESSION = Wish(Kind.SESSION, SCOPES_OF[Role.USER], lifetime=timedelta(hours=1))


def test_nothing_in_the_store_is_what_a_key_is_used_with(state: redis.Redis, accounts):
    ann = person(accounts)
    secret = ann.key[3:]
    everything = [*state.keys("*")]
    for key in state.keys("inferq:*"):
        kind = state.type(key)
        everything.append(str(state.hgetall(key) if kind == "hash" else key))
    assert secret not in str(everything)
    assert secret[24:] not in str(everything)


def test_a_name_is_taken_once_and_another_of_the_name_is_another_user(accounts: AccountStore):
    first = accounts.add_user("ann", Role.USER, None)
    assert accounts.add_user("ann", Role.ADMIN, None) is None
    assert accounts.remove_user(first.user_id)
    assert not accounts.remove_user(first.user_id)
    second = accounts.add_user("ann", Role.USER, None)
    assert second.user_id != first.user_id


def test_use_is_noted_once_a_minute(accounts: AccountStore, state: redis.Redis):
    token, credential = accounts.issue(person(accounts).user, SESSION)
    key = f"inferq:credential:{credential.credential_id}"
    assert credential.last_used_at is None
    accounts.look_up(token)
    noted = state.hget(key, "used")
    accounts.look_up(token)
    assert state.hget(key, "used") == noted
    state.hset(key, "used", int(noted) - 61_000_000)
    accounts.look_up(token)
    assert int(state.hget(key, "used")) >= int(noted)


def test_a_credential_that_was_revoked_does_not_come_back_with_its_use(accounts, state):
    ann = person(accounts)
    assert accounts.revoke(ann.owner, ann.key_id)
    accounts._call("touch", ann.key_id, 0)
    assert not state.exists(f"inferq:credential:{ann.key_id}")
    assert not accounts.revoke(ann.owner, ann.key_id)


def test_nobody_revokes_what_is_anothers(accounts: AccountStore):
    ann, bob = person(accounts), person(accounts, "bob")
    assert not accounts.revoke(ann.owner, bob.key_id)
    assert len(accounts.credentials(bob.owner, {Kind.API_KEY})) == 1


def test_a_disabled_user_gets_nothing_new(accounts: AccountStore):
    user = person(accounts).user
    accounts.set_disabled(user.user_id, disabled=True)
    assert accounts.issue(user, SESSION) is None
    accounts.set_disabled(user.user_id, disabled=False)
    assert accounts.issue(user, SESSION) is not None


def test_what_has_expired_is_not_listed(accounts: AccountStore, state: redis.Redis):
    user = person(accounts).user
    _, soon = accounts.issue(user, SESSION)
    state.delete(f"inferq:credential:{soon.credential_id}")  # as its time to live does
    accounts.issue(user, SESSION)
    assert len(accounts.credentials(user.user_id, {Kind.SESSION})) == 1
    assert state.zcard(f"inferq:credentials:{user.user_id}") == 2


def test_wrong_passwords_take_longer_and_longer(accounts: AccountStore, state: redis.Redis):
    assert [accounts.attempt("x") for _ in range(FREE_ATTEMPTS)] == [0.0] * FREE_ATTEMPTS
    waits = []
    for _ in range(4):
        waits.append(accounts.attempt("x"))
        state.hset("inferq:attempts:x", "next", 0)  # as if it had passed
        assert accounts.attempt("x") == 0.0
    assert [round(wait) for wait in waits] == [1, 2, 4, 8]
    state.hset("inferq:attempts:x", "count", 60)
    state.hset("inferq:attempts:x", "next", 0)
    accounts.attempt("x")
    assert accounts.attempt("x") == pytest.approx(900, abs=5)
    accounts.forget_attempts("x")
    assert accounts.attempt("x") == 0.0


def test_the_first_admin_is_made_once_and_told_once(accounts: AccountStore, capfd):
    make_accounts(Settings(), accounts)
    told = capfd.readouterr().err
    assert f"{FIRST_ADMIN!r}, with the password" in told
    assert accounts.user(FIRST_ADMIN).role is Role.ADMIN
    make_accounts(Settings(), accounts)
    make_accounts(Settings(admin_password="another password"), accounts)
    assert capfd.readouterr().err == ""


def test_a_password_that_is_set_is_not_told(accounts: AccountStore, capfd):
    make_accounts(Settings(admin_password="correct horse"), accounts)
    assert capfd.readouterr().err == ""
    assert accounts.user(FIRST_ADMIN)


def test_the_demo_account_goes_where_others_can_reach_the_server(accounts: AccountStore):
    make_accounts(Settings(demo=True), accounts)
    demo = accounts.user("ml_user")
    assert (demo.demo, demo.role, accounts.user(FIRST_ADMIN)) == (True, Role.USER, None)
    assert ensure_demo(accounts) == demo
    token, _ = accounts.issue(demo, Wish(Kind.API_KEY, frozenset({Scope.READ})))
    make_accounts(Settings(admin_password="correct horse"), accounts)
    assert accounts.user("ml_user") is None
    assert accounts.look_up(token) is None
