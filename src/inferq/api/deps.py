"""What routes work with: the services of this process, who is asking, and on whose behalf."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import structlog
from fastapi import Depends, Query, Request, Security
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.concurrency import run_in_threadpool

from inferq.accounts.account import Role, Scope
from inferq.accounts.store import AccountStore
from inferq.api.callers import Access, Caller, Callers
from inferq.api.capacity import Capacity
from inferq.api.openapi import CREDENTIAL_MODEL, CREDENTIAL_SCHEME
from inferq.api.push import Changes
from inferq.api.ratelimits import RateLimits
from inferq.api.rendering import Renders
from inferq.api.schemas import OWNER_DESCRIPTION
from inferq.api.viewer import Viewer
from inferq.errors import InsufficientScope, NotFound, Unauthenticated
from inferq.models.register import ModelRegister
from inferq.predictions.deliveries import Deliveries
from inferq.predictions.events import EventLog
from inferq.predictions.lists import PredictionLists
from inferq.predictions.queues import Queues
from inferq.predictions.store import PredictionStore
from inferq.queue import Publisher
from inferq.render.processes import RenderProcesses
from inferq.settings import Settings
from inferq.storage import Storage
from inferq.upkeep.loop import Upkeep
from inferq.upkeep.parts import Parts
from inferq.webhooks.callbacks import Callbacks

if TYPE_CHECKING:
    from inferq.api.external import ExternalTokens

COOKIE = "inferq_session"
SECURE_COOKIE = "__Host-inferq_session"
"""Over TLS: browsers take it from nobody but this very host."""
BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that routes talk to; made once per process."""

    settings: Settings
    store: PredictionStore
    lists: PredictionLists
    queues: Queues
    events: EventLog
    deliveries: Deliveries
    callbacks: Callbacks
    storage: Storage
    register: ModelRegister
    publisher: Publisher
    upkeep: Upkeep
    capacity: Capacity
    viewer: Viewer
    changes: Changes
    renders: Renders
    drawing: RenderProcesses
    accounts: AccountStore
    callers: Callers
    limits: RateLimits

    @classmethod
    def create(cls, settings: Settings) -> "Services":
        """Connects to nothing yet.

        Raises:
            SetupError: A setting is missing.
        """
        parts = Parts.create(settings)
        viewer = Viewer(parts)
        accounts = AccountStore(parts.client)
        url = settings.state_url()
        return cls(
            settings=settings,
            store=parts.store,
            lists=PredictionLists(parts.client),
            queues=parts.queues,
            events=EventLog(parts.client),
            deliveries=parts.deliveries,
            callbacks=Callbacks(parts.rules, settings.webhook_url),
            storage=parts.storage,
            register=parts.register,
            publisher=parts.publisher,
            upkeep=Upkeep(parts),
            capacity=Capacity(parts),
            viewer=viewer,
            changes=Changes(url, viewer),
            renders=Renders(),
            drawing=RenderProcesses(),
            accounts=accounts,
            callers=Callers(
                accounts,
                url,
                demo=bool(settings.demo),
                external=external_tokens(settings, accounts),
            ),
            limits=RateLimits(settings),
        )


def external_tokens(settings: Settings, accounts: AccountStore) -> "ExternalTokens | None":
    """Who knows the access tokens of another issuer, where one is trusted.

    Raises:
        SetupError: The settings do not say which tokens are meant.
    """
    if not (settings.oidc_issuer or settings.oidc_audience):
        return None
    from inferq.api.external import ExternalTokens  # noqa: PLC0415 - cryptography is large, and seldom needed

    return ExternalTokens.of(settings, accounts)


def services_of(request: Request) -> Services:
    """The services that the application's lifespan made."""
    services: Services = request.app.state.services
    return services


async def get_services(request: Request) -> Services:
    """The same as a dependency."""
    return services_of(request)


def cookie_name(settings: Settings) -> str:
    """The name of the session's cookie."""
    return SECURE_COOKIE if settings.is_behind_tls else COOKIE


class CredentialCheck(SecurityBase):
    """Lets through who shows a credential with the scopes that a route asks for; one call per request."""

    model = CREDENTIAL_MODEL
    scheme_name = CREDENTIAL_SCHEME

    async def __call__(self, request: Request, scopes: SecurityScopes) -> Caller:
        """The caller.

        Raises:
            Unauthenticated: There is no credential, or it is not valid.
            InsufficientScope: It does not allow this.
        """
        services = services_of(request)
        token = sent_token(request, services.settings)
        if token is None:
            raise Unauthenticated(
                "Sign in, or send an API key: 'Authorization: Bearer iq_…'."
                " `inferq up` keeps one in local.key in its data directory."
            )
        caller = await services.callers.of_token(token)
        for scope in scopes.scopes:
            if scope not in caller.scopes:
                raise InsufficientScope.of(scope)
        structlog.contextvars.bind_contextvars(owner=caller.owner)
        return caller


def sent_token(request: Request, settings: Settings) -> str | None:
    """The token of a request: its `Authorization`, or else the cookie, which counts for pages of this server alone."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        bearer = authorization[: len(BEARER)].lower() == BEARER
        return authorization[len(BEARER) :].strip() if bearer else ""
    return request.cookies.get(cookie_name(settings)) if request.scope["own_page"] else None


_credential = CredentialCheck()


async def get_access(
    request: Request,
    caller: Annotated[Caller, Security(_credential)],
    owner: Annotated[str | None, Query(description=OWNER_DESCRIPTION)] = None,
) -> Access:
    """The caller's own predictions, or for an admin those of the user who is named.

    Raises:
        InsufficientScope: Another user is named by one who is no admin.
        NotFound: There is no such user.
    """
    user = caller.credential.user
    if owner is None or owner == user.name:
        return Access(caller.owner, caller)
    if Scope.ADMIN not in caller.scopes or user.role is not Role.ADMIN:
        raise InsufficientScope.of(Scope.ADMIN)
    services = services_of(request)
    named = await run_in_threadpool(services.accounts.user, owner)
    if named is None:
        raise NotFound(f"There is no user {owner!r}.")
    return Access(named.user_id, caller)


async def get_signed_in(caller: Annotated[Caller, Security(_credential)]) -> Caller:
    """A caller who has signed in with a password.

    Raises:
        InsufficientScope: It is an API key, which may be in many hands, or a token of another issuer.
    """
    if not caller.is_signed_in:
        raise InsufficientScope("Only who has signed in here with a password may do this.")
    return caller


ServicesDep = Annotated[Services, Depends(get_services)]
AnyCaller = Annotated[Caller, Security(_credential)]
MAY_READ = Security(_credential, scopes=[Scope.READ])
Submitter = Annotated[Caller, Security(_credential, scopes=[Scope.PREDICT])]
SignedIn = Annotated[Caller, Security(get_signed_in)]
ReadAccess = Annotated[Access, Security(get_access, scopes=[Scope.READ])]
ChangeAccess = Annotated[Access, Security(get_access, scopes=[Scope.PREDICT])]
