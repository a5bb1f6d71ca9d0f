"""`inferq users` and `inferq keys`: who may use a deployment. They work on its state store, not through its API."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from inferq.accounts.account import (
    DEMO_NAME,
    LABEL_CHARACTERS,
    SCOPES_OF,
    Kind,
    Role,
    Scope,
    User,
    wrong_name,
    wrong_password,
)
from inferq.accounts.passwords import hash_password
from inferq.accounts.store import AccountStore, Wish
from inferq.cli.deployment import deployment_settings, state_of
from inferq.cli.serve import DataDirOption
from inferq.errors import SetupError
from inferq.local_server import LocalServer
from inferq.predictions.lists import Filter, PredictionLists
from inferq.predictions.store import PredictionStore
from inferq.settings import Settings
from inferq.webhooks.receivers import Refused, Rules

users = typer.Typer(no_args_is_help=True, help="Who may use this deployment.")
keys = typer.Typer(no_args_is_help=True, help="API keys of users.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
UserOption = Annotated[str, typer.Option("--user", help="Whose key.")]
PasswordOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def add_commands(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.add_typer(users, name="users")
    app.add_typer(keys, name="keys")


@users.command()
def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="An admin sees what belongs to others.")] = Role.USER,
    password_stdin: PasswordOption = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="One who cannot sign in, but use keys.")
    ] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Add a user; the password is asked for."""
    if wrong := wrong_name(name):
        raise SetupError(wrong)
    hashed = None if no_password else hash_password(_read_password(stdin=password_stdin))
    with _accounts(deployment_settings(data_dir)) as accounts:
        if accounts.add_user(name, role, hashed) is None:
            raise SetupError(f"There is a user {name!r} already.")
    typer.echo(f"{name} may use this deployment as {role}.")


@users.command("list")
def list_users(data_dir: DataDirOption = None) -> None:
    """List the users."""
    with _accounts(deployment_settings(data_dir)) as accounts:
        found = accounts.users()
    table = Table("name", "role", "state", "since", box=None)
    for user in found:
        state = "disabled" if user.disabled else "demo" if user.demo else "active"
        table.add_row(user.name, user.role, state, f"{user.created_at:%Y-%m-%d %H:%M}Z")
    Console().print(table)


@users.command()
def passwd(
    name: NameArgument, password_stdin: PasswordOption = False, data_dir: DataDirOption = None
) -> None:
    """Set a user's password; sessions and access tokens end, API keys stay."""
    with _accounts(deployment_settings(data_dir)) as accounts:
        user = _user(accounts, name)
        if user.demo:
            raise SetupError("The demo account's password is the tutorial's.")
        accounts.set_password(user.user_id, hash_password(_read_password(stdin=password_stdin)))
    typer.echo(f"{name} has a new password; API keys are valid as before (inferq keys list).")


@users.command()
def disable(name: NameArgument, data_dir: DataDirOption = None) -> None:
    """Shut a user out, at once: sessions end, keys are refused."""
    with _accounts(deployment_settings(data_dir)) as accounts:
        accounts.set_disabled(_user(accounts, name).user_id, disabled=True)
    typer.echo(f"{name} is shut out; inferq users enable {name} lets in again.")


@users.command()
def enable(name: NameArgument, data_dir: DataDirOption = None) -> None:
    """Let a user in again who was disabled; keys work again."""
    with _accounts(deployment_settings(data_dir)) as accounts:
        accounts.set_disabled(_user(accounts, name).user_id, disabled=False)
    typer.echo(f"{name} may sign in again.")


@users.command()
def remove(name: NameArgument, data_dir: DataDirOption = None) -> None:
    """Remove a user with all keys and all predictions; what runs is canceled."""
    with state_of(deployment_settings(data_dir)) as client:
        accounts, store = AccountStore(client), PredictionStore(client)
        user = _user(accounts, name)
        # Shut out first and removed last: broken off, it can be done again, and no end is told on behalf of nobody.
        accounts.set_disabled(user.user_id, disabled=True)
        records = PredictionLists(client).every(user.user_id, Filter())
        deleted = store.delete(*(record.task_id for record in records))
        accounts.remove_user(user.user_id)
    typer.echo(f"{name} is removed, with {deleted} predictions.")


