"""Who may do what: every route of the API with every kind of credential; a route that the table lacks fails the test."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2 as httpx
import pytest

from api.live import LiveApi
from inferq.accounts.account import SCOPES_OF, Kind, Role, Scope, Token, User
from inferq.accounts.store import AccountStore, Wish
from inferq.api.deps import COOKIE
from inferq.predictions.store import PredictionStore
from inferq.settings import Settings
from inferq.worker.pipeline import Pipeline
from people import Person, person
from system.served import eventually

API = "/api/v1"
PHOTO = {"Content-Type": "image/jpeg"}
FOREIGN = "https://evil.example"
RECEIVER = "https://receiver.example/"
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Row:
    """One route: what it asks for, how it is called, and what one gets of what belongs to another."""

    scope: str | None
    """None for a route without credentials, "" for any credential, "password" for one who has signed in."""
    others: int | None = None
    """The status for another's id; None where there is no id, but what is another's must not be in the answer."""
    options: dict[str, Any] = field(default_factory=dict)
    good: int = 200


IDS = {"json": {"ids": ["{task_id}"]}}
SIGN_IN = {"json": {"username": "ann", "password": "wrong, but long enough"}}
TABLE = {
    "GET /api/problems/{code}": Row(None),
    "GET /healthz": Row(None),
    "GET /readyz": Row(None),
    "GET /api/v1/auth/session": Row(None),
    "POST /api/v1/auth/session": Row(None, options=SIGN_IN, good=401),
    "POST /api/v1/auth/token": Row(None, options={"data": SIGN_IN["json"]}, good=401),
    "DELETE /api/v1/auth/session": Row("password"),
    "GET /api/v1/auth/me": Row(""),
    "GET /api/v1/auth/keys": Row("read"),
    "POST /api/v1/auth/keys": Row("password", options={"json": {"label": "ci"}}, good=201),
    "DELETE /api/v1/auth/keys/{key_id}": Row("password", 404, good=204),
    "GET /api/v1/batches/{batch}": Row("read", 404),
    "POST /api/v1/batches/{batch}/cancel": Row("predict", 404),
    "GET /api/v1/events": Row("read"),
    "GET /api/v1/limits": Row("read"),
    "GET /api/v1/models": Row("read"),
    "GET /api/v1/models/{name}": Row("read"),
    "GET /api/v1/queue": Row("read"),
    "GET /api/v1/predictions": Row("read"),
    "POST /api/v1/predictions": Row(
        "predict", options={"headers": PHOTO, "content": "photo"}, good=202
    ),
    "POST /api/v1/predictions/delete": Row("predict", options=IDS),
    "GET /api/v1/predictions/export": Row("read", options={"params": {"format": "jsonl"}}),
    "GET /api/v1/predictions/{task_id}": Row("read", 404),
    "GET /api/v1/predictions/{task_id}/events": Row("read", 404),
    "GET /api/v1/predictions/{task_id}/input": Row("read", 404),
    "HEAD /api/v1/predictions/{task_id}/input": Row("read", 404),
    "GET /api/v1/predictions/{task_id}/image": Row("read", 404),
    "HEAD /api/v1/predictions/{task_id}/image": Row("read", 404),
    "GET /api/v1/predictions/{task_id}/preview": Row("read", 404),
    "HEAD /api/v1/predictions/{task_id}/preview": Row("read", 404),
    "GET /api/v1/predictions/{task_id}/annotated": Row("read", 404),
    "HEAD /api/v1/predictions/{task_id}/annotated": Row("read", 404),
    "POST /api/v1/predictions/{task_id}/cancel": Row("predict", 404, good=409),
    "POST /api/v1/predictions/{task_id}/rerun": Row("predict", 404, good=202),
    "DELETE /api/v1/predictions/{task_id}": Row("predict", 404, good=204),
    "GET /api/v1/webhooks/deliveries": Row("read"),
    "GET /api/v1/webhooks/deliveries/{task_id}": Row("read", 404),
    "POST /api/v1/webhooks/deliveries/{task_id}/redeliver": Row("predict", 404, good=202),
    "GET /api/v1/webhooks/disabled": Row("read"),
    "POST /api/v1/webhooks/enable": Row("predict", options={"json": {"url": RECEIVER}}, good=404),
    "GET /api/v1/webhooks/secret": Row("predict"),
    "POST /api/v1/webhooks/secret/rotate": Row("predict"),
}
HIDDEN = {route for route in TABLE if route.startswith("HEAD ")}
GUARDED = [route for route, row in TABLE.items() if row.scope is not None]
BOBS_BATCH = "bobs-holiday"


@dataclass
class World:
    """A running API, ann who calls, and bob whose prediction has ended."""

    live: LiveApi
    accounts: AccountStore
    store: PredictionStore
    pipeline: Pipeline
    ann: Person
    bob: Person
    photo: bytes

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.live.url, timeout=10)

    def finished(self, whose: Person) -> str:
        """A new prediction that has ended."""
        answer = self.http.post(
            f"{API}/predictions", content=self.photo, headers=PHOTO | whose.headers,
            params={"batch": BOBS_BATCH, "callback_url": RECEIVER},
        )  # fmt: skip
        task_id: str = answer.json()["task_id"]
        self.pipeline.run(task_id)
        return task_id

    def call(
        self, route: str, headers: dict[str, str], *, task_id: str = "x", key_id: str = "x"
    ) -> tuple[httpx.Response, str]:
        """The answer of a route, and its text, of event streams the first event."""
        method, path = route.split(" ")
        names = {"task_id": task_id, "key_id": key_id, "batch": BOBS_BATCH}
        names |= {"name": "ssdlite-mobilenet-v2-coco", "code": "not_found"}
        options = dict(TABLE[route].options)
        if options.get("content") == "photo":
            options["content"] = self.photo
        if options is not None and "json" in options and "ids" in options["json"]:
            options["json"] = {"ids": [task_id]}
        options["headers"] = options.get("headers", {}) | headers
        with self.http.stream(method, path.format(**names), **options) as answer:
            if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                return answer, answer.read().decode(errors="replace")
            lines = answer.iter_lines()
            data = next(line for line in lines if line.startswith("data: "))
            return answer, data

    def token(
        self,
        user: User,
        kind: Kind,
        scopes: set[Scope] | None = None,
        *,
        lasts: float | None = None,
    ) -> Token:
        """A new credential of a user."""
        wish = Wish(
            kind, frozenset(scopes or SCOPES_OF[user.role]),
            lifetime=None if lasts is None else timedelta(seconds=lasts),
        )  # fmt: skip
        made = self.accounts.issue(user, wish)
        assert made is not None
        return made[0]


@pytest.fixture
def world(
    start_api, settings: Settings, accounts: AccountStore, store: PredictionStore, pipeline, ann,
    photo,
) -> Iterator[World]:  # fmt: skip
    world = World(
        start_api(), accounts, store, pipeline, ann, person(accounts, "bob"), photo["chelsea"]
    )
    yield world
    world.http.close()


def bearer(token: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def cookie(token: object) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={token}"}


def test_the_table_has_every_route(world: World):
    document = world.http.get("/api/openapi.json").json()
    described = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(described) == set(TABLE) - HIDDEN
    for route, operation in described.items():
        scope = TABLE[route].scope
        asked = operation.get("security", [{}])[0].get("Password")
        expected = {None: None, "": [], "password": []}
        assert asked == expected.get(scope, [scope]), route


def nothing(world: World) -> dict[str, str]:
    return {}


def nonsense(world: World) -> dict[str, str]:
    return bearer("iq_nonsense")


def another_scheme(world: World) -> dict[str, str]:
    return {"Authorization": "Basic YW5uOnNlY3JldA=="}


def forged(world: World) -> dict[str, str]:
    token = Token.parse(world.ann.key)
    return bearer(token._replace(secret=Token.new(Kind.API_KEY).secret))


def of_another_kind(world: World) -> dict[str, str]:
    return bearer(Token.parse(world.ann.key)._replace(kind=Kind.SESSION))


def expired(world: World) -> dict[str, str]:
    token = world.token(world.ann.user, Kind.SESSION, lasts=0.01)
    eventually(lambda: world.accounts.look_up(token) is None)
    return cookie(token)


def expired_after_use(world: World) -> dict[str, str]:
    token = world.token(world.ann.user, Kind.ACCESS_TOKEN, lasts=1.5)
    assert world.call("GET /api/v1/auth/me", bearer(token))[0].status_code == 200
    eventually(lambda: world.accounts.look_up(token) is None)
    return bearer(token)


def used(world: World, token: Token) -> dict[str, str]:
    assert world.call("GET /api/v1/auth/me", bearer(token))[0].status_code == 200
    return bearer(token)


def refused_soon(world: World, headers: dict[str, str]) -> dict[str, str]:
    """Changed behind the API's back, by another process, it is known here within moments."""
    eventually(lambda: world.call("GET /api/v1/auth/me", headers)[0].status_code == 401, seconds=2)
    return headers


