"""The key of whoever sits at this machine: in the data directory, for that user alone to read."""

from pathlib import Path

from inferq.accounts.account import SCOPES_OF, Kind, Role, Token, User
from inferq.accounts.setup import ensure_demo
from inferq.accounts.store import AccountStore, Wish
from inferq.errors import SetupError
from inferq.local_server import write_private

FILE = "local.key"


def ensure_local_key(accounts: AccountStore, data_dir: Path) -> str:
    """The key of the demo account: the one that is there, if it is valid, or a new one.

    Raises:
        StateUnavailable: The state store does not answer.
    """
    path = data_dir / FILE
    kept = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    token = Token.parse(kept)
    if token and accounts.look_up(token):
        path.chmod(0o600)
        return kept
    return new_local_key(accounts, data_dir, ensure_demo(accounts))


def new_local_key(accounts: AccountStore, data_dir: Path, user: User) -> str:
    """A new key of a user in the place of the one that was there, which is revoked.

    Raises:
        SetupError: The user is disabled.
        StateUnavailable: The state store does not answer.
    """
    for earlier in accounts.credentials(user.user_id, {Kind.API_KEY}):
        if earlier.label == FILE:
            accounts.revoke(user.user_id, earlier.credential_id)
    wish = Wish(Kind.API_KEY, SCOPES_OF[Role.USER], label=FILE)
    made = accounts.issue(user, wish)
    if made is None:
        raise SetupError(f"The user {user.name!r} is disabled; inferq users enable {user.name}.")
    key = str(made[0])
    write_private(data_dir / FILE, key)
    return key
