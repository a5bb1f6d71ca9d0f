"""Signing in: a name and a password become a credential, slowly and not too often."""

import hashlib
from datetime import timedelta

import anyio
import anyio.to_thread
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from inferq.accounts.account import (
    DEMO_NAME,
    DEMO_PASSWORD,
    MOST_PASSWORD_CHARACTERS,
    SCOPES_OF,
    Credential,
    Kind,
    Scope,
    Token,
    User,
)
from inferq.accounts.passwords import AT_ONCE, check_password
from inferq.accounts.store import Wish
from inferq.api.addresses import is_by_one_proxy, is_direct
from inferq.api.deps import Services
from inferq.errors import RateLimited, Unauthenticated
from inferq.safety import PROXIED

_turns = anyio.CapacityLimiter(AT_ONCE)
"""Who waits for a turn takes no thread from other requests."""


async def sign_in(request: Request, services: Services, name: str, password: str) -> User:
    """The user of a name and a password.

    Raises:
        Unauthenticated: They are wrong, or the account may not be used from there.
        RateLimited: There were too many attempts.
    """
    await services.limits.sign_in(request, name[:MOST_PASSWORD_CHARACTERS])
    accounts = services.accounts
    address = services.limits.address(request)
    attempt = hashlib.sha256(f"{name}\0{address}".encode()).hexdigest()
    if wait := await run_in_threadpool(accounts.attempt, attempt):
        raise RateLimited("Too many wrong passwords; wait a moment.", retry_after=wait)
    user, stored = await run_in_threadpool(accounts.password_hash, name)
    known = user is not None and not user.disabled and len(password) <= MOST_PASSWORD_CHARACTERS
    if user is not None and user.demo and not offers_demo(request, services):
        known = False
    right = await anyio.to_thread.run_sync(
        check_password, password[:MOST_PASSWORD_CHARACTERS], stored if known else None,
        limiter=_turns,
    )  # fmt: skip
    if user is None or not right:
        raise Unauthenticated("The user name or the password is wrong.")
    await run_in_threadpool(accounts.forget_attempts, attempt)
    return user


async def issue(
    services: Services, user: User, kind: Kind, scopes: frozenset[Scope] | None = None
) -> tuple[Token, Credential]:
    """A session or an access token of a user who has signed in, by default with all scopes the role has.

    Raises:
        Unauthenticated: The user was disabled or removed this very moment.
    """
    allowed = SCOPES_OF[user.role]
    chosen = allowed if scopes is None else scopes & allowed
    made = await run_in_threadpool(
        services.accounts.issue, user, Wish(kind, chosen, lifetime=lifetime(services, kind))
    )
    if made is None:
        raise Unauthenticated("The user name or the password is wrong.")
    return made


def lifetime(services: Services, kind: Kind) -> timedelta:
    """How long what is signed in stays so."""
    settings = services.settings
    return settings.session_lifetime if kind is Kind.SESSION else settings.token_lifetime


def offers_demo(request: Request, services: Services) -> bool:
    """Whether the demo account may be used by this request: on this machine, with no proxy between but our own."""
    settings = services.settings
    if settings.demo == PROXIED and is_by_one_proxy(request.scope, settings.trusted_proxies):
        return True
    return bool(settings.demo) and is_direct(request.scope)


def demo_login() -> tuple[str, str]:
    """Name and password of the demo account; they are in the tutorial."""
    return DEMO_NAME, DEMO_PASSWORD
