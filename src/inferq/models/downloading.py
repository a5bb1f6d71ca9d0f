"""One file over HTTP whose size and checksum are known: resumed where it broke off, there whole or not at all."""

import re
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx2 as httpx

from inferq.errors import SetupError, WrongWeights
from inferq.models.card import weights_digest

PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Before each new try after one that brought nothing."""
TIMEOUT = httpx.Timeout(30, connect=10)
WORTH_RETRYING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Told = Callable[[int], None]
"""Is told how many bytes of the file are there."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to download, and what is known of it."""

    url: str
    sha256: str
    bytes: int


class _TryAgain(Exception):
    """This answer brought nothing; another may."""


def download(
    wanted: RemoteFile, target: Path, *, told: Told, pauses: Sequence[float] = PAUSES_SECONDS
) -> None:
    """Downloads a file; goes on from what `target` holds of it already.

    Beside `target` lies, while it is incomplete, a file of the same name and `.validator`: by it the server tells
    whether its file is still the one that was begun.

    Args:
        wanted: The file.
        target: Where it is written; its folder exists.
        told: Called as bytes arrive.
        pauses: Seconds before each new try; tries that bring something are not counted.

    Raises:
        WrongWeights: The server has another file; what came of it is deleted.
        SetupError: The server refuses, or nothing comes for as many tries as there are pauses.
        OSError: The file cannot be written; what was written stays.
    """
    _check_room(wanted, target)
    validator = target.with_name(f"{target.name}.validator")
    try:
        with httpx.Client(
            timeout=TIMEOUT, follow_redirects=True, headers={"Accept-Encoding": "identity"}
        ) as client:
            _download_all(_Transfer(client, wanted, target, validator, told), pauses)
        _check_digest(wanted, target)
    except WrongWeights:
        target.unlink(missing_ok=True)
        validator.unlink(missing_ok=True)
        raise
    validator.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Transfer:
    """One download under way; each `go_on` is one request for what is missing."""

    client: httpx.Client
    wanted: RemoteFile
    target: Path
    validator: Path
    told: Told

    def go_on(self) -> None:
        """Requests what is missing and writes it as it comes."""
        have = _size(self.target)
        with self.client.stream(
            "GET", self.wanted.url, headers=self._range(have) if have else {}
        ) as response:
            start = self._start(response, have)
            self._check_length(response, start)
            self._remember(response)
            with self.target.open("ab" if start else "wb") as file:
                self.told(start)
                for chunk in response.iter_raw():
                    start += len(chunk)
                    if start > self.wanted.bytes:
                        raise self._wrong(f"more than {start}")
                    file.write(chunk)
                    self.told(start)

    def _range(self, have: int) -> dict[str, str]:
        """Headers that ask for the rest, of the same file if the server let us tell."""
        url, _, tag = _text(self.validator).partition("\n")
        same = {"If-Range": tag} if tag and url == self.wanted.url else {}
        return {"Range": f"bytes={have}-"} | same

    def _start(self, response: httpx.Response, have: int) -> int:
        """Where in the file the body of an answer begins."""
        status = response.status_code
        if status == HTTPStatus.OK:
            return 0
        if status == HTTPStatus.PARTIAL_CONTENT:
            told = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if told and int(told[1]) == have:
                return have
        if status in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
            self.target.unlink(missing_ok=True)
            raise _TryAgain("it did not go on where the download broke off")
        answer = f"it answered {status} {response.reason_phrase}".rstrip()
        if status in WORTH_RETRYING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _TryAgain(answer)
        raise SetupError(f"{self.wanted.url} cannot be fetched: {answer}.")

    def _check_length(self, response: httpx.Response, start: int) -> None:
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and start + int(length) != self.wanted.bytes:
            raise self._wrong(str(start + int(length)))

    def _remember(self, response: httpx.Response) -> None:
        """Writes down what tells this version of the file from others (RFC 9110, 13.1.5)."""
        tag = response.headers.get("ETag", "")
        if not tag or tag.startswith("W/"):
            tag = response.headers.get("Last-Modified", "")
        self.validator.write_text(f"{self.wanted.url}\n{tag}", encoding="utf-8")

    def _wrong(self, length: str) -> WrongWeights:
        return WrongWeights(
            f"{self.wanted.url} is not the file of the catalogue: it has {length} bytes, the catalogue says"
            f" {self.wanted.bytes}. What was fetched of it was deleted."
        )


def _download_all(transfer: _Transfer, pauses: Sequence[float]) -> None:
    """Requests again and again until all is there."""
    failures = 0
    while (have := _size(transfer.target)) < transfer.wanted.bytes:
        try:
            transfer.go_on()
            reason = "the connection ended too early"
        except (_TryAgain, httpx.TransportError) as error:
            reason = str(error) or type(error).__name__
        except httpx.RequestError as error:
            raise SetupError(f"{transfer.wanted.url} cannot be fetched: {error}.") from error
        if _size(transfer.target) > have:
            failures = 0
            continue
        if failures == len(pauses):
            raise SetupError(
                f"{transfer.wanted.url} cannot be fetched: {reason} ({failures + 1} tries). What has come stays; the"
                " same command goes on from there. INFERQ_MODELS_MIRROR names another server."
            )
        time.sleep(pauses[failures])
        failures += 1


def _check_room(wanted: RemoteFile, target: Path) -> None:
    missing, free = wanted.bytes - _size(target), shutil.disk_usage(target.parent).free
    if missing > free:
        raise SetupError(
            f"{target.parent} has no room: {missing:,} bytes are to come, {free:,} are free. Make room, or name a folder"
            " on another disk with INFERQ_MODELS_DIR."
        )


def _check_digest(wanted: RemoteFile, target: Path) -> None:
    digest = weights_digest(target)
    if digest != wanted.sha256:
        raise WrongWeights(
            f"{wanted.url} is not the file of the catalogue: its SHA-256 is {digest}, the catalogue says"
            f" {wanted.sha256}. What was fetched of it was deleted."
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
