"""Logs: structlog, one event name and its fields a line, without secrets and without anybody's bytes."""

import json
import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog

from inferq.settings import Settings

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
CHATTY = ("celery", "kombu", "amqp", "httpx2", "opentelemetry", "PIL", "urllib3")
SECRETS = (
    # Our own credentials by their forms; then the passwords of URLs, which libraries put into their errors. Each stands
    # behind what a line must contain: to look for that takes a twentieth of the time.
    (("iq_", "is_", "ia_"), re.compile(r"\b(iq_|is_|ia_)[0-9a-f]{24}[A-Za-z0-9_-]{43}"), r"\1…"),
    (("whsec_",), re.compile(r"\bwhsec_[A-Za-z0-9+/]{20,}={0,2}"), "whsec_…"),
    # Bytes in the message of somebody's exception.
    (("b'",), re.compile(r"\bb'(?:[^'\\]|\\.){24,}'"), "b'…'"),
    (("://",), re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*):[^\s/@\"']+@"), r"\1:…@"),
)


def configure_logging(settings: Settings, *, process: str | None = None) -> None:
    """Sends all logs, our own and those of libraries, to standard error in one format.

    Args:
        settings: Which format, and from which level on.
        process: What each line says of where it comes from, beside the process id; by default neither is there.
    """
    console = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([_Origin(process)] if process else []),
        _without_bytes,
    ]
    last: list[structlog.typing.Processor] = [
        *(
            [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
            if console
            else [structlog.processors.format_exc_info, _as_json]
        ),
        _without_secrets,
    ]
    lines = _Lines(sys.stderr)
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.log_level]),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(LEVELS[settings.log_level])
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(LEVELS["warning"], LEVELS[settings.log_level]))


class _Lines:
    """Writes lines, each at once. A log that cannot be written stops nobody's work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def info(self, line: str) -> None:
        try:
            self._stream.write(f"{line}\n")
            self._stream.flush()
        except (OSError, ValueError):  # full, or closed
            pass

    debug = warning = error = critical = info


def _as_json(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # what JSON proper cannot hold: half a surrogate pair, a very large number
        return json.dumps(event, default=repr, separators=(",", ":"))


def _without_secrets(_: object, __: str, rendered: Any) -> str:
    """Masks what must not be told, wherever in a line it stands: in a field, a message, a traceback."""
    line = str(rendered)
    for signs, form, mask in SECRETS:
        if any(sign in line for sign in signs):
            line = form.sub(mask, line)
    return line


class _Origin:
    """Says which process a line comes from."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(
        self, _: object, __: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["process"] = self._process
        event["pid"] = os.getpid()
        return event


def _without_bytes(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Puts the size of what somebody sent in its place."""
    for name, value in event.items():
        if isinstance(value, bytes | bytearray | memoryview):
            event[name] = f"<{len(value)} bytes>"
    return event
