"""Access tokens of another issuer: a real one on loopback, with discovery, keys and their rotation."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.testclient import TestClient

from api.live import LiveApi
from inferq.accounts.account import Role
from inferq.accounts.setup import FIRST_ADMIN, make_accounts
from inferq.accounts.store import AccountStore
from inferq.api.app import create_app
from inferq.errors import SetupError
from inferq.predictions.store import PredictionStore
from inferq.settings import Settings
from models.file_server import FileServer
from people import Person
from predictions.drafts import accept
from system.served import eventually

ME = "/api/v1/auth/me"
LIST = "/api/v1/predictions"
AUDIENCE = "https://inferq.example"
DISCOVERY = "/realm/.well-known/openid-configuration"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


KEY, OTHER, CURVE = new_key(), new_key(), ec.generate_private_key(ec.SECP256R1())


class Issuer:
    """One that publishes keys, and signs."""

    def __init__(self) -> None:
        self.http = FileServer()
        self.url = f"{self.http.url}/realm"
        self.describe(issuer=self.url)
        self.publish(first=KEY, curve=CURVE)

    def describe(self, **members: str) -> None:
        told = {"issuer": self.url, "jwks_uri": f"{self.http.url}/keys"} | members
        self.http.files[DISCOVERY] = json.dumps(told).encode()

    def publish(self, **keys) -> None:
        told = [
            (RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm).to_jwk(
                key.public_key(), as_dict=True
            )
            | {"kid": name, "use": "sig"}
            for name, key in keys.items()
        ]
        # A shared secret and what is not for signatures are no keys for us.
        told += [{"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}, told[0] | {"kid": "sealing", "use": "enc"}]  # fmt: skip
        self.http.files["/keys"] = json.dumps({"keys": told}).encode()

    def claims(self, **changes: object) -> dict[str, object]:
        now = int(time.time())
        told = {"iss": self.url, "aud": AUDIENCE, "sub": "0815", "iat": now, "exp": now + 600}
        told |= {"preferred_username": "Ann Example", "scope": "openid predict read"} | changes
        return {name: value for name, value in told.items() if value is not None}

    def token(self, *, key=KEY, algorithm="RS256", kid: str | None = "first", **changes) -> str:
        headers = {"kid": kid} if kid else {}
        return jwt.encode(self.claims(**changes), key, algorithm=algorithm, headers=headers)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.http.close()


@pytest.fixture
def settings(settings: Settings, issuer: Issuer) -> Settings:
    return settings.model_copy(
        update={"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE, "oidc_admin": "groups=ops"}
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def keys_of(app):
    return app.state.services.callers._external._keys


def test_a_token_acts_for_a_user_who_is_made_on_first_sight(
    api: TestClient, issuer: Issuer, accounts: AccountStore, store: PredictionStore, ann: Person
):
    me = api.get(ME, headers=bearer(issuer.token())).json()
    assert me["name"].startswith("ann-example@")
    assert (me["role"], me["scopes"], me["credential"]) == ("user", ["predict", "read"], "external_token")  # fmt: skip
    user = accounts.user(me["name"])
    mine = accept(store, owner=user.user_id)
    # Another name of the same subject is the same user; the same name of another subject is not.
    renamed = issuer.token(preferred_username="bob", kid="curve", key=CURVE, algorithm="ES256")
    assert api.get(f"{LIST}/{mine}", headers=bearer(renamed)).status_code == 200
    other = bearer(issuer.token(sub="0816"))
    assert api.get(f"{LIST}/{mine}", headers=other).status_code == 404
    assert api.get(ME, headers=other).json()["name"] != me["name"]
    assert api.post("/api/v1/auth/keys", json={}, headers=other).status_code == 403
    namesake = api.get(ME, headers=bearer(issuer.token(preferred_username="ann", sub="0817")))
    assert namesake.json()["name"].startswith("ann@")
    assert accounts.user("ann") == ann.user


def test_scopes_come_from_the_token_and_an_admin_by_the_claim_that_was_set(api, issuer: Issuer):
    def me(**changes):
        return api.get(ME, headers=bearer(issuer.token(**changes))).json()

    assert me(scope="read admin")["scopes"] == ["read"]
    assert me(scope=None, scp=["predict", 7])["scopes"] == ["predict"]
    assert me(scope=None)["scopes"] == []
    for groups in ("ops", ["dev", "ops"]):
        boss = me(groups=groups, scope="read")
        assert (boss["role"], boss["scopes"]) == ("admin", ["admin", "read"])
    assert me(groups=["devops"])["role"] == "user"
    nothing = bearer(issuer.token(scope="openid"))
    assert api.get(LIST, headers=nothing).json()["code"] == "insufficient_scope"


def unsigned(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims(), None, algorithm="none", headers={"kid": "first"})


def signed_with_the_public_key(issuer: Issuer) -> str:
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = ({"alg": "HS256", "kid": "first"}, issuer.claims())
    head = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)  # fmt: skip
    seal = base64.urlsafe_b64encode(hmac.digest(public, head, hashlib.sha256)).rstrip(b"=")
    return (head + b"." + seal).decode()


WRONG = {
    "issuer": lambda issuer: issuer.token(iss="https://other.example"),
    "no issuer": lambda issuer: issuer.token(iss=None),
    "audience": lambda issuer: issuer.token(aud="https://other.example"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "no subject": lambda issuer: issuer.token(sub=None),
    "empty subject": lambda issuer: issuer.token(sub=""),
    "long subject": lambda issuer: issuer.token(sub="x" * 256),
    "expired": lambda issuer: issuer.token(exp=int(time.time()) - 1),
    "no end": lambda issuer: issuer.token(exp=None),
    "endless": lambda issuer: issuer.token(exp=float("inf")),
    "not yet": lambda issuer: issuer.token(nbf=int(time.time()) + 60),
    "alg none": unsigned,
    "HS256 with the public key": signed_with_the_public_key,
    "HS256 with a published secret": lambda issuer: issuer.token(
        key="secret" * 8, algorithm="HS256", kid="shared"
    ),
    "an algorithm not allowed": lambda issuer: issuer.token(algorithm="RS512"),
    "the key of another": lambda issuer: issuer.token(key=OTHER),
    "a key of another type": lambda issuer: issuer.token(kid="curve"),
    "a key for something else": lambda issuer: issuer.token(kid="sealing"),
    "an unknown key": lambda issuer: issuer.token(key=OTHER, kid="second"),
    "a changed token": lambda issuer: issuer.token()[:-6] + "AAAAAA",
    "no token": lambda issuer: "a.b.c",
    "a long one": lambda issuer: issuer.token(preferred_username="x" * 20_000),
}


def test_what_is_wrong_with_a_token_has_it_refused(api: TestClient, issuer: Issuer, accounts):
    before = accounts.users()
    for name, make in WRONG.items():
        answer = api.get(ME, headers=bearer(make(issuer)))
        assert (name, answer.status_code) == (name, 401)
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert accounts.users() == before


def test_keys_are_fetched_again_for_one_that_is_unknown_but_not_all_the_time(api, issuer: Issuer):
    def status(**changes) -> int:
        return api.get(ME, headers=bearer(issuer.token(**changes))).status_code

    assert status() == 200
    assert [path for path, *_ in issuer.http.requests] == [DISCOVERY, "/keys"]
    issuer.publish(second=OTHER)
    assert status(key=OTHER, kid="second") == 401
    assert len(issuer.http.requests) == 2
    keys_of(api.app)._tried_at -= 31  # as if so many seconds had passed
    assert status(key=OTHER, kid="second") == 200
    assert status(key=OTHER, kid=None) == 200  # the only one there is
    assert status(sub="0817") == 401  # the first was withdrawn
    assert status(kid="third") == 401
    assert len(issuer.http.requests) == 4


def test_known_keys_outlast_a_short_absence_of_the_issuer_alone(api: TestClient, issuer: Issuer):
    def answer(subject: str):
        return api.get(ME, headers=bearer(issuer.token(sub=subject)))

    assert answer("1").status_code == 200
    keys = keys_of(api.app)
    for age, status in ((400, 200), (4000, 503)):
        issuer.http.statuses.append(500)
        keys._tried_at = keys._fetched_at = time.monotonic() - age
        assert answer(f"after {age}").status_code == status
    assert answer("2").headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    "members", [{"issuer": "https://other.example"}, {"jwks_uri": "http://192.0.2.1/keys"}]
)
def test_a_document_of_another_issuer_or_keys_without_tls_are_not_taken(api, issuer, members):
    issuer.describe(**members)
    assert api.get(ME, headers=bearer(issuer.token())).json()["code"] == "issuer_unavailable"


def test_a_disabled_user_is_refused_at_once_and_what_is_open_ends(
    live: LiveApi, issuer: Issuer, accounts
):
    live.client.headers.update(bearer(issuer.token()))
    user = accounts.user(live.client.get(ME).json()["name"])
    with live.events() as stream:
        stream.next()
        accounts.set_disabled(user.user_id, disabled=True)
        stream.rest()
    assert live.client.get(ME).status_code == 401
    live.client.headers.update(bearer(issuer.token(scope="read")))
    assert live.client.get(ME).status_code == 401
    accounts.set_disabled(user.user_id, disabled=False)
    eventually(lambda: live.client.get(ME).status_code == 200)


def test_a_stream_ends_with_its_token(live: LiveApi, issuer: Issuer, store: PredictionStore):
    live.client.headers.update(bearer(issuer.token(exp=int(time.time()) + 2)))
    with live.events() as stream:
        stream.next()
        assert stream.rest() == []
    assert live.client.get(ME).status_code == 401


def test_the_first_admin_is_made_though_others_were_there_before(
    settings, register, issuer: Issuer, accounts
):
    with TestClient(create_app(settings)) as api:
        assert api.get(ME, headers=bearer(issuer.token())).status_code == 200
        make_accounts(settings.model_copy(update={"demo": False}), accounts)
    assert accounts.user(FIRST_ADMIN).role is Role.ADMIN


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"oidc_audience": None}, "OIDC_AUDIENCE"),
        ({"oidc_issuer": None}, "OIDC_ISSUER"),
        ({"oidc_issuer": "http://login.example"}, "https://"),
        ({"oidc_issuer": "https://[x"}, "https://"),
    ],
)
def test_half_a_setting_or_an_issuer_without_tls_keeps_the_server_from_starting(
    settings: Settings, changes, reason: str
):
    wrong = settings.model_copy(update=changes)
    with pytest.raises(SetupError, match=reason), TestClient(create_app(wrong)):
        pass


def test_without_the_setting_no_such_token_is_looked_at(settings, register, issuer: Issuer):
    plain = settings.model_copy(update={"oidc_issuer": None, "oidc_audience": None})
    with TestClient(create_app(plain)) as api:
        assert api.get(ME, headers=bearer(issuer.token())).status_code == 401
    assert issuer.http.requests == []


def test_a_shared_secret_is_no_algorithm_that_can_be_set():
    with pytest.raises(ValueError, match="oidc_algorithms"):
        Settings(oidc_algorithms="RS256,HS256")
