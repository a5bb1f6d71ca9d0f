"""What is to be known of each protocol: a row a protocol. Any other that fsspec knows works with its own defaults."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import fsspec

from inferq.errors import SetupError

CONNECT_SECONDS = 2.0
CONNECTIONS = 64
TRIES = 2
LOCAL = "file"


@dataclass(frozen=True, slots=True)
class Access:
    """What leads to a storage beside its URL.

    Attributes:
        endpoint: URL of the server, where the protocol has many that speak it.
        key: Name of the account, or public half of the credential.
        secret: What belongs to it.
        options: For fsspec's file system, as they are; they count more than all others.
        timeout: Seconds that one call may take.
        fsync: Whether files are on the disk before they count as written (`file://`).
    """

    endpoint: str | None = None
    key: str | None = None
    secret: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 10.0
    fsync: bool = False

    @property
    def read_timeout(self) -> float:
        """Seconds within which a server has to send something: there is time to try once more."""
        return self.timeout / 2


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way to reach files.

    Attributes:
        extra: Of inferq, that brings the package.
        package: That fsspec needs beside itself.
        module: Where the file system is, if not where fsspec has it: `module:class`.
        renames: Whether what is being written could be read: then it is written under another name.
        names: What this file system calls `endpoint`, `key` and `secret`.
        options: Further options of it.
    """

    extra: str | None = None
    package: str | None = None
    module: str | None = None
    renames: bool = True
    names: Mapping[str, str] = field(default_factory=dict)
    options: Callable[[Access], dict[str, Any]] = lambda _: {}


def _s3(access: Access) -> dict[str, Any]:
    config: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": access.read_timeout,
        "retries": {"mode": "standard", "total_max_attempts": TRIES},
        "max_pool_connections": CONNECTIONS,
    }
    if access.endpoint:
        # Servers that are not Amazon's may not know the checksums that newer clients add; ours is in the record.
        config |= {
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
    # With several requests at once for one file, it would be asked for its size before each.
    return {"config_kwargs": config, "max_concurrency": 1}


_GOOGLE = Protocol(
    "gs",
    "gcsfs",
    module="gcsfs.core:GCSFileSystem",  # the other one asks first, by gRPC, what kind of bucket it is
    renames=False,
    names={"endpoint": "endpoint_url", "secret": "token"},
)
_AZURE = Protocol(
    "az",
    "adlfs",
    renames=False,
    names={"endpoint": "account_host", "key": "account_name", "secret": "account_key"},
    options=lambda access: {
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": access.read_timeout,
    },
)
PROTOCOLS: dict[str, Protocol] = {
    LOCAL: Protocol(
        module="inferq.storage.local:LocalFiles", options=lambda access: {"fsync": access.fsync}
    ),
    "s3": Protocol(
        "s3",
        "s3fs",
        module="inferq.storage.s3:S3Files",
        renames=False,
        names={"endpoint": "endpoint_url", "key": "key", "secret": "secret"},
        options=_s3,
    ),
    "hdfs": Protocol("hdfs", "pyarrow", module="inferq.storage.hdfs:Hdfs", names={"key": "user"}),
    "webhdfs": Protocol(
        "webhdfs",
        "requests",
        module="inferq.storage.webhdfs:WebHdfs",
        names={"key": "user", "secret": "password"},
        options=lambda access: {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": access.read_timeout,
        },
    ),
    "gs": _GOOGLE,
    "gcs": _GOOGLE,
    "az": _AZURE,
    "abfs": _AZURE,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where files lie, before anything is opened."""

    url: str
    scheme: str
    protocol: Protocol
    access: Access

    @classmethod
    def of(cls, url: str, access: Access) -> "Place":
        """Finds out what is needed.

        Raises:
            SetupError: There is no such protocol, it needs a package that is not installed, or something is set that it
                does not know.
        """
        scheme = url.partition(":")[0] if "://" in url or url.startswith("file:") else LOCAL
        protocol = PROTOCOLS.get(scheme, Protocol())
        if scheme not in PROTOCOLS and scheme not in fsspec.available_protocols():
            raise SetupError(
                f"INFERQ_STORAGE_URL: there is no protocol {scheme}://; known are {_known()}."
            )
        if protocol.package and find_spec(protocol.package) is None:
            raise SetupError(
                f"INFERQ_STORAGE_URL: {scheme}:// needs the package {protocol.package}."
                f" Install it with: pip install 'inferq[{protocol.extra}]'"
            )
        for name in ("endpoint", "key", "secret"):
            if getattr(access, name) is not None and name not in protocol.names:
                raise SetupError(
                    f"INFERQ_STORAGE_{name.upper()} means nothing to {scheme}://; unset it."
                    " What only fsspec's file system knows is given by INFERQ_STORAGE_OPTIONS."
                )
        return cls(url, scheme, protocol, access)

    @property
    def shown(self) -> str:
        """The URL without a password."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def open(self) -> "tuple[fsspec.AbstractFileSystem, str]":
        """The file system and the path in it; some connect here.

        Raises:
            SetupError: The package is not complete.
            Exception: Whatever the file system raises.
        """
        access = self.access
        given = {
            option: getattr(access, name)
            for name, option in self.protocol.names.items()
            if getattr(access, name) is not None
        }
        try:
            system = self._system()
            options = {
                **system._get_kwargs_from_urls(self.url),  # noqa: SLF001 - how fsspec itself opens a URL
                **self.protocol.options(access),
                **given,
                **access.options,
                # What other nodes write is seen at once, and nobody else's options are ours.
                "use_listings_cache": False,
                "skip_instance_cache": True,
            }
            root = system._strip_protocol(self.url)  # noqa: SLF001 - as above
            return system(**options), str(root).rstrip("/")
        except ImportError as error:
            raise SetupError(
                f"INFERQ_STORAGE_URL: {self.scheme}:// cannot be used here: {error}."
            ) from error

    def _system(self) -> Any:
        if self.protocol.module is None:
            return fsspec.get_filesystem_class(self.scheme)
        module, _, name = self.protocol.module.partition(":")
        return getattr(import_module(module), name)


def _known() -> str:
    return ", ".join(f"{scheme}://" for scheme in PROTOCOLS)
