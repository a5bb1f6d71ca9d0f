"""A storage of each protocol that has a server here, and the way to it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import s3fs

from inferq.storage import Access, Storage
from storage.servers import KEY, SECRET, Proxy, WebHdfsServer, s3_server

PROTOCOLS = ("file", "s3", "webhdfs")


@dataclass
class Site:
    """Where a storage lies; each one made of it is that of another node."""

    protocol: str
    url: str
    access: dict[str, Any] = field(default_factory=dict)
    proxy: Proxy | None = None
    hdfs: WebHdfsServer | None = None

    def node(self, **access: Any) -> Storage:
        """The storage as another process would open it."""
        return Storage(self.url, Access(**self.access | access))

    @property
    def settings(self) -> dict[str, str]:
        """What leads a process to it."""
        found = {"INFERQ_STORAGE_URL": self.url}
        found |= {
            f"INFERQ_STORAGE_{name.upper()}": str(value) for name, value in self.access.items()
        }
        return found


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """None of whoever runs the tests, nor any of the machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """An S3 server."""
    with s3_server() as url:
        yield url


def _file_site(request: pytest.FixtureRequest) -> Iterator[Site]:
    folder: Path = request.getfixturevalue("tmp_path") / "mount"
    yield Site("file", folder.as_uri())


def _s3_site(request: pytest.FixtureRequest) -> Iterator[Site]:
    url: str = request.getfixturevalue("s3_url")
    bucket = f"inferq-{token_hex(6)}"
    s3fs.S3FileSystem(key=KEY, secret=SECRET, endpoint_url=url, skip_instance_cache=True).mkdir(
        bucket
    )
    proxy = Proxy(int(url.rpartition(":")[2]))
    access = {"endpoint": f"http://127.0.0.1:{proxy.port}", "key": KEY, "secret": SECRET}
    yield Site("s3", f"s3://{bucket}/some/folder", access, proxy)
    proxy.shut()


def _webhdfs_site(_: pytest.FixtureRequest) -> Iterator[Site]:
    server = WebHdfsServer()
    proxy = Proxy(server.port)
    yield Site(
        "webhdfs", f"webhdfs://127.0.0.1:{proxy.port}/user/inferq", {"key": "inferq"}, proxy, server
    )
    proxy.shut()
    server.close()


SITES: dict[str, Callable[[pytest.FixtureRequest], Iterator[Site]]] = {
    "file": _file_site,
    "s3": _s3_site,
    "webhdfs": _webhdfs_site,
}


@pytest.fixture(params=PROTOCOLS)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A storage of each protocol."""
    yield from SITES[request.param](request)


@pytest.fixture(params=[name for name in PROTOCOLS if name != "file"])
def remote(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A storage of each protocol that has a server."""
    yield from SITES[request.param](request)


@pytest.fixture
def node(site: Site) -> Storage:
    """One node's storage."""
    return site.node()
