"""Passwords as argon2id hashes: two computations at a time in a process, as each takes 64 MiB and both its cores."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

AT_ONCE = 2

_HASHER = PasswordHasher()
_turns = threading.BoundedSemaphore(AT_ONCE)
# What a password is compared with where there is no such user, so that the answer takes as long.
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5IGhhcyB0aGlzIQ"
    "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


def hash_password(password: str) -> str:
    """The hash that is stored; takes some 50 ms of a thread, never the event loop's."""
    with _turns:
        return _HASHER.hash(password)


def check_password(password: str, stored: str | None) -> bool:
    """Whether a password is the one that was hashed; takes as long where nothing was."""
    with _turns:
        try:
            _HASHER.verify(stored or _NOBODY, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        return bool(stored)
