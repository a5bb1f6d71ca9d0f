"""HDFS over its REST interface (WebHDFS, HttpFS): fsspec's client, with what it leaves out.

That has no time-outs, takes the page of a failing data node for a file, takes no notice of a rename that was not done,
and writes by appending, which clusters may not allow.
"""

import errno
from typing import Any

import requests
from fsspec.implementations.webhdfs import WebHDFS
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.util.retry import Retry

from inferq.storage.hdfs import rename_over

RETRIES = 2
BACKOFF_SECONDS = 0.1
CONNECTIONS = 64
OCTETS = {"Content-Type": "application/octet-stream"}
OUT_OF_QUOTA = {"DSQuotaExceededException", "NSQuotaExceededException", "QuotaExceededException"}
REFUSED = {"AccessControlException", "SecurityException", "AuthorizationException"}


class WebHdfs(WebHDFS):  # type: ignore[misc]  # fsspec has no types
    """Files of an HDFS. Every error is an `OSError`."""

    def __init__(
        self, *arguments: Any, connect_timeout: float, read_timeout: float, **options: Any
    ) -> None:
        """Connects to nothing yet.

        Args:
            arguments: See `WebHDFS`.
            connect_timeout: Seconds until a connection has to stand.
            read_timeout: Seconds within which the next bytes have to come.
            options: See `WebHDFS`.
        """
        self._adapter = _Adapter((connect_timeout, read_timeout))
        super().__init__(*arguments, **options)

    @override
    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        """Creates a file in the two documented steps: the name node says where, the data node takes the bytes."""
        answer = self._call("CREATE", "put", path, redirect=False, overwrite="true")
        place = self._apply_proxy(answer.headers["Location"])
        self.session.put(place, data=value, headers=OCTETS)

    @override
    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> bytes:
        part: dict[str, int] = {} if start is None else {"offset": start}
        if end is not None:
            part["length"] = end - (start or 0)
        answer = self._call("OPEN", "get", path, redirect=False, **part)
        if "Location" in answer.headers:
            answer = self.session.get(self._apply_proxy(answer.headers["Location"]))
        content: bytes = answer.content
        return content

    @override
    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """By way of this process: HDFS cannot copy."""
        self.pipe_file(path2, self.cat_file(path1))

    @override
    def mv(self, path1: str, path2: str, **_: Any) -> None:
        rename_over(self, path1, path2)

    def renamed(self, path1: str, path2: str) -> bool:
        """See `Renaming`."""
        answer = self._call("RENAME", "put", path1, destination=path2)
        return bool(answer.json()["boolean"])

    def _connect(self) -> None:
        super()._connect()
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, self._adapter)
        self.session.hooks["response"].append(_raise_refusal)


class _Adapter(HTTPAdapter):
    """Every request has an end, and is tried again where that harms nothing."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        self._timeout = timeout
        retry = Retry(
            total=RETRIES,
            backoff_factor=BACKOFF_SECONDS,
            status_forcelist=(502, 503, 504),
            raise_on_status=False,
        )
        super().__init__(pool_maxsize=CONNECTIONS, max_retries=retry)

    @override
    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        return super().send(*arguments, **options | {"timeout": self._timeout})


def _raise_refusal(answer: requests.Response, *_: Any, **__: Any) -> None:
    """Raises what a refusal of a name node or data node means."""
    if answer.ok:
        return
    try:
        told = answer.json()["RemoteException"]
        name, message = str(told["exception"]), str(told["message"])
    except (ValueError, KeyError, TypeError):
        name, message = "", f"status {answer.status_code}"
    text = f"{name}: {message}" if name else message
    if name in OUT_OF_QUOTA:
        raise OSError(errno.EDQUOT, text)
    if name == "FileNotFoundException":
        raise FileNotFoundError(errno.ENOENT, text)
    if name in REFUSED or answer.status_code == requests.codes.unauthorized:
        raise PermissionError(errno.EACCES, text)
    raise OSError(errno.EIO, text)
