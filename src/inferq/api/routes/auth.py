"""Signing in and out, and API keys."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Form, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from inferq.accounts.account import (
    LABEL_CHARACTERS,
    SCOPES_OF,
    Credential,
    Kind,
    Role,
    Scope,
)
from inferq.accounts.store import Wish
from inferq.api.bodies import JsonRoute
from inferq.api.callers import SIGNED_IN
from inferq.api.deps import (
    AnyCaller,
    ReadAccess,
    ServicesDep,
    SignedIn,
    cookie_name,
    sent_token,
)
from inferq.api.routers import resource_router
from inferq.api.schemas import Body, problems
from inferq.api.signin import demo_login, issue, lifetime, offers_demo, sign_in
from inferq.errors import InsufficientScope, NotFound, Unauthenticated

router = resource_router(
    "/auth", tags=["auth"], responses=problems(401, 503), route_class=JsonRoute
)

NO_STORE = {"Cache-Control": "no-store"}
PasswordText = Annotated[str, Field(min_length=1, max_length=256)]


class Me(BaseModel):
    """A user, and what the credential in use allows."""

    model_config = ConfigDict(frozen=True)

    name: str
    role: Role
    scopes: tuple[Scope, ...]
    credential: Kind = Field(
        description="What was sent: a session's cookie, an access token, a key, a token of another issuer."
    )
    expires_at: AwareDatetime | None = Field(description="When the credential expires.")

    @classmethod
    def of(cls, credential: Credential) -> "Me":
        """Who a credential acts for."""
        return cls(
            name=credential.user.name,
            role=credential.user.role,
            scopes=tuple(sorted(credential.scopes)),
            credential=credential.kind,
            expires_at=credential.expires_at,
        )


class SignIn(Body):
    """A user's name and password."""

    username: str = Field(min_length=1, max_length=64)
    password: PasswordText


class SignInOffer(BaseModel):
    """An account that anyone at this machine may use."""

    username: str
    password: str


class SessionState(BaseModel):
    """Whether someone is signed in, and how one can be."""

    user: Me | None = Field(description="Who is signed in; null for nobody.")
    demo: SignInOffer | None = Field(
        description="The tutorial's account: with `inferq up` on loopback, for this very machine alone."
    )


class AccessToken(BaseModel):
    """An access token, as OAuth 2 answers with it (RFC 6749)."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - its type
    expires_in: int = Field(description="Seconds that it is valid for.")
    scope: str


class KeyWish(Body):
    """An API key that is wanted."""

    label: str = Field(
        "", max_length=LABEL_CHARACTERS, description="What it is for, to know it again by."
    )
    scopes: tuple[Scope, ...] = Field(
        (Scope.PREDICT, Scope.READ), min_length=1, description="What it allows."
    )
    expires_in_days: int | None = Field(
        None, ge=1, le=3650, description="How long it is valid; for ever where absent."
    )
    callback_url: str | None = Field(
        None,
        description="Where the ends of its predictions are told that name no `callback_url`; empty: nowhere."
        " Absent, where the deployment says.",
    )


class ApiKey(BaseModel):
    """An API key; what it is used with is told once, when it is made."""

    key_id: str
    label: str
    scopes: tuple[Scope, ...]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="Noted at most once a minute.")
    callback_url: str | None = Field(
        description="Where the ends of its predictions are told that name no `callback_url`; empty: nowhere;"
        " null: where the deployment says."
    )

    @classmethod
    def of(cls, credential: Credential) -> "ApiKey":
        """What is told of a key again and again."""
        return cls(**_key_fields(credential))


class NewApiKey(ApiKey):
    """A new API key."""

    key: str = Field(
        description="What is sent as `Authorization: Bearer …`; it is not shown again."
    )


class ApiKeyList(BaseModel):
    """A user's API keys, oldest first."""

    items: tuple[ApiKey, ...]


class Revoked(BaseModel):
    """What was signed out."""

    revoked: int = Field(description="How many sessions and access tokens.")


@router.get("/session", name="get_session", summary="Who is signed in?")
async def get_session(request: Request, services: ServicesDep) -> SessionState:
    """Who is signed in, if anyone; and the account that is offered to whoever sits at this machine."""
    token = sent_token(request, services.settings)
    user = None
    if token:
        try:
            user = Me.of((await services.callers.of_token(token)).credential)
        except Unauthenticated:
            user = None
    demo = None
    if offers_demo(request, services):
        name, password = demo_login()
        demo = SignInOffer(username=name, password=password)
    return SessionState(user=user, demo=demo)


@router.post(
    "/session", name="sign_in", summary="Sign in a browser", responses=problems(403, 413, 415, 429)
)
async def create_session(
    request: Request, response: Response, services: ServicesDep, given: SignIn
) -> Me:
    """Signs in with name and password; the session is a cookie that scripts cannot read and other sites cannot send."""
    user = await sign_in(request, services, given.username, given.password)
    token, credential = await issue(services, user, Kind.SESSION)
    settings = services.settings
    response.set_cookie(
        cookie_name(settings),
        str(token),
        max_age=int(lifetime(services, Kind.SESSION).total_seconds()),
        httponly=True,
        samesite="strict",
        secure=settings.is_behind_tls,
    )
    response.headers.update(NO_STORE)
    return Me.of(credential)


