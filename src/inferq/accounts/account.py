"""What a user and a credential are; pure, no I/O."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
LEAST_PASSWORD_CHARACTERS = 12
MOST_PASSWORD_CHARACTERS = 256
DEMO_NAME = "ml_user"
DEMO_PASSWORD = "CBSy3NaBMxLF"  # noqa: S105 - the tutorial's, known to everyone; see `safety.py`
LABEL_CHARACTERS = 64


class Role(StrEnum):
    """What a user is."""

    USER = "user"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a credential allows: make and end predictions, look, see and manage what belongs to others."""

    PREDICT = "predict"
    READ = "read"
    ADMIN = "admin"


class Kind(StrEnum):
    """What a credential is: a browser's cookie, a script's short-lived token, a key that was made on purpose."""

    SESSION = "session"
    ACCESS_TOKEN = "access_token"  # noqa: S105 - a name
    API_KEY = "api_key"


PREFIXES = {Kind.API_KEY: "iq_", Kind.SESSION: "is_", Kind.ACCESS_TOKEN: "ia_"}
SCOPES_OF = {
    Role.USER: frozenset({Scope.PREDICT, Scope.READ}),
    Role.ADMIN: frozenset(Scope),
}
"""The most that a role's credentials may allow."""


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    user_id: str
    """Never used again; what belongs to a user bears it, so that a later user of the same name gets nothing."""
    name: str
    role: Role
    created_at: datetime
    disabled: bool = False
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """Something that acts for a user; its secret is known to its holder alone."""

    credential_id: str
    kind: Kind
    user: User
    scopes: frozenset[Scope]
    label: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class Token(NamedTuple):
    """What a holder sends: which credential, and its secret."""

    kind: Kind
    credential_id: str
    secret: str

    def __str__(self) -> str:
        return f"{PREFIXES[self.kind]}{self.credential_id}{self.secret}"

    @classmethod
    def new(cls, kind: Kind) -> "Token":
        """A random one: 96 bits of name, 256 bits of secret."""
        return cls(kind, secrets.token_hex(12), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> "Token | None":
        """The token of a text; None where it cannot be one."""
        if (match := _TOKEN.fullmatch(text)) is None:
            return None
        return cls(_KINDS[match[1]], match[2], match[3])

    @property
    def digest(self) -> str:
        """What is stored of it."""
        return sha256(str(self).encode()).hexdigest()

    def fits(self, digest: str) -> bool:
        """Whether a stored digest is that of this token; takes the same time for any."""
        return compare_digest(self.digest, digest)


_KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}
_TOKEN = re.compile(r"(iq_|is_|ia_)([0-9a-f]{24})([A-Za-z0-9_-]{43})")


def wrong_name(name: str) -> str | None:
    """What is wrong with a new user's name."""
    if NAME.fullmatch(name) is None:
        return (
            "A user's name has 1 to 32 of a-z, 0-9, '.', '_' and '-',"
            " and begins with a letter or digit."
        )
    if name == DEMO_NAME:
        return f"{DEMO_NAME} is the demo account, which `inferq up` makes by itself."
    return None


def wrong_password(password: str) -> str | None:
    """What is wrong with a new password."""
    if not LEAST_PASSWORD_CHARACTERS <= len(password) <= MOST_PASSWORD_CHARACTERS:
        return (
            f"A password has {LEAST_PASSWORD_CHARACTERS} to {MOST_PASSWORD_CHARACTERS} characters."
        )
    if password == DEMO_PASSWORD:
        return "That password is in the tutorial: everyone knows it."
    return None
