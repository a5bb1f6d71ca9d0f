"""Users of tests, each with a real key."""

from dataclasses import dataclass

from inferq.accounts.account import SCOPES_OF, Kind, Role, Scope, User
from inferq.accounts.store import AccountStore, Wish


@dataclass(frozen=True)
class Person:
    """A user without a password, and a key."""

    user: User
    key: str
    key_id: str

    @property
    def owner(self) -> str:
        """What belongs to this user bears it."""
        return self.user.user_id

    @property
    def headers(self) -> dict[str, str]:
        """What a request of this user carries."""
        return {"Authorization": f"Bearer {self.key}"}


def person(
    accounts: AccountStore,
    name: str = "ann",
    role: Role = Role.USER,
    scopes: frozenset[Scope] | None = None,
) -> Person:
    """A new user with a key of all scopes that the role may have, or of some."""
    user = accounts.user(name) or accounts.add_user(name, role, None)
    assert user is not None
    made = accounts.issue(user, Wish(Kind.API_KEY, scopes or SCOPES_OF[role]))
    assert made is not None
    return Person(user, str(made[0]), made[1].credential_id)
