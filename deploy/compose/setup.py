"""Makes what a deployment needs and does not have yet: passwords, in volumes that only their readers mount.

The service `setup` runs it before all others. `setup.py demo` (the service of the profile `demo`) lets the demo account in.
"""

import os
import secrets
import sys
from pathlib import Path

FOLDER = Path("/run/inferq")
USER = "inferq"
FOR_US, FOR_A_SERVER = 0o400, 0o444


def main() -> None:
    """Makes what is missing; says how to sign in where the first password is made."""
    if sys.argv[1:] == ["demo"]:
        write("app/demo", "proxied", FOR_US)
        return
    # The profile `demo` says so at each start anew.
    write("app/demo", "false", FOR_US)
    broker, state = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    if missing("app/broker_url", "rabbitmq/account.conf"):
        write(
            "rabbitmq/account.conf", f"default_user = {USER}\ndefault_pass = {broker}", FOR_A_SERVER
        )
        write("app/broker_url", f"amqp://{USER}:{broker}@rabbitmq:5672//", FOR_US)
    if missing("app/redis_url", "redis/password.conf", "redis/password"):
        write("redis/password.conf", f"requirepass {state}", FOR_A_SERVER)
        write("redis/password", state, FOR_A_SERVER)
        write("app/redis_url", f"redis://:{state}@redis:6379/0", FOR_US)
    if missing("app/admin_password"):
        password = secrets.token_urlsafe(18)
        write("app/admin_password", password, FOR_US)
        url = os.environ.get("INFERQ_PUBLIC_URL") or local_url(os.environ.get("HTTP_PORT", "80"))
        print(
            f"\n  open {url} and sign in as admin, password {password}\n  It is not shown again.\n",
            flush=True,
        )


def missing(*names: str) -> bool:
    """Whether any of these files is not there; then all of them are made anew."""
    return not all((FOLDER / name).exists() for name in names)


def write(name: str, text: str, mode: int) -> None:
    """Puts a file in place at once."""
    path = FOLDER / name
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text}\n")
    new.chmod(mode)
    new.replace(path)


def local_url(port: str) -> str:
    """Where this machine finds the server."""
    return "http://localhost" if port == "80" else f"http://localhost:{port}"


if __name__ == "__main__":
    main()
