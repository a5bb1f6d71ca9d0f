"""Signing in and out, keys, limits, what browsers are told."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from ipaddress import ip_network

import pytest
import redis
from starlette.testclient import TestClient

from api.live import LiveApi
from inferq.accounts.account import DEMO_PASSWORD, Kind, Role, Scope
from inferq.accounts.passwords import hash_password
from inferq.accounts.setup import ensure_demo
from inferq.accounts.store import AccountStore, Wish
from inferq.api.app import create_app
from inferq.predictions.store import PredictionStore
from inferq.settings import Settings
from people import Person, person
from predictions.drafts import accept
from system.served import eventually

AUTH = "/api/v1/auth"
LIST = "/api/v1/predictions"
PASSWORD = "correct horse battery"
ANN = {"username": "ann", "password": PASSWORD}
DEMO = {"username": "ml_user", "password": DEMO_PASSWORD}

Start = Callable[..., TestClient]


@pytest.fixture(scope="session")
def hashed() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def start(settings: Settings, register, accounts: AccountStore, hashed: str) -> Iterator[Start]:
    """Starts the application with other settings, for a client at an address; ann has a password."""
    accounts.add_user("ann", Role.USER, hashed)
    with ExitStack() as stack:

        def start(address: str = "127.0.0.1", **changes: object) -> TestClient:
            app = create_app(settings.model_copy(update=changes))
            base = "https://testserver" if changes.get("public_url") else "http://testserver"
            return stack.enter_context(TestClient(app, base, client=(address, 50000)))

        yield start


def test_a_session_is_a_cookie_that_only_this_servers_pages_send(start: Start):
    api = start()
    answer = api.post(f"{AUTH}/session", json=ANN)
    assert answer.status_code == 200
    assert answer.json()["name"] == "ann"
    assert answer.headers["Cache-Control"] == "no-store"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("inferq_session=is_")
    attributes = {part.strip() for part in cookie.split(";")[1:]}
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=86400"} == attributes
    assert api.get(LIST).status_code == 200
    assert api.get(f"{AUTH}/session").json()["user"]["name"] == "ann"
    assert api.delete(f"{AUTH}/session").json() == {"revoked": 1}
    assert api.cookies == {}
    assert api.get(f"{AUTH}/session").json()["user"] is None


def test_over_tls_the_cookie_is_for_tls_and_browsers_keep_to_it(start: Start):
    api = start(public_url="https://testserver")
    answer = api.post(f"{AUTH}/session", json=ANN)
    assert answer.headers["Set-Cookie"].startswith("__Host-inferq_session=is_")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert api.get(LIST).status_code == 200
    assert "Strict-Transport-Security" not in start().get("/healthz").headers


def test_an_access_token_comes_in_the_body_and_has_the_scopes_that_were_asked_for(start: Start):
    api = start()
    answer = api.post(f"{AUTH}/token", data=ANN | {"grant_type": "password", "scope": "read admin"})
    token = answer.json()
    assert "Set-Cookie" not in answer.headers
    assert (token["token_type"], token["scope"], token["expires_in"]) == ("bearer", "read", 3600)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert api.get(LIST, headers=headers).status_code == 200
    assert api.post(f"{LIST}/x/cancel", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("username", "password"),
    [("ann", "wrong"), ("nobody", PASSWORD), ("ann", PASSWORD + "x" * 200), ("ml_user", PASSWORD)],
)
def test_what_is_wrong_with_a_sign_in_is_not_told(start: Start, username, password):
    api = start()
    answer = api.post(f"{AUTH}/session", json={"username": username, "password": password})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["detail"] == "The user name or the password is wrong."


def test_a_disabled_user_cannot_sign_in(start: Start, accounts: AccountStore):
    api = start()
    accounts.set_disabled(accounts.user("ann").user_id, disabled=True)
    assert api.post(f"{AUTH}/session", json=ANN).status_code == 401


def test_the_demo_account_is_for_this_very_machine_alone(
    start: Start, accounts: AccountStore, state: redis.Redis
):
    ensure_demo(accounts)
    here, elsewhere, production = start(demo=True), start("192.0.2.1", demo=True), start()
    assert here.get(f"{AUTH}/session").json()["demo"] == DEMO
    assert here.post(f"{AUTH}/session", json=DEMO).status_code == 200
    assert here.post(f"{AUTH}/token", data=DEMO).status_code == 200
    for header in ("X-Forwarded-For", "Forwarded", "Via"):
        proxied = {header: "192.0.2.1"}
        assert here.get(f"{AUTH}/session", headers=proxied).json()["demo"] is None
        assert here.post(f"{AUTH}/session", json=DEMO, headers=proxied).status_code == 401
        assert here.post(f"{AUTH}/token", data=DEMO, headers=proxied).status_code == 401
        state.delete(*state.keys("inferq:attempts:*"))  # so many were no sign-ins
    for api in (elsewhere, production):
        assert api.get(f"{AUTH}/session").json()["demo"] is None
        assert api.post(f"{AUTH}/session", json=DEMO).status_code == 401
    session = str(accounts.issue(accounts.user("ml_user"), Wish(Kind.SESSION, frozenset(Scope)))[0])
    headers = {"Authorization": f"Bearer {session}"}
    assert here.get(LIST, headers=headers).status_code == 200
    assert production.get(LIST, headers=headers).status_code == 401


def test_behind_a_proxy_of_its_own_the_demo_account_is_for_what_comes_through_that_alone(
    start: Start, accounts: AccountStore
):
    ensure_demo(accounts)
    set_up = {"demo": "proxied", "trusted_proxies": (ip_network("172.31.238.0/24"),)}
    proxy, elsewhere = start("172.31.238.2", **set_up), start("192.0.2.1", **set_up)
    through = {"X-Forwarded-For": "172.31.238.1"}
    assert proxy.get(f"{AUTH}/session", headers=through).json()["demo"] == DEMO
    assert proxy.post(f"{AUTH}/session", json=DEMO, headers=through).status_code == 200
    # A proxy before ours, ours for TLS, which others reach, or none of ours.
    for more in ({"X-Forwarded-For": "1.2.3.4, 172.31.238.1"}, through | {"Via": "1.1 nginx"}, {}):
        assert proxy.get(f"{AUTH}/session", headers=more).json()["demo"] is None
    assert elsewhere.post(f"{AUTH}/session", json=DEMO, headers=through).status_code == 401


def test_too_many_sign_ins_from_an_address_are_told_when_to_come_back(start: Start, accounts):
    api = start(sign_in_limit="2/minute")
    for left in (1, 0):
        answer = api.post(f"{AUTH}/session", json=ANN)
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"sign-in";q=2;w=60, "user";q=100;w=3600'
        assert answer.headers["RateLimit"].startswith(f'"sign-in";r={left};t=')
    answer = api.post(f"{AUTH}/session", json=ANN)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert start("192.0.2.1", sign_in_limit="2/minute").post(f"{AUTH}/session", json=ANN).is_success


def test_wrong_passwords_have_to_wait_and_a_right_one_is_not_tried_meanwhile(
    start: Start, state: redis.Redis
):
    api = start()
    for _ in range(4):
        assert api.post(f"{AUTH}/session", json=ANN | {"password": "wrong"}).status_code == 401
    (key,) = state.keys("inferq:attempts:*")
    state.hincrby(key, "next", 60_000_000)  # so that a slow machine does not let it pass
    answer = api.post(f"{AUTH}/session", json=ANN)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) >= 50
    state.hset(key, "next", 0)
    assert api.post(f"{AUTH}/session", json=ANN).status_code == 200
    assert state.keys("inferq:attempts:*") == []


def test_a_key_is_shown_once_and_has_no_more_scopes_than_its_maker(start: Start):
    api = start()
    api.post(f"{AUTH}/session", json=ANN)
    made = api.post(f"{AUTH}/keys", json={"label": "ci", "scopes": ["read"], "expires_in_days": 7})
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    key = made.json()["key"]
    assert key.startswith("iq_")
    (listed,) = api.get(f"{AUTH}/keys").json()["items"]
    assert (listed["label"], listed["scopes"], listed["last_used_at"]) == ("ci", ["read"], None)
    assert listed["expires_at"]
    assert "key" not in listed
    refused = api.post(f"{AUTH}/keys", json={"scopes": ["read", "admin"]})
    assert refused.json()["code"] == "insufficient_scope"
    with_key = {"Authorization": f"Bearer {key}"}
    api.cookies.clear()
    assert api.get(LIST, headers=with_key).status_code == 200
    assert api.post(f"{AUTH}/keys", json={}, headers=with_key).status_code == 403
    assert api.get(f"{AUTH}/keys", headers=with_key).json()["items"][0]["last_used_at"]


def test_an_admin_sees_what_belongs_to_another_who_is_named(
    api: TestClient, accounts: AccountStore, store: PredictionStore, ann: Person
):
    task_id = accept(store, owner=ann.owner, batch="b")
    boss = person(accounts, "boss", Role.ADMIN).headers
    assert api.get(LIST, headers=boss).json()["items"] == []
    of_ann = {"params": {"owner": "ann"}, "headers": boss}
    (item,) = api.get(LIST, **of_ann).json()["items"]
    assert item["task_id"] == task_id
    assert api.get(f"{LIST}/{task_id}", headers=boss).status_code == 404
    for path in (f"{LIST}/{task_id}", "/api/v1/batches/b", f"{AUTH}/keys"):
        assert api.get(path, **of_ann).status_code == 200, path
    exported = api.get(f"{LIST}/export", params={"owner": "ann", "format": "jsonl"}, headers=boss)
    assert task_id in exported.text
    assert api.post(f"{LIST}/{task_id}/cancel", **of_ann).json()["state"] == "canceled"
    assert api.get(LIST, params={"owner": "nobody"}, headers=boss).status_code == 404
    limited = person(accounts, "boss", Role.ADMIN, frozenset({Scope.READ})).headers
    assert api.get(LIST, params={"owner": "ann"}, headers=limited).status_code == 403


def test_an_idempotency_key_is_its_owners_alone(api: TestClient, accounts, photo):
    bob = person(accounts, "bob").headers
    made = [
        api.post(
            LIST, content=photo["chelsea"],
            headers={"Content-Type": "image/jpeg", "Idempotency-Key": "same"} | who,
        ).json()["task_id"]
        for who in ({}, bob)
    ]  # fmt: skip
    assert made[0] != made[1]


def test_submits_are_counted_by_credential_where_a_limit_is_set(start: Start, accounts, photo):
    ann = person(accounts)
    api = start(submit_limit="2/minute")
    options = {"content": photo["chelsea"], "headers": {"Content-Type": "image/jpeg"} | ann.headers}
    statuses = [api.post(LIST, **options) for _ in range(3)]
    assert [answer.status_code for answer in statuses] == [202, 202, 429]
    assert statuses[0].headers["RateLimit"].startswith('"credential";r=1;t=')
    assert statuses[2].json()["retryable"] is True
    assert "RateLimit" not in start().post(LIST, **options).headers


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/predictions/{}/events"])
def test_a_stream_ends_when_its_credential_does(
    live: LiveApi, accounts: AccountStore, store: PredictionStore, ann: Person, path: str
):
    task_id = accept(store, owner=ann.owner)
    with live.events(path.format(task_id)) as stream:
        stream.next()
        accounts.revoke(ann.owner, ann.key_id)
        stream.rest()
    assert live.client.get(LIST).status_code == 401


def test_a_stream_of_another_credential_of_the_same_user_goes_on(
    live: LiveApi, accounts: AccountStore, store: PredictionStore, ann: Person
):
    other = person(accounts)
    with live.events() as stream:
        stream.next()
        accounts.revoke(ann.owner, other.key_id)
        task_id = accept(store, owner=ann.owner)
        assert stream.next().data["task_id"] == task_id


def test_a_stream_ends_when_its_credential_expires(
    live: LiveApi, accounts: AccountStore, store: PredictionStore, ann: Person
):
    wish = Wish(Kind.SESSION, frozenset(Scope), lifetime=timedelta(seconds=1))
    live.client.headers["Authorization"] = f"Bearer {accounts.issue(ann.user, wish)[0]}"
    with live.events() as stream:
        stream.next()
        assert stream.rest() == []


def test_who_waits_is_told_when_the_credential_is_revoked(
    live: LiveApi, accounts: AccountStore, store: PredictionStore, ann: Person
):
    task_id = accept(store, owner=ann.owner)
    changes = live._server.config.app.state.services.changes
    with ThreadPoolExecutor(1) as pool:
        path, headers = f"{LIST}/{task_id}", {"Prefer": "wait=9"}
        waiting = pool.submit(live.client.get, path, headers=headers)
        eventually(changes._all)
        accounts.set_disabled(ann.owner, disabled=True)
        assert waiting.result().status_code == 401


def test_a_revocation_is_known_though_its_stream_was_lost(
    live: LiveApi, accounts: AccountStore, ann: Person, state: redis.Redis
):
    callers = live._server.config.app.state.services.callers
    eventually(lambda: callers._following)
    assert live.client.get(LIST).status_code == 200
    assert callers._remembered
    for client in state.client_list():
        if client["cmd"] == "xread":
            state.client_kill_filter(_id=client["id"])
    accounts.revoke(ann.owner, ann.key_id)
    eventually(lambda: live.client.get(LIST).status_code == 401, seconds=5)


def test_a_site_on_the_list_may_use_the_api_with_a_key_but_not_with_the_cookie(
    start: Start, accounts: AccountStore, photo
):
    ann = person(accounts)
    api = start(cors_origins=("https://app.example",))
    page = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    asked = {"Access-Control-Request-Method": "POST"}
    preflight = api.options(LIST, headers=page | asked)
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    answer = api.get(LIST, headers=page | ann.headers)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (
        200,
        "https://app.example",
    )
    picture = {"Content-Type": "image/jpeg"}
    sent = api.post(LIST, content=photo["chelsea"], headers=page | picture | ann.headers)
    assert sent.status_code == 202
    api.post(f"{AUTH}/session", json=ANN)
    assert api.get(LIST).status_code == 200
    assert api.get(LIST, headers=page).status_code == 401
    assert api.post(f"{LIST}/x/cancel", headers=page).status_code == 401
    foreign = {"Origin": "https://evil.example"}
    assert "Access-Control-Allow-Origin" not in api.get(LIST, headers=foreign | ann.headers).headers
    assert api.post(f"{LIST}/x/cancel", headers=foreign | ann.headers).status_code == 403
