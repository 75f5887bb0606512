"""Sets up traces, metrics and logs.

With OTEL_EXPORTER_OTLP_ENDPOINT set, spans and metrics go there; with a trace file, spans go into
it; otherwise nothing is recorded and nothing leaves the process.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import structlog
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.typing import EventDict

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROPAGATOR = TraceContextTextMapPropagator()
# Silent until `start` installs a provider.
_tracer = trace.get_tracer("fingertip")


def start(service: str, *, trace_file: Path | None, sample_ratio: float, log_level: str) -> None:
    """Sets up logs, and traces and metrics where somebody wants them."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_traceparent,
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
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if isinstance(provider, TracerProvider | MeterProvider):
            provider.shutdown()


def is_measured() -> bool:
    """Says whether somebody takes the metrics."""
    return isinstance(metrics.get_meter_provider(), MeterProvider)


def traceparent() -> str:
    """Returns the W3C traceparent of the current span, or an empty text outside of a trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def timer_span(kind: str) -> Iterator[None]:
    """Spans what is due, and says of a failure only its kind: its text may be personal."""
    with _tracer.start_as_current_span(
        f"timer/{kind}", record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def note_journey(journey_id: UUID | None) -> None:
    """Puts the current span into the journey that its work was found to be about, if any."""
    if journey_id is not None:
        trace.get_current_span().set_attribute("fingertip.journey_id", str(journey_id))


def context_of(parent: str) -> Context | None:
    """Returns the context that a W3C traceparent describes; None for an empty text."""
    return _PROPAGATOR.extract({"traceparent": parent}) if parent else None


def _add_traceparent(_logger: object, _level: str, line: EventDict) -> EventDict:
    """Leads from a line that is logged in the midst of a call to the call."""
    if "traceparent" not in line and (current := traceparent()):
        line["traceparent"] = current
    return line