@router.delete(
    "/session", name="sign_out", summary="Sign out", status_code=200, responses=problems(403)
)
async def delete_session(
    response: Response,
    services: ServicesDep,
    caller: SignedIn,
    everywhere: Annotated[
        bool, Query(description="All sessions and access tokens of yours; API keys stay.")
    ] = False,
) -> Revoked:
    """Ends the session or access token that was sent, at once, open event streams included."""
    accounts, user_id = services.accounts, caller.owner
    if everywhere:
        count = await run_in_threadpool(accounts.revoke_all, user_id, SIGNED_IN)
    else:
        count = await run_in_threadpool(accounts.revoke, user_id, caller.credential.credential_id)
    await services.callers.changed(user_id)
    settings = services.settings
    response.delete_cookie(
        cookie_name(settings), httponly=True, samesite="strict", secure=settings.is_behind_tls
    )
    return Revoked(revoked=int(count))


@router.post(
    "/token", name="token", summary="Get an access token", responses=problems(403, 413, 429)
)
async def create_token(
    request: Request,
    response: Response,
    services: ServicesDep,
    username: Annotated[str, Form(min_length=1, max_length=64)],
    password: Annotated[str, Form(min_length=1, max_length=256)],
    grant_type: Annotated[Literal["password"], Form()] = "password",  # noqa: ARG001 - the only one
    scope: Annotated[str, Form(description="Scopes wanted; all that the user may have.")] = "",
) -> AccessToken:
    """OAuth 2's password grant (RFC 6749): an access token for scripts and for Authorize on the docs page."""
    user = await sign_in(request, services, username, password)
    wanted = frozenset(found for found in Scope if found in scope.split()) or None
    token, credential = await issue(services, user, Kind.ACCESS_TOKEN, wanted)
    response.headers.update(NO_STORE)
    return AccessToken(
        access_token=str(token),
        expires_in=int(lifetime(services, Kind.ACCESS_TOKEN).total_seconds()),
        scope=" ".join(sorted(credential.scopes)),
    )


@router.get("/me", summary="Who am I?")
async def me(caller: AnyCaller) -> Me:
    """The user that the credential acts for, and what it allows."""
    return Me.of(caller.credential)


@router.get("/keys", name="list_keys", summary="List API keys", responses=problems(403, 404))
def list_keys(services: ServicesDep, access: ReadAccess) -> ApiKeyList:
    """Your API keys, without what they are used with."""
    keys = services.accounts.credentials(access.owner, {Kind.API_KEY})
    return ApiKeyList(items=tuple(map(ApiKey.of, keys)))


@router.post(
    "/keys",
    name="create_key",
    summary="Make an API key",
    status_code=201,
    responses=problems(403, 413, 415),
)
def create_key(
    response: Response, services: ServicesDep, caller: SignedIn, wish: KeyWish
) -> NewApiKey:
    """Makes an API key of yours; the answer is the only one that has it. Its scopes are at most your own."""
    for scope in wish.scopes:
        if scope not in caller.scopes or scope not in SCOPES_OF[caller.credential.user.role]:
            raise InsufficientScope.of(scope)
    receiver = None if wish.callback_url is None else services.callbacks.checked(wish.callback_url)
    lasts = None if wish.expires_in_days is None else timedelta(days=wish.expires_in_days)
    made = services.accounts.issue(
        caller.credential.user,
        Wish(Kind.API_KEY, frozenset(wish.scopes), wish.label, lasts, receiver),
    )
    if made is None:
        raise Unauthenticated("Your account is disabled.")
    token, credential = made
    response.headers.update(NO_STORE)
    return NewApiKey(key=str(token), **_key_fields(credential))


@router.delete(
    "/keys/{key_id}",
    name="revoke_key",
    summary="Revoke an API key",
    status_code=204,
    responses=problems(403, 404),
)
async def revoke_key(key_id: str, services: ServicesDep, caller: SignedIn) -> None:
    """Revokes an API key of yours: it is refused from now on, and the event streams that it opened end."""

    def revoke() -> bool:
        keys = services.accounts.credentials(caller.owner, {Kind.API_KEY})
        known = any(key.credential_id == key_id for key in keys)
        return known and services.accounts.revoke(caller.owner, key_id)

    if not await run_in_threadpool(revoke):
        raise NotFound(f"There is no key {key_id!r} of yours.")
    await services.callers.changed(caller.owner)


def _key_fields(credential: Credential) -> dict[str, object]:
    return {
        "key_id": credential.credential_id,
        "label": credential.label,
        "scopes": tuple(sorted(credential.scopes)),
        "created_at": credential.created_at,
        "expires_at": credential.expires_at,
        "last_used_at": credential.last_used_at,
        "callback_url": credential.callback_url,
    }
