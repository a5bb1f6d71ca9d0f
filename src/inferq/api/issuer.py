"""The public keys of a trusted issuer, by its discovery document; remembered, and fetched again when they may have changed."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import jwt
import orjson
import structlog
from starlette.concurrency import run_in_threadpool

from inferq.errors import IssuerUnavailable, SetupError
from inferq.safety import is_loopback

DISCOVERY = "/.well-known/openid-configuration"
FETCH_SECONDS = 5.0
MOST_BYTES = 512 * 1024
FRESH_SECONDS = 300.0
"""Until keys are fetched again, so that one that was withdrawn is soon not taken any more."""
STALE_SECONDS = 3600.0
"""How long the last known keys are good for while the issuer does not answer."""
PAUSE_SECONDS = 30.0
"""Between two fetches: tokens with made-up keys cannot have this server ask its issuer all the time."""
FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""Types of keys, by the first letters of algorithms."""

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth"}
"""Members of private keys."""

MALFORMED = (ValueError, TypeError, LookupError, AttributeError)
"""What is raised by documents that are none."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with."""

    key_id: object
    key_type: str
    algorithm: str | None
    """The only one that it is for; None for any of its type."""
    key: Any

    def fits(self, algorithm: str) -> bool:
        """Whether a signature of this kind can be one of the key."""
        return self.key_type == FAMILIES[algorithm[:2]] and self.algorithm in {None, algorithm}


class IssuerKeys:
    """The keys of one issuer; for one event loop."""

    def __init__(self, issuer: str) -> None:
        """Connects to nothing yet.

        Raises:
            SetupError: What it tells could be changed on the way.
        """
        if not _is_safe(issuer):
            raise SetupError(f"INFERQ_OIDC_ISSUER: {issuer!r} must begin with https://.")
        self._issuer = issuer
        self._keys: list[PublicKey] = []
        self._fetched_at = self._tried_at = float("-inf")
        self._turn = asyncio.Lock()

    async def find(self, key_id: object, algorithm: str) -> Any:
        """The public key of an id, or, where a token names none, the only one that fits; None where there is none.

        Raises:
            IssuerUnavailable: The issuer does not tell, and what it told before is too old.
        """
        now = time.monotonic()
        found = self._known(key_id, algorithm)
        if found is None or now - self._fetched_at > FRESH_SECONDS:
            await self._refresh(now)
            found = self._known(key_id, algorithm)
        if time.monotonic() - self._fetched_at > STALE_SECONDS:
            raise IssuerUnavailable(
                "The issuer of this token cannot be asked for its keys.", retry_after=PAUSE_SECONDS
            )
        return None if found is None else found.key

    def _known(self, key_id: object, algorithm: str) -> PublicKey | None:
        fits = [key for key in self._keys if key.fits(algorithm)]
        if key_id is None:
            return fits[0] if len(fits) == 1 else None
        return next((key for key in fits if key.key_id == key_id), None)

    async def _refresh(self, since: float) -> None:
        """Fetches the keys, unless that was tried of late or, while this waited for its turn, by another."""
        async with self._turn:
            if self._tried_at > since - PAUSE_SECONDS:
                return
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    self._keys = await self._fetch()
            except (OSError, httpx.HTTPError, *MALFORMED) as error:
                log.warning("issuer_unavailable", error=type(error).__name__, reason=str(error))
            else:
                self._fetched_at = time.monotonic()
            finally:
                self._tried_at = time.monotonic()

    async def _fetch(self) -> list[PublicKey]:
        # Reading the system's certificates takes the event loop's time.
        context = await run_in_threadpool(httpx.create_ssl_context)
        async with httpx.AsyncClient(
            verify=context, timeout=FETCH_SECONDS, trust_env=False
        ) as client:
            described = await _read(client, self._issuer.rstrip("/") + DISCOVERY)
            if described["issuer"] != self._issuer:
                raise ValueError(f"it calls itself {described['issuer']!r}")
            told = (await _read(client, described["jwks_uri"]))["keys"]
        return [key for one in told if (key := _public_key(one)) is not None]


async def _read(client: httpx.AsyncClient, url: str) -> Any:
    """A JSON document; no redirect is followed.

    Raises:
        ValueError: It is none, too large, or could be changed on the way.
        httpx.HTTPError: There was no answer, or another than 200.
    """
    if not _is_safe(url):
        raise ValueError(f"{url!r} must begin with https://")
    body = bytearray()
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as answer:
        if answer.status_code != httpx.codes.OK:
            raise ValueError(f"{url} answered {answer.status_code}")
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > MOST_BYTES:
                raise ValueError(f"{url} answers with more than {MOST_BYTES} bytes")
    return orjson.loads(body)


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    )


def _public_key(told: Mapping[str, Any]) -> PublicKey | None:
    """A key for signatures; None for one of another use, of a kind that is not known here, or a shared secret."""
    if told.get("kty") not in FAMILIES.values() or told.get("use", "sig") != "sig":
        return None
    try:
        # Without private members, should an issuer publish them: what remains is the public key.
        key = jwt.PyJWK({name: told[name] for name in told if name not in PRIVATE}).key
    except jwt.PyJWTError:
        return None
    return PublicKey(told.get("kid"), told["kty"], told.get("alg"), key)
