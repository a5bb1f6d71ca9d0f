"""Users and credentials in Redis or Valkey; each change of more than one key is one Lua script.

Every method raises `StateUnavailable` when the store does not answer.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import redis

from inferq.accounts.account import Credential, Kind, Role, Scope, Token, User
from inferq.state import load_script, microseconds, moment, pairs, state_errors

SCRIPTS = (
    "add_user", "change_user", "remove_user", "issue", "look_up", "touch", "revoke", "revoke_all",
    "attempt",
)  # fmt: skip
USE_NOTED = timedelta(minutes=1)
FREE_ATTEMPTS = 4
LONGEST_WAIT = timedelta(minutes=15)
ATTEMPTS_REMEMBERED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Found:
    """A credential whose token was shown, and how long it is valid from now on (None: for ever)."""

    credential: Credential
    lifetime: timedelta | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new credential is to be."""

    kind: Kind
    scopes: frozenset[Scope]
    label: str = ""
    lifetime: timedelta | None = None


class AccountStore:
    """Who may use this deployment. Synchronous, as the store of predictions is."""

    def __init__(self, client: redis.Redis) -> None:
        """Connects to nothing yet."""
        self._client = client
        self._scripts = {name: load_script(client, __package__, name) for name in SCRIPTS}

    def add_user(
        self,
        name: str,
        role: Role,
        password_hash: str | None,
        *,
        demo: bool = False,
        first: bool = False,
    ) -> User | None:
        """A new user; None where the name is taken.

        Args:
            name: Of a user who is not there yet.
            role: Of the user.
            password_hash: None for one who cannot sign in, but use keys.
            demo: It is the demo account.
            first: Only if there are no users yet.
        """
        fields = self._call(
            "add_user", secrets.token_hex(8), name, role, password_hash or "", "1" if demo else "",
            "1" if first else "",
        )  # fmt: skip
        return _user(pairs(fields)) if fields else None

    def user(self, name: str) -> User | None:
        """The user of a name."""
        fields = self._user_fields(name)
        return _user(fields) if fields else None

    def users(self) -> list[User]:
        """All users, by name."""
        with state_errors():
            names = cast("dict[str, str]", self._client.hgetall("inferq:user-ids"))
        return [user for name in sorted(names) if (user := self.user(name))]

    def password_hash(self, name: str) -> tuple[User | None, str | None]:
        """The user of a name, and the hash of the password, if there is one."""
        fields = self._user_fields(name)
        return (_user(fields), fields["password"] or None) if fields else (None, None)

    def set_password(self, user_id: str, password_hash: str) -> bool:
        """Gives a user another password and ends sessions and access tokens; False where there is no such user."""
        return bool(self._call("change_user", user_id, "password", password_hash))

    def set_disabled(self, user_id: str, *, disabled: bool) -> bool:
        """Shuts a user out, at once, or lets one in again; False where there is no such user."""
        return bool(self._call("change_user", user_id, "disabled", "1" if disabled else ""))

    def remove_user(self, user_id: str) -> bool:
        """Removes a user and all credentials; False where there is no such user."""
        return bool(self._call("remove_user", user_id))

    def issue(self, user: User, wish: Wish) -> tuple[Token, Credential] | None:
        """A new credential and its token, which nothing but this answer tells; None for a user who may have none."""
        token = Token.new(wish.kind)
        fields = self._call(
            "issue", token.credential_id, user.user_id, token.digest, wish.kind,
            " ".join(sorted(wish.scopes)), wish.label,
            "" if wish.lifetime is None else microseconds(wish.lifetime),
        )  # fmt: skip
        return (token, _credential(pairs(fields), user)) if fields else None

    def look_up(self, token: Token) -> Found | None:
        """What a token stands for; None where it is wrong, expired or revoked, or its user disabled or gone."""
        answer = self._call("look_up", token.credential_id)
        if not answer:
            return None
        fields = pairs(answer[0])
        if not token.fits(fields["digest"]):
            return None
        now, expires, used = int(answer[2]), fields["expires"], fields["used"]
        if expires and int(expires) <= now:
            return None
        if not used or now - int(used) >= microseconds(USE_NOTED):
            self._call("touch", token.credential_id, microseconds(USE_NOTED))
        left = timedelta(microseconds=int(expires) - now) if expires else None
        return Found(_credential(fields, _user(pairs(answer[1]))), left)

    def is_valid(self, credential: Credential) -> bool:
        """Whether a credential that was looked up before is not revoked since, nor its user disabled or gone."""
        return bool(self._call("look_up", credential.credential_id))

    def credentials(self, user_id: str, kinds: Collection[Kind]) -> list[Credential]:
        """A user's credentials of some kinds, oldest first."""
        with state_errors():
            index = f"inferq:credentials:{user_id}"
            ids = cast("list[str]", self._client.zrange(index, 0, -1))
            pipe = self._client.pipeline(transaction=False)
            pipe.hgetall(f"inferq:user:{user_id}")
            for credential_id in ids:
                pipe.hgetall(f"inferq:credential:{credential_id}")
            fields, *rows = cast("list[dict[str, str]]", pipe.execute())
        if not fields:
            return []
        user = _user(fields)
        found = [_credential(row, user) for row in rows if row]
        return [credential for credential in found if credential.kind in kinds]

    def revoke(self, user_id: str, credential_id: str) -> bool:
        """Ends a credential of a user; False where the user has no such credential."""
        return bool(self._call("revoke", user_id, credential_id))

    def revoke_all(self, user_id: str, kinds: Collection[Kind]) -> int:
        """Ends a user's credentials of some kinds; returns how many there were."""
        return int(self._call("revoke_all", user_id, *kinds))

    def attempt(self, what: str) -> float:
        """Counts an attempt to sign in; returns the seconds that have to pass first, 0 where it may go on.

        The first few are free; from then on each waits twice as long as the one before, up to `LONGEST_WAIT`.
        """
        wait = self._call(
            "attempt", what, FREE_ATTEMPTS, microseconds(LONGEST_WAIT),
            microseconds(ATTEMPTS_REMEMBERED),
        )  # fmt: skip
        return int(wait) / 1e6

    def forget_attempts(self, what: str) -> None:
        """Begins counting anew: one succeeded."""
        with state_errors():
            self._client.delete(f"inferq:attempts:{what}")

    def _user_fields(self, name: str) -> dict[str, str]:
        with state_errors():
            user_id = cast("str | None", self._client.hget("inferq:user-ids", name))
            return cast("dict[str, str]", self._client.hgetall(f"inferq:user:{user_id}"))

    def _call(self, script: str, *args: Any) -> Any:
        with state_errors():
            return self._scripts[script](args=args)


def _user(fields: Mapping[str, str]) -> User:
    created = moment(fields, "created")
    assert created is not None, "add_user writes it"  # noqa: S101 - narrows the type
    return User(
        user_id=fields["id"],
        name=fields["name"],
        role=Role(fields["role"]),
        created_at=created,
        disabled=bool(fields["disabled"]),
        demo=bool(fields["demo"]),
    )


def _credential(fields: Mapping[str, str], user: User) -> Credential:
    created = moment(fields, "created")
    assert created is not None, "issue writes it"  # noqa: S101 - narrows the type
    return Credential(
        credential_id=fields["id"],
        kind=Kind(fields["kind"]),
        user=user,
        scopes=frozenset(map(Scope, fields["scopes"].split())),
        label=fields["label"],
        created_at=created,
        expires_at=moment(fields, "expires"),
        last_used_at=moment(fields, "used"),
    )
