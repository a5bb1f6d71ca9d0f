"""The accounts that a deployment begins with: its first admin, or on a machine of one's own the demo account."""

import secrets
import sys
import time

import structlog

from inferq.accounts.account import DEMO_NAME, DEMO_PASSWORD, Role, User
from inferq.accounts.passwords import hash_password
from inferq.accounts.store import AccountStore
from inferq.errors import StateUnavailable
from inferq.settings import Settings
from inferq.state import connect

FIRST_ADMIN = "admin"
PAUSE = 1.0

log = structlog.get_logger()


def make_accounts(settings: Settings, accounts: AccountStore) -> None:
    """The first admin, and the demo account where there is to be one; repeated, it changes nothing.

    On a machine of one's own there is no admin unless `INFERQ_ADMIN_PASSWORD` asks for one.

    Raises:
        StateUnavailable: The state store does not answer.
    """
    password = settings.admin_password.get_secret_value() if settings.admin_password else None
    if not settings.demo and remove_demo(accounts):
        log.warning("demo_account_removed")
    if password or not settings.demo:
        made_up = ensure_admin(accounts, password)
        if made_up:
            _tell(made_up)
    if settings.demo:
        ensure_demo(accounts)


def make_accounts_in_time(settings: Settings) -> None:
    """The same, tried again until the state store answers."""
    client = connect(settings.state_url())
    try:
        while True:
            try:
                make_accounts(settings, AccountStore(client))
            except StateUnavailable:
                time.sleep(PAUSE)
            else:
                return
    finally:
        client.close()


def ensure_demo(accounts: AccountStore) -> User:
    """The demo account, made where it is missing."""
    user = accounts.user(DEMO_NAME)
    if user is None:
        accounts.add_user(DEMO_NAME, Role.USER, hash_password(DEMO_PASSWORD), demo=True)
        user = accounts.user(DEMO_NAME)
    assert user is not None, "made here or by another process"  # noqa: S101 - narrows the type
    return user


def remove_demo(accounts: AccountStore) -> bool:
    """Removes the demo account with all its credentials; False where there was none."""
    user = accounts.user(DEMO_NAME)
    return user is not None and accounts.remove_user(user.user_id)


def ensure_admin(accounts: AccountStore, password: str | None) -> str | None:
    """Makes the first user, an admin, where there are none yet.

    Args:
        accounts: The store.
        password: Of the admin; made up where None.

    Returns:
        A password that was made up, which is to be told once; None where there is nothing to tell.
    """
    if accounts.users():
        return None
    chosen = password or secrets.token_urlsafe(18)
    made = accounts.add_user(FIRST_ADMIN, Role.ADMIN, hash_password(chosen), first=True)
    return chosen if made and not password else None


def _tell(password: str) -> None:
    """Says once what nothing else knows; not in the log, which is kept and handed round."""
    sys.stderr.write(
        f"\n  The first user is {FIRST_ADMIN!r}, with the password {password}\n"
        f"  It is not shown again; `inferq users passwd {FIRST_ADMIN}` sets another.\n\n"
    )
    sys.stderr.flush()
