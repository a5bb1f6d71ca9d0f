"""Spans by OpenTelemetry, sent to a collector by OTLP over HTTP; the only importer of OpenTelemetry."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from inferq import __version__
from inferq.telemetry.traces import Attributes, Kind, Span, following

KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "client": SpanKind.CLIENT,
}
HEADER = "traceparent"
_TEXT = TraceContextTextMapPropagator()


class OtlpRecorder:
    """Sends spans from a thread of its own. Sampling, headers and more are the SDK's own settings (`OTEL_*`)."""

    def __init__(self, url: str, *, process: str) -> None:
        """Starts the thread.

        Args:
            url: Of the collector, without `/v1/traces`.
            process: What this process is: `api`, `worker`.
        """
        resource = Resource.create(
            {"service.name": f"inferq-{process}", "service.version": __version__}
        )
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("inferq", __version__)

    @contextmanager
    def span(
        self, name: str, *, parent: str, kind: Kind, links: Sequence[str], attributes: Attributes
    ) -> Iterator[Span]:
        """See `inferq.telemetry.traces.span`."""
        with self._tracer.start_as_current_span(
            name,
            context=_read(parent),
            kind=KINDS[kind],
            links=_links(links),
            attributes=attributes,
            record_exception=False,  # the log has it, masked
            set_status_on_exception=False,
        ) as recorded:
            told = _Recorded(recorded)
            try:
                with following(told.traceparent):
                    yield told
            except Exception as error:
                told.fail(type(error).__name__)
                raise

    def past(self, name: str, *, began: float, ended: float, links: Sequence[str] = ()) -> None:
        """See `inferq.telemetry.traces.past_span`."""
        epoch = time.time() - time.perf_counter()
        span = self._tracer.start_span(
            name, links=_links(links), start_time=int((epoch + began) * 1e9)
        )
        span.end(int((epoch + ended) * 1e9))

    def stop(self) -> None:
        """Sends what is not sent yet."""
        self._provider.shutdown()


class _Recorded(Span):
    """A step that is recorded."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        _TEXT.inject(carrier, trace.set_span_in_context(span, Context()))
        self.traceparent = carrier.get(HEADER, "")

    @override
    def rename(self, name: str) -> None:
        self._span.update_name(name)

    @override
    def set(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    @override
    def fail(self, reason: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, reason))


def _read(traceparent: str) -> Context:
    return _TEXT.extract({HEADER: traceparent}, Context())


def _links(traceparents: Sequence[str]) -> list[Link]:
    contexts = [trace.get_current_span(_read(text)).get_span_context() for text in traceparents]
    return [Link(context) for context in contexts if context.is_valid]
