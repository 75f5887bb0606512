"""Continues a trace from the customer's press to the server, and exports it where asked to."""

import contextlib
import os
from collections.abc import Iterator

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


@contextlib.contextmanager
def exporting(service_name: str) -> Iterator[None]:
    """Exports the process's spans while it runs, if OTEL_EXPORTER_OTLP_ENDPOINT names a collector.

    Without one nothing is recorded and no trace context is sent. The standard OTEL_ variables
    that the SDK knows apply.
    """
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        yield
        return
    # They take a quarter of a second to import, which only a process that exports should spend.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service_name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def traceparent() -> str:
    """Writes the current span as W3C traceparent; empty outside of a recorded one."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def link_to(parent: str) -> list[trace.Link]:
    """Reads a traceparent as a link, for work that is done long after; none from an empty one."""
    context = trace.get_current_span(_PROPAGATOR.extract({"traceparent": parent}))
    return [trace.Link(context.get_span_context())] if context.get_span_context().is_valid else []
