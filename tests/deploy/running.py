"""Images that were built, and the system of them that is up."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx

from deploy.compose_file import ROOT
from deploy.dockerfile import Builder, Image
from deploy.engine import Engine, stand_ins
from deploy.sandbox import make_base

SESSION = "/api/v1/auth/session"
ORIGIN = {"Host": "localhost"}
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
ROOM_BYTES = 4 * 2**30


@contextmanager
def built_images() -> Iterator[dict[str, Image]]:
    """What the Dockerfile's targets come to, by following its steps in an empty root; and what stands for other images."""
    # A gigabyte in many small files: in memory, where there is room for them.
    memory = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix="inferq-i-", dir=SHARED_MEMORY if memory else None))
    folder.chmod(0o755)
    try:
        base = make_base(folder)
        builder = Builder(ROOT / "deploy/docker/Dockerfile", ROOT, folder, base)
        yield {name: builder.build(name) for name in ("api", "worker")} | stand_ins(base, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Up:
    """The system, what its start printed, and a key of its first user."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.printed = engine.up()
        self.password = re.search(r"sign in as admin, password (\S+)", self.printed)[1]
        with self.client() as client:
            admin = {"username": "admin", "password": self.password}
            assert client.post(SESSION, json=admin).is_success
            made = client.post("/api/v1/auth/keys", json={"label": "tests"})
            assert made.is_success, made.text
            self.key = made.json()["key"]

    def client(self, **headers: str) -> httpx.Client:
        """A client at nginx's published port."""
        url = f"http://{self.engine.address('nginx')}:8080"
        return httpx.Client(base_url=url, headers=ORIGIN | headers, timeout=40)

    def signed_in(self) -> httpx.Client:
        """The same with the key."""
        return self.client(Authorization=f"Bearer {self.key}")
