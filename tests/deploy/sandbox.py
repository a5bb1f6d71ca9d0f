"""What a container engine does, as far as tests need it: a root of layers, namespaces, a user, mounts, a network.

The machine's own /usr and /etc stand in for what base images hold; nothing else of the machine is seen inside.
Needs root on Linux.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = ("unshare", "mount", "chroot", "ip", "setpriv", "nsenter")
LINKS = ("bin", "sbin", "lib", "lib64", "lib32")
REGISTRIES = ("PIP_", "UV_", "npm_config_", "NPM_CONFIG_")
"""What a build may know of the machine: how registries are reached."""
SETUP = """
mount -t tmpfs -o mode=0755 none "$WORK"
mkdir "$WORK/root"
mount -t overlay overlay -o "$OVERLAY" "$WORK/root"
cd "$WORK/root"
mount --rbind /usr usr
mount -o remount,bind,ro usr
mount --rbind /dev dev
mount -t proc proc proc
"""
ENTER = """
hostname "$NAME"
exec chroot . /usr/bin/setpriv --reuid "$UID_" --regid "$GID_" --clear-groups $RIGHTS \\
  /usr/bin/setpriv --pdeathsig KILL /usr/bin/env -i --chdir="$FOLDER" "$@"
"""
"""Who gets another user loses what tells of the parent's death, so that this is asked for once more."""
NO_RIGHTS = "--no-new-privs --bounding-set=-all --inh-caps=-all"


def available() -> bool:
    """Whether this machine lets us make namespaces and overlays."""
    if os.name != "posix" or os.geteuid() != 0 or not all(map(shutil.which, TOOLS)):
        return False
    probe = [
        "unshare",
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "mount",
        "-t",
        "tmpfs",
        "none",
        "/mnt",
    ]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def make_base(folder: Path) -> Path:
    """The lowest layer: the folders of a Debian, its /etc, and `python`, which Debian calls python3 alone."""
    base = folder / "base"
    for name in ("dev", "proc", "sys", "usr", "run", "opt", "root", "var/tmp", "tmp", "home"):
        (base / name).mkdir(parents=True)
    for name in ("tmp", "var/tmp"):
        (base / name).chmod(0o1777)
    for name in LINKS:
        if Path("/", name).is_symlink():
            (base / name).symlink_to(Path("/", name).readlink())
    shutil.copytree("/etc", base / "etc", symlinks=True, ignore_dangling_symlinks=True)
    for name in (".npmrc", ".config/pip"):
        source = Path.home() / name
        if source.is_file():
            shutil.copy(source, base / "root" / name)
        elif source.is_dir():
            shutil.copytree(source, base / "root" / name)
    return base


@dataclass
class Sandbox:
    """How a command runs inside."""

    layers: Sequence[Path]
    """Lowest first."""
    folder: Path
    """For what the sandbox itself needs; on a file system of the machine's own."""
    upper: Path | None = None
    """Where it writes; without one its root is read-only."""
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "0:0"
    workdir: str = "/"
    binds: Mapping[str, Path] = field(default_factory=dict)
    read_only_binds: Mapping[str, Path] = field(default_factory=dict)
    tmpfs: Sequence[str] = ()
    name: str = "sandbox"
    network: str | None = None
    """A network namespace (`ip netns`); without one, the machine's own network."""

    def command(self, command: Sequence[str]) -> list[str]:
        """What runs a command inside; ended by SIGKILL, it takes all its processes along."""
        network = ["ip", "netns", "exec", self.network] if self.network else []
        work = self.folder / "mnt"
        work.mkdir(parents=True, exist_ok=True)
        uid, gid = self.user.split(":")
        variables = {
            "WORK": str(work),
            "OVERLAY": self._overlay(),
            "NAME": self.name,
            "UID_": uid,
            "GID_": gid,
            "RIGHTS": "" if uid == "0" else NO_RIGHTS,
            "FOLDER": self.workdir,
            "PATH": os.environ["PATH"],
        }
        return [
            "env", "-i", *(f"{name}={value}" for name, value in variables.items()), *network,
            "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--propagation", "private",
            "sh", "-euc", SETUP + self._mounts() + ENTER, "sh",
            *(f"{name}={value}" for name, value in self.environment.items()), *command,
        ]  # fmt: skip

    def run(
        self, command: Sequence[str], *, seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            self.command(command), capture_output=True, text=True, timeout=seconds, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def _overlay(self) -> str:
        points = self._mount_points()
        lower = ":".join(str(layer) for layer in (points, *reversed(self.layers)))
        if self.upper is None:
            return f"lowerdir={lower}"
        work = self.folder / "work"
        for folder in (work, self.upper):
            folder.mkdir(parents=True, exist_ok=True)
        return f"lowerdir={lower},upperdir={self.upper},workdir={work}"

    def _mount_points(self) -> Path:
        """A layer with what mounts are put over: a read-only root takes no new ones."""
        layer = self.folder / "points"
        layer.mkdir(parents=True, exist_ok=True)
        for target in self.tmpfs:
            (layer / target.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for target, source in {**self.binds, **self.read_only_binds}.items():
            point = layer / target.lstrip("/")
            if source.is_dir():
                point.mkdir(parents=True, exist_ok=True)
            else:
                point.parent.mkdir(parents=True, exist_ok=True)
                point.touch()
        return layer

    def _mounts(self) -> str:
        lines = [f"mount -t tmpfs -o mode=1777 none .{target}" for target in self.tmpfs]
        lines += [f"mount --bind '{source}' .{target}" for target, source in self.binds.items()]
        for target, source in self.read_only_binds.items():
            lines += [f"mount --bind '{source}' .{target}", f"mount -o remount,bind,ro .{target}"]
        return "".join(f"{line}\n" for line in lines)


def registries() -> dict[str, str]:
    """The variables by which this machine's registries are reached."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(REGISTRIES) or name.lower().endswith("_proxy") or "CERT" in name
    }
