"""Who calls: tokens to callers. What was looked up is remembered for moments, and forgotten the moment it changes."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakSet

import redis
import structlog
from starlette.concurrency import run_in_threadpool

from inferq.accounts.account import Credential, Kind, Scope, Token
from inferq.accounts.revocations import follow_revocations
from inferq.accounts.store import AccountStore
from inferq.errors import StateUnavailable, Unauthenticated
from inferq.state import connect_async

REMEMBERED_SECONDS = 10.0
MOST_REMEMBERED = 10_000
RECONNECT_PAUSE = 0.5

log = structlog.get_logger()


@dataclass(eq=False)
class Caller:
    """A credential in use."""

    credential: Credential
    deadline: float
    """When it expires, in seconds of the monotonic clock."""
    revoked: bool = False
    on_end: set[Callable[[], None]] = field(default_factory=set)
    """Called when it is revoked: whoever waits on its behalf is to wait no more."""

    @property
    def owner(self) -> str:
        """What belongs to its user bears this."""
        return self.credential.user.user_id

    @property
    def scopes(self) -> frozenset[Scope]:
        """What it allows."""
        return self.credential.scopes

    @property
    def is_signed_in(self) -> bool:
        """Whether a person has given a password for it, which no key stands for."""
        return self.credential.kind is not Kind.API_KEY

    @property
    def seconds_left(self) -> float:
        """How long it is valid from now on; none once it is revoked."""
        return 0.0 if self.revoked else max(0.0, self.deadline - time.monotonic())

    def require_valid(self) -> None:
        """Returns if it is still valid.

        Raises:
            Unauthenticated: It was revoked, or has expired.
        """
        if not self.seconds_left:
            raise invalid_token()

    def end(self) -> None:
        """Revokes it in this process."""
        self.revoked = True
        for wake in tuple(self.on_end):
            wake()


@dataclass(frozen=True, slots=True)
class Access:
    """Whose predictions a request is about, and the caller who may ask for that."""

    owner: str
    caller: Caller


def invalid_token() -> Unauthenticated:
    """What is told of a token that is not valid."""
    return Unauthenticated.invalid_token(
        "The credential is not valid: it is mistyped, expired or revoked, or its user is disabled."
    )


class Callers:
    """The credentials that this process has seen lately.

    While the stream of revocations is followed, a caller is remembered for some seconds; a revocation anywhere makes
    this process look again at once, and ends what the revoked ones wait for. Without the stream nothing is remembered.
    """

    def __init__(self, accounts: AccountStore, redis_url: str, *, demo: bool) -> None:
        """Connects to nothing yet."""
        self._accounts = accounts
        self._url = redis_url
        self._demo = demo
        self._remembered: dict[str, tuple[Caller, float]] = {}
        self._by_user: defaultdict[str, WeakSet[Caller]] = defaultdict(WeakSet)
        self._following = False
        self._changes = 0

    async def of_token(self, text: str) -> Caller:
        """The caller that a token stands for.

        Raises:
            Unauthenticated: It stands for none (any more).
        """
        token = Token.parse(text)
        if token is None:
            raise invalid_token()
        digest = token.digest
        caller, until = self._remembered.get(digest, (None, 0.0))
        if caller is None or time.monotonic() > until or not caller.seconds_left:
            caller = await self._look_up(token, digest)
        return caller

    async def changed(self, user_id: str) -> None:
        """Looks again at a user's credentials, which have been changed."""
        self._changes += 1
        callers = list(self._by_user.get(user_id, ()))
        self._remembered = {
            digest: known for digest, known in self._remembered.items() if known[0].owner != user_id
        }
        for caller in callers:
            if not await run_in_threadpool(self._accounts.is_valid, caller.credential):
                caller.end()

    async def run(self) -> None:
        """Follows the revocations until it is cancelled."""
        while True:
            client = connect_async(self._url)
            try:
                async for users in follow_revocations(client):
                    # At first all are looked at: nobody knows what happened before.
                    for user_id in users if self._following else tuple(self._by_user):
                        await self.changed(user_id)
                    self._following = True
            except (redis.RedisError, StateUnavailable) as error:
                log.warning("revocations_lost", error=type(error).__name__)
            except Exception:
                # The edge of a task without which nothing would ever be remembered again.
                log.exception("revocations_lost")
            finally:
                self._following = False
                self._remembered.clear()
                await client.aclose()
            await asyncio.sleep(RECONNECT_PAUSE)

    async def _look_up(self, token: Token, digest: str) -> Caller:
        while True:
            changes = self._changes
            found = await run_in_threadpool(self._accounts.look_up, token)
            if found is None or (found.credential.user.demo and not self._demo):
                raise invalid_token()
            if changes == self._changes:
                break  # else it may have been revoked after it was read, and nobody would tell us again
        left = float("inf") if found.lifetime is None else found.lifetime.total_seconds()
        caller = Caller(found.credential, time.monotonic() + left)
        self._by_user[caller.owner].add(caller)
        if self._following:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[digest] = caller, time.monotonic() + REMEMBERED_SECONDS
        return caller