def revoked(world: World) -> dict[str, str]:
    headers = used(world, token := world.token(world.ann.user, Kind.API_KEY))
    world.accounts.revoke(world.ann.owner, token.credential_id)
    return refused_soon(world, headers)


def signed_out(world: World) -> dict[str, str]:
    headers = used(world, world.token(world.ann.user, Kind.SESSION))
    assert world.call("DELETE /api/v1/auth/session", headers)[0].status_code == 200
    return headers


def signed_out_everywhere(world: World) -> dict[str, str]:
    headers = used(world, world.token(world.ann.user, Kind.ACCESS_TOKEN))
    other = bearer(world.token(world.ann.user, Kind.SESSION))
    answer = world.http.delete(f"{API}/auth/session", params={"everywhere": True}, headers=other)
    assert answer.json() == {"revoked": 2}
    return headers


def of_a_disabled_user(world: World) -> dict[str, str]:
    headers = used(world, world.token(world.ann.user, Kind.API_KEY))
    world.accounts.set_disabled(world.ann.owner, disabled=True)
    return refused_soon(world, headers)


def of_a_user_with_a_new_password(world: World) -> dict[str, str]:
    headers = used(world, world.token(world.ann.user, Kind.SESSION))
    world.accounts.set_password(world.ann.owner, "hash")
    return refused_soon(world, headers)


