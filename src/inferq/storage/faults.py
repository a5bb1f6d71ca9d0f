"""What an error of a storage means, in plain words: the libraries behind fsspec have a tree of errors each."""

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

TOLD_FULL = re.compile(
    r"XMinioStorageFull|QuotaExceeded|InsufficientStorage|OutOfSpace|\b507\b"
    r"|could only be (?:written|replicated) to 0",
    re.IGNORECASE,
)
MOST_LINKS = 50

Kind = Literal["away", "wrong", "full"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a storage did not do what it was asked for.

    Attributes:
        text: What is the matter, and what to do about it; without names of keys or buckets of its own.
        kind: Whether it may pass, or someone has to change the settings or the storage, or make room.
    """

    text: str
    kind: Kind = "away"


TOLD: dict[str, Fault] = {
    "NoSuchBucket": Fault("there is no such bucket; make it, or name another", "wrong"),
    "InvalidBucketName": Fault("no bucket can have this name", "wrong"),
    "InvalidAccessKeyId": Fault("the server does not know the access key", "wrong"),
    "SignatureDoesNotMatch": Fault("the secret does not belong to the access key", "wrong"),
    "InvalidToken": Fault("the session token is not valid", "wrong"),
    "ExpiredToken": Fault("the session token is no longer valid", "wrong"),
    "RequestTimeTooSkewed": Fault("the clocks of this machine and of the server differ", "wrong"),
    "AccessDenied": Fault("the key may not read, write, list and delete here", "wrong"),
    "403": Fault("the key may not read, write, list and delete here", "wrong"),
    "PermanentRedirect": Fault(
        "the bucket lies in another region, or at another endpoint", "wrong"
    ),
    "AuthorizationHeaderMalformed": Fault("the region is not the bucket's", "wrong"),
    "NoCredentialsError": Fault(
        "there is no key; set INFERQ_STORAGE_KEY and INFERQ_STORAGE_SECRET, or AWS_ACCESS_KEY_ID and"
        " AWS_SECRET_ACCESS_KEY",
        "wrong",
    ),
    "PartialCredentialsError": Fault("of key and secret one is missing", "wrong"),
    "ContainerNotFound": Fault("there is no such container; make it, or name another", "wrong"),
    "AuthenticationFailed": Fault("the key is not the account's", "wrong"),
}
"""By what S3 and Azure call an error, or the name of a class of theirs."""


FULL = Fault("it is full", "full")
BY_NUMBER: dict[int | None, Fault] = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: Fault("it is mounted read-only", "wrong"),
    errno.ENOTDIR: Fault("a part of its path is a file and not a folder"),
}
BY_CLASS: tuple[tuple[type[BaseException], Fault], ...] = (
    (socket.gaierror, Fault("there is no such host, or its name cannot be looked up now")),
    (ssl.SSLError, Fault("the certificate of its server is not to be trusted", "wrong")),
    (ConnectionRefusedError, Fault("nothing listens at its port, or it is starting")),
    (TimeoutError, Fault("it does not answer in time")),
    (PermissionError, Fault("this user may not write there", "wrong")),
)


def explain(error: BaseException) -> Fault:
    """What is the matter, as far as an error or one that it came from says."""
    errors = list(_behind(error))
    for each in errors:
        for name in _names(each):
            if name in TOLD:
                return TOLD[name]
    return (
        next((fault for each in errors if (fault := _of_system(each))), None)
        or (FULL if any(TOLD_FULL.search(str(each)) for each in errors) else None)
        or Fault(f"{type(error).__name__}: {error}")
    )


def names_no_place(error: BaseException) -> bool:
    """Whether what is missing is not a file, but the place for all of them."""
    missing = {"NoSuchBucket", "ContainerNotFound"}
    return any(missing.intersection(_names(each)) for each in _behind(error))


def _of_system(error: BaseException) -> Fault | None:
    """What an error of the operating system, or of the way to a server, means."""
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and number in BY_NUMBER:
        return BY_NUMBER[number]
    for kind, fault in BY_CLASS:
        if isinstance(error, kind):
            return fault
    return None


def _names(error: BaseException) -> Iterator[str]:
    yield type(error).__name__
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        yield str(response.get("Error", {}).get("Code", ""))
    code = getattr(error, "error_code", None)
    if code is not None:
        yield str(getattr(code, "value", code))


def _behind(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, by all the ways in which libraries keep that."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < MOST_LINKS:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, *each.args]
        waiting += [
            getattr(each, name, None) for name in ("reason", "os_error", "error", "inner_exception")
        ]
        kwargs = getattr(each, "kwargs", None)
        if isinstance(kwargs, dict):
            waiting.append(kwargs.get("error"))