@keys.command()
def create(
    user: UserOption,
    label: Annotated[str, typer.Option(help="What it is for, to know it again by.")] = "",
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it allows (repeat it); by default predict and read."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="How long it is valid; by default for ever.")
    ] = None,
    callback_url: Annotated[
        str | None,
        typer.Option(
            help="Where the ends of its predictions are told that name no callback_url; '' for nowhere."
        ),
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make an API key and print it; it is not shown again."""
    if len(label) > LABEL_CHARACTERS:
        raise SetupError(f"A label has at most {LABEL_CHARACTERS} characters.")
    scopes = frozenset(scope or SCOPES_OF[Role.USER])
    settings = deployment_settings(data_dir)
    receiver = _checked_receiver(settings, callback_url)
    with _accounts(settings) as accounts:
        owner = _user(accounts, user)
        if more := scopes - SCOPES_OF[owner.role]:
            raise SetupError(f"A key of {user!r} may not have the scope {min(more)!r}.")
        lifetime = timedelta(days=days) if days else None
        made = accounts.issue(owner, Wish(Kind.API_KEY, scopes, label, lifetime, receiver))
    if made is None:
        raise SetupError(f"The user {user!r} is disabled.")
    typer.echo(str(made[0]))


@keys.command("list")
def list_keys(user: UserOption, data_dir: DataDirOption = None) -> None:
    """List a user's API keys, without what they are used with."""
    with _accounts(deployment_settings(data_dir)) as accounts:
        found = accounts.credentials(_user(accounts, user).user_id, {Kind.API_KEY})
    table = Table("key id", "label", "scopes", "expires", "last used", "callback URL", box=None)
    for key in found:
        moments = (
            f"{at:%Y-%m-%d %H:%M}Z" if at else "-" for at in (key.expires_at, key.last_used_at)
        )
        receiver = {None: "-", "": "nowhere"}.get(key.callback_url, key.callback_url)
        scopes = " ".join(sorted(key.scopes))
        table.add_row(key.credential_id, key.label, scopes, *moments, receiver)
    Console().print(table)


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `inferq keys list` has it.")],
    user: UserOption,
    data_dir: DataDirOption = None,
) -> None:
    """Revoke an API key; it is refused at once."""
    with _accounts(deployment_settings(data_dir)) as accounts:
        if not accounts.revoke(_user(accounts, user).user_id, key_id):
            raise SetupError(f"{user!r} has no key {key_id!r}.")
    typer.echo("It is revoked.")


@keys.command()
def local(
    user: Annotated[str, typer.Option("--user", help="Whose key.")] = DEMO_NAME,
    data_dir: DataDirOption = None,
) -> None:
    """Make this machine's key anew: local.key in the data directory, and what `inferq predict` uses without settings."""
    from inferq.embedded.local_key import FILE, new_local_key  # noqa: PLC0415 - other commands need none of it

    settings = deployment_settings(data_dir)
    folder = settings.data_dir.absolute()
    with _accounts(settings) as accounts:
        key = new_local_key(accounts, folder, _user(accounts, user))
    url = LocalServer.read().url or f"http://{settings.host}:{settings.port}"
    LocalServer(url, key, str(folder)).write()
    typer.echo(str(folder / FILE))


def _checked_receiver(settings: Settings, url: str | None) -> str | None:
    try:
        return str(Rules.of(settings).read(url)) if url else url
    except Refused as error:
        raise SetupError(f"--callback-url {error}.") from error


@contextmanager
def _accounts(settings: Settings) -> Iterator[AccountStore]:
    with state_of(settings) as client:
        yield AccountStore(client)


def _user(accounts: AccountStore, name: str) -> User:
    user = accounts.user(name)
    if user is None:
        raise SetupError(f"There is no user {name!r}; `inferq users list` has them all.")
    return user


def _read_password(*, stdin: bool) -> str:
    if stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    if wrong := wrong_password(password):
        raise SetupError(wrong)
    return password
