"""Access tokens of another issuer (OpenID Connect): checked here with the keys that it publishes, stored nowhere."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import structlog
from starlette.concurrency import run_in_threadpool

from inferq.accounts.account import SCOPES_OF, Credential, Kind, Role, Scope, Subject, User
from inferq.accounts.store import AccountStore, Found
from inferq.api.callers import invalid_token
from inferq.api.issuer import IssuerKeys
from inferq.errors import SetupError
from inferq.settings import Settings

CLOCK_SECONDS = 10
"""That the issuer's clock may be ahead; nothing is valid longer than it says."""
LONGEST_SECONDS = timedelta(days=30).total_seconds()
TOKEN_CHARACTERS = 16 * 1024
SUBJECT_CHARACTERS = 255
SCOPE_CLAIMS = ("scope", "scp")

log = structlog.get_logger()


class ExternalTokens:
    """Finds out whom a token of the trusted issuer stands for."""

    def __init__(self, settings: Settings, accounts: AccountStore, keys: IssuerKeys) -> None:
        """Connects to nothing yet; use `of`."""
        self._issuer = settings.oidc_issuer
        self._audience = settings.oidc_audience
        self._algorithms = frozenset[str](settings.oidc_algorithms)
        self._admin = settings.oidc_admin.split("=", 1) if settings.oidc_admin else None
        self._accounts = accounts
        self._keys = keys

    @classmethod
    def of(cls, settings: Settings, accounts: AccountStore) -> "ExternalTokens":
        """By the settings.

        Raises:
            SetupError: Issuer or audience is missing, or the issuer is no URL that can be trusted.
        """
        if not settings.oidc_issuer or not settings.oidc_audience:
            raise SetupError("Set INFERQ_OIDC_ISSUER and INFERQ_OIDC_AUDIENCE, or neither.")
        return cls(settings, accounts, IssuerKeys(settings.oidc_issuer))

    async def find(self, text: str) -> Found | None:
        """What a token stands for; None where it is none of the issuer's, or not valid.

        Raises:
            Unauthenticated: Its user is disabled.
            IssuerUnavailable: The issuer does not tell its keys.
            StateUnavailable: The state store does not answer.
        """
        try:
            claims = await self._claims(text)
            left = min(int(claims["exp"]) - time.time(), LONGEST_SECONDS)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            log.debug("external_token_refused", reason=type(error).__name__)
            return None
        subject = claims["sub"]
        if left <= 0 or not 0 < len(subject) <= SUBJECT_CHARACTERS:
            return None
        told = claims.get("preferred_username")
        display = told if isinstance(told, str) and told else subject
        user = await run_in_threadpool(
            self._accounts.join, Subject(claims["iss"], subject, display)
        )
        if user is None or user.disabled:
            raise invalid_token()
        lifetime = timedelta(seconds=left)
        return Found(self._credential(user, claims, lifetime), lifetime)

    async def _claims(self, text: str) -> dict[str, Any]:
        """The claims of a token that is checked in every way but its user.

        Raises:
            jwt.PyJWTError: It is not valid.
            ValueError: It is none.
        """
        if len(text) > TOKEN_CHARACTERS or text.count(".") != 2:  # noqa: PLR2004 - header, claims, signature
            raise ValueError("no token")
        header = jwt.get_unverified_header(text)
        algorithm = header["alg"]
        # Before a key is looked for, so that nobody has one fetched for what is refused anyway.
        if algorithm not in self._algorithms:
            raise jwt.InvalidAlgorithmError(algorithm)
        key = await self._keys.find(header.get("kid"), algorithm)
        if key is None:
            raise jwt.InvalidKeyError("unknown key")
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            audience=self._audience,
            issuer=self._issuer,
            leeway=CLOCK_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return claims

    def _credential(self, user: User, claims: Mapping[str, Any], lifetime: timedelta) -> Credential:
        """What a token allows; an admin is who bears the claim, as long as the token does."""
        told = [word for name in SCOPE_CLAIMS for word in _words(claims.get(name))]
        scopes = frozenset(scope for scope in SCOPES_OF[Role.USER] if scope in told)
        if self._is_admin(claims):
            user, scopes = replace(user, role=Role.ADMIN), scopes | {Scope.ADMIN}
        now = datetime.now(UTC)
        return Credential(
            # Limits count all of a user's tokens together: an issuer gives as many as one asks for.
            credential_id=user.user_id,
            kind=Kind.EXTERNAL_TOKEN,
            user=user,
            scopes=scopes,
            label="",
            created_at=now,
            expires_at=now + lifetime,
            last_used_at=None,
        )

    def _is_admin(self, claims: Mapping[str, Any]) -> bool:
        if self._admin is None:
            return False
        name, wanted = self._admin
        value = claims.get(name)
        return wanted in value if isinstance(value, list) else value == wanted


def _words(claim: object) -> list[object]:
    """A claim of several words, which issuers write as one text or as a list."""
    if isinstance(claim, str):
        return list(claim.split())
    return claim if isinstance(claim, list) else []
