"""Traces, RED metrics and one log line per call.

With OTEL_EXPORTER_OTLP_ENDPOINT set, spans and metrics go there; with a trace file, spans go into
it; otherwise nothing is recorded and nothing leaves the process.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import grpc
import structlog
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fingertip_server.rpc.binding import Method
    from fingertip_server.rpc.principal import Principal

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROPAGATOR = TraceContextTextMapPropagator()
_log = structlog.get_logger("fingertip.call")

# Made once; both stay silent until `start` installs providers.
_tracer = trace.get_tracer("fingertip")
_meter = metrics.get_meter("fingertip")
_calls = _meter.create_counter("fingertip.calls", description="Calls by method and reason.")
_durations = _meter.create_histogram(
    "fingertip.call.duration", unit="ms", description="How long calls take."
)


def start(service: str, *, trace_file: Path | None, sample_ratio: float, log_level: str) -> None:
    """Sets up logs, and traces and metrics where somebody wants them."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[log_level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    endpoint = os.environ.get(_ENDPOINT)
    if not endpoint and trace_file is None:
        return
    resource = Resource.create({"service.name": service})
    provider = TracerProvider(
        resource=resource, sampler=ParentBased(TraceIdRatioBased(sample_ratio))
    )
    if endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (  # noqa: PLC0415
            OTLPMetricExporter,
        )
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))
    if trace_file is not None:
        from opentelemetry.exporter.otlp.json.file import FileSpanExporter  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(FileSpanExporter(trace_file)))
    trace.set_tracer_provider(provider)


def stop() -> None:
    """Sends what was recorded and not sent yet."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def traceparent() -> str:
    """Returns the W3C traceparent of the current span, or an empty text outside of a trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def linked_span(name: str, parent: str, journey_id: str) -> Iterator[None]:
    """Spans work that continues the trace of `parent`, a W3C traceparent or an empty text."""
    with _tracer.start_as_current_span(
        name, context=_context({"traceparent": parent}), kind=SpanKind.PRODUCER
    ) as span:
        if journey_id:
            span.set_attribute("fingertip.journey_id", journey_id)
        yield


class CallSpan:
    """The span, the metrics and the log line of one call."""

    def __init__(self, method: "Method", span: Span, parent: str) -> None:
        self._method = method
        self._span = span
        self._parent = parent
        self._started = time.perf_counter()
        self._actor = ""
        self._journey_id = ""
        self._reason = "OK"

    @property
    def traceparent(self) -> str:
        """The context that events and work items of this call carry on."""
        return traceparent() or self._parent

    def identified(self, principal: "Principal", request: "Message") -> None:
        """Notes who calls and, when the request says so, in which journey."""
        self._actor = principal.scope
        self._span.set_attribute("enduser.id", self._actor)
        journey_id = getattr(request, "journey_id", "")
        if journey_id:
            self._in_journey(journey_id)

    def ended(self, journey_id: UUID | None) -> None:
        """Notes the journey that the handler found or opened."""
        if journey_id is not None:
            self._in_journey(str(journey_id))

    def refused(self, reason: str) -> None:
        """Notes why the call was refused."""
        self._reason = reason
        self._span.set_status(StatusCode.ERROR, reason)
        self._span.set_attribute("fingertip.reason", reason)

    def close(self) -> None:
        """Counts and logs the call."""
        milliseconds = (time.perf_counter() - self._started) * 1000
        attributes = {"rpc.method": self._method.name, "reason": self._reason}
        _calls.add(1, attributes)
        _durations.record(milliseconds, attributes)
        _log.info(
            "call",
            method=self._method.name,
            reason=self._reason,
            ms=round(milliseconds, 2),
            actor=self._actor,
            journey_id=self._journey_id,
            traceparent=self.traceparent,
        )

    def _in_journey(self, journey_id: str) -> None:
        self._journey_id = journey_id
        self._span.set_attribute("fingertip.journey_id", journey_id)


@contextmanager
def call_span(
    method: "Method", context: grpc.aio.ServicerContext[bytes, bytes]
) -> Iterator[CallSpan]:
    """Spans one call, as a child of the caller's span when he sent one."""
    parent = ""
    for key, value in context.invocation_metadata() or ():
        if key == "traceparent" and isinstance(value, str):
            parent = value
    with _tracer.start_as_current_span(
        method.name, context=_context({"traceparent": parent}), kind=SpanKind.SERVER
    ) as span:
        call = CallSpan(method, span, parent)
        try:
            yield call
        finally:
            call.close()


def _context(carrier: Mapping[str, str]) -> Context | None:
    return _PROPAGATOR.extract(carrier) if carrier["traceparent"] else None