def of_a_removed_user(world: World) -> dict[str, str]:
    headers = used(world, world.token(world.ann.user, Kind.API_KEY))
    world.accounts.remove_user(world.ann.owner)
    person(world.accounts)  # another of the same name
    return refused_soon(world, headers)


REFUSED = [
    nothing, nonsense, another_scheme, forged, of_another_kind, expired, expired_after_use, revoked,
    signed_out, signed_out_everywhere, of_a_disabled_user, of_a_user_with_a_new_password,
    of_a_removed_user,
]  # fmt: skip


@pytest.mark.parametrize("credential", REFUSED, ids=lambda kind: kind.__name__)
def test_every_guarded_route_refuses(world: World, credential):
    headers = credential(world)
    challenge = "Bearer" if credential is nothing else 'Bearer error="invalid_token"'
    for route in GUARDED:
        answer, _ = world.call(route, headers)
        told = (answer.status_code, answer.headers.get("WWW-Authenticate"))
        assert told == (401, challenge), route


def test_a_credential_without_the_scope_is_told_which_one_is_missing(world: World):
    for route in GUARDED:
        scope = TABLE[route].scope
        if scope in {"read", "predict"}:
            other = {Scope.READ, Scope.PREDICT, Scope.ADMIN} - {Scope(scope)}
            boss = world.accounts.user("boss") or person(world.accounts, "boss", Role.ADMIN).user
            answer, _ = world.call(route, bearer(world.token(boss, Kind.API_KEY, other)))
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            told = (answer.status_code, answer.headers["WWW-Authenticate"])
            assert told == (403, challenge), route
        if scope == "password":
            assert world.call(route, world.ann.headers)[0].status_code == 403, route


def test_what_belongs_to_another_is_not_there(world: World):
    task_id = world.finished(world.bob)
    mine = bearer(world.token(world.ann.user, Kind.SESSION))
    for route, row in TABLE.items():
        if route == "DELETE /api/v1/auth/session":
            continue
        answer, text = world.call(route, mine, task_id=task_id, key_id=world.bob.key_id)
        if row.others:
            assert answer.status_code == row.others, route
        else:
            assert answer.status_code == row.good, route
            assert world.bob.key_id not in text, route
        assert BOBS_BATCH not in text.replace(f"batch '{BOBS_BATCH}'", ""), route
        if answer.is_success:
            assert task_id not in text, route
    assert world.call("GET /api/v1/predictions/{task_id}", world.bob.headers, task_id=task_id)[0]
    assert world.store.get(task_id).prediction.batch == BOBS_BATCH
    assert world.http.get(f"{API}/auth/me", headers=world.bob.headers).json()["name"] == "bob"


@pytest.mark.parametrize("carry", [bearer, cookie])
@pytest.mark.parametrize("kind", [Kind.SESSION, Kind.ACCESS_TOKEN])
def test_who_may_gets_in(world: World, kind: Kind, carry):
    for route, row in TABLE.items():
        if row.scope is None:
            continue
        task_id = world.finished(world.ann) if "{task_id}" in route else "x"
        key = world.token(world.ann.user, Kind.API_KEY) if "{key_id}" in route else None
        token = world.token(world.ann.user, kind)
        if "{batch}" in route:
            world.finished(world.ann)
        key_id = key.credential_id if key else "x"
        answer, _ = world.call(route, carry(token), task_id=task_id, key_id=key_id)
        assert answer.status_code == row.good, route


def test_a_page_of_another_origin_gets_nothing_with_the_cookie_of_whoever_looks_at_it(world: World):
    session = cookie(world.token(world.ann.user, Kind.SESSION))
    for sent in ({"Origin": FOREIGN}, {"Sec-Fetch-Site": "same-site"}):
        for route, row in TABLE.items():
            answer, text = world.call(route, session | sent)
            if route.partition(" ")[0] in UNSAFE:
                assert (answer.status_code, "cross_origin" in text) == (403, True), route
            elif row.scope is not None:
                assert answer.status_code == 401, route
            assert "Access-Control-Allow-Origin" not in answer.headers, route
    state = world.http.get(f"{API}/auth/session", headers=session | {"Origin": FOREIGN}).json()
    assert state["user"] is None


def test_a_name_that_was_rebound_to_this_server_is_answered_nowhere(world: World):
    session = cookie(world.token(world.ann.user, Kind.SESSION))
    for route in TABLE:
        answer, text = world.call(route, session | {"Host": "evil.example:8000"})
        assert answer.status_code == 400, route
        assert route.startswith("HEAD ") or "host_not_allowed" in text, route
