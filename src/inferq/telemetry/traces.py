"""Which trace a step belongs to, and its span, where spans are recorded (`INFERQ_OTLP_URL`).

A trace context is the text of a `traceparent` header (W3C), from the request over record and message to the webhook. Where
no spans are recorded it is handed on as it came, and `span` does nothing.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Literal, Protocol

import structlog

from inferq.errors import SetupError
from inferq.settings import Settings

TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
TRACE_ID = slice(3, 35)

Kind = Literal["internal", "server", "producer", "consumer", "client"]
Attributes = Mapping[str, str | int | float | bool]


class Span:
    """A step that is not recorded."""

    traceparent = ""
    """Of the step, for whatever follows from it; empty where it is not recorded."""

    def rename(self, name: str) -> None:
        """Gives it a name that was not known when it began."""

    def set(self, attributes: Attributes) -> None:
        """Says more of it."""

    def fail(self, reason: str) -> None:
        """Marks it as failed."""


class Recorder(Protocol):
    """What records spans."""

    def span(
        self, name: str, *, parent: str, kind: Kind, links: Sequence[str], attributes: Attributes
    ) -> AbstractContextManager[Span]:
        """A span that lasts as long as the context; see `span`."""

    def past(self, name: str, *, began: float, ended: float, links: Sequence[str] = ()) -> None:
        """A span of the current one that is over; see `past_span`."""

    def stop(self) -> None:
        """Sends what is not sent yet."""


_current: ContextVar[str] = ContextVar("traceparent", default="")
_recorder: Recorder | None = None
_UNRECORDED = nullcontext(Span())


def start_traces(settings: Settings, *, process: str) -> None:
    """Records spans from now on, where the settings name a collector.

    Raises:
        SetupError: The extra `otel` is not installed.
    """
    global _recorder  # noqa: PLW0603 - one a process, like the logger
    if settings.otlp_url is None:
        return
    try:
        from inferq.telemetry.spans import OtlpRecorder  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SetupError(
            "INFERQ_OTLP_URL is set, but OpenTelemetry is not installed: pip install 'inferq[otel]'."
        ) from error
    _recorder = OtlpRecorder(settings.otlp_url, process=process)


def stop_traces() -> None:
    """Sends the spans that are not sent yet, for a few seconds at most; records no more."""
    global _recorder  # noqa: PLW0603
    if _recorder is not None:
        _recorder.stop()
        _recorder = None


def read_traceparent(header: str | None) -> str:
    """A caller's trace context, or that of a new trace where there is none, or none that is valid."""
    if header is not None and TRACEPARENT.fullmatch(header):
        return header
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{'01' if _recorder else '00'}"


def trace_id_of(traceparent: str) -> str | None:
    """The trace id of a trace context; None of an empty one."""
    return traceparent[TRACE_ID] or None


def current_traceparent() -> str:
    """The trace context of this step, to be handed on with what follows from it; empty where there is none."""
    return _current.get()


@contextmanager
def following(traceparent: str, **fields: str) -> Iterator[None]:
    """Whatever happens within belongs to a trace; log lines say so, and what else `fields` hold."""
    token = _current.set(traceparent)
    bound = structlog.contextvars.bind_contextvars(trace_id=trace_id_of(traceparent), **fields)
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**bound)
        _current.reset(token)


def span(
    name: str,
    *,
    parent: str | None = None,
    kind: Kind = "internal",
    links: Sequence[str] = (),
    attributes: Attributes | None = None,
) -> AbstractContextManager[Span]:
    """A span that lasts as long as the context; nothing where spans are not recorded.

    Args:
        name: What is done, of few different names.
        parent: Trace context that it follows from; by default the current step's.
        kind: Its part in a call between processes.
        links: Trace contexts of others that it has to do with.
        attributes: What more there is to say.
    """
    if _recorder is None:
        return _UNRECORDED
    parent = _current.get() if parent is None else parent
    return _recorder.span(name, parent=parent, kind=kind, links=links, attributes=attributes or {})


def past_span(name: str, *, began: float, ended: float, links: Sequence[str] = ()) -> None:
    """Records what is over by now.

    Args:
        name: What was done.
        began: When, in seconds of `time.perf_counter`.
        ended: When it was done.
        links: Trace contexts of others that it has to do with.
    """
    if _recorder is not None:
        _recorder.past(name, began=began, ended=ended, links=links)
