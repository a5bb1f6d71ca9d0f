"""How often who may sign in or submit: moving windows in the state store, told in `RateLimit` headers."""

import time
from collections.abc import Mapping, Sequence

from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from inferq.api.addresses import client_address, limit_key
from inferq.api.callers import Caller
from inferq.errors import RateLimited
from inferq.settings import Settings
from inferq.state import KEY_PREFIX, async_pool, state_errors

NAME_LIMIT = "100/hour"
"""Attempts to sign in as one user, from wherever they come."""
TIMEOUT = 2.0


class RateLimits:
    """The limits of this deployment."""

    def __init__(self, settings: Settings) -> None:
        """Connects to nothing yet."""
        pool = async_pool(
            settings.state_url(), socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=f"{KEY_PREFIX}limit",
            connection_pool=pool,  # type: ignore[arg-type]  # it is handed on to redis-py's client
        )
        self._pool = pool
        self._windows = SlidingWindowCounterRateLimiter(storage)
        self._trusted = settings.trusted_proxies
        self._sign_in = parse(settings.sign_in_limit)
        self._name = parse(NAME_LIMIT)
        self._submit = parse(settings.submit_limit) if settings.submit_limit else None

    def address(self, request: Request) -> str:
        """What requests from the same place are counted by."""
        return limit_key(client_address(request.scope, self._trusted))

    async def sign_in(self, request: Request, name: str) -> None:
        """Counts an attempt to sign in.

        Raises:
            RateLimited: There were too many from this address, or for this user.
        """
        rows = {
            "sign-in": (self._sign_in, ("sign-in", self.address(request))),
            "user": (self._name, ("user", name)),
        }
        await self._count(request, rows)

    async def submit(self, request: Request, caller: Caller) -> None:
        """Counts a prediction that is sent, where that is limited.

        Raises:
            RateLimited: There were too many by this credential, or from this address.
        """
        if self._submit is None:
            return
        rows = {
            "credential": (self._submit, ("submit", caller.credential.credential_id)),
            "address": (self._submit, ("submit-from", self.address(request))),
        }
        await self._count(request, rows)

    async def close(self) -> None:
        """Ends its connections."""
        await self._pool.aclose()

    async def _count(
        self, request: Request, rows: Mapping[str, tuple[RateLimitItem, Sequence[str]]]
    ) -> None:
        policies, states, waits = [], [], []
        with state_errors():
            for name, (item, key) in rows.items():
                allowed = await self._windows.hit(item, *key)
                window = await self._windows.get_window_stats(item, *key)
                reset = max(1, round(window.reset_time - time.time()))
                policies.append(f'"{name}";q={item.amount};w={item.get_expiry()}')
                states.append(f'"{name}";r={window.remaining};t={reset}')
                if not allowed:
                    waits.append(reset)
        request.scope["limit_headers"] = {
            "RateLimit-Policy": ", ".join(policies),
            "RateLimit": ", ".join(states),
        }
        if waits:
            raise RateLimited("Too many requests in a short time.", retry_after=max(waits))
