"""Fetches what maintainers take from npm: an archive by its exact version, checked against its pinned digest."""

import base64
import hashlib
import subprocess
from pathlib import Path


def fetch_package(package: str, integrity: str, folder: Path) -> Path:
    """Downloads an npm package (`name@version`) into a folder; returns the archive's path.

    Raises:
        SystemExit: It is another file than was pinned.
    """
    command = ["npm", "pack", package, "--silent", "--pack-destination", str(folder)]
    name = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    archive = folder / name.stdout.strip().splitlines()[-1]
    check_integrity(archive, package, integrity)
    return archive


def check_integrity(archive: Path, package: str, integrity: str) -> None:
    """Compares an archive with the pinned digest.

    Raises:
        SystemExit: It is another file.
    """
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != integrity:
        raise SystemExit(f"{archive} is not {package}: its digest differs.")
