"""Traces from the customer's press through the server to whoever acts on it, and their journey."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Final

from google.protobuf.message import Message
from opentelemetry import baggage, context, trace
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from fingertip.events.v1.event_pb2 import Event
from fingertip_client.refusal import Refused

JOURNEY_ID: Final = "fingertip.journey_id"

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_FILE: Final = "FINGERTIP_TRACE_FILE"
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_tracer = trace.get_tracer(__name__)


@contextlib.contextmanager
def exporting(service_name: str) -> Iterator[None]:
    """Exports the process's spans while it runs, to a collector, into a file, or both.

    OTEL_EXPORTER_OTLP_ENDPOINT names the collector; the standard OTEL_ variables that the SDK
    knows apply. FINGERTIP_TRACE_FILE names the file, which is the process's own and gets JSON
    lines of OTLP. Without either nothing is recorded and no trace context is sent. Raises OSError
    when the file cannot be written.
    """
    endpoint, file = os.environ.get(_ENDPOINT), os.environ.get(_FILE)
    if not endpoint and not file:
        yield
        return
    # They take a quarter of a second to import, which only a process that exports should spend.
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service_name}))
    if endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    if file:
        from opentelemetry.exporter.otlp.json.file import FileSpanExporter  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(FileSpanExporter(file)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


@contextlib.contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    within: str = "",
    after: str = "",
    journey_id: str = "",
    attributes: Mapping[str, str] | None = None,
) -> Iterator[Span]:
    """Spans what is done inside; of what fails, only the reason or kind: its text may be personal.

    `within` is the traceparent of the trace that it continues; `after` is one that it is linked
    to, for work that is done long after.
    """
    with (
        _tracer.start_as_current_span(
            name,
            context=_PROPAGATOR.extract({"traceparent": within}) if within else None,
            kind=kind,
            attributes=attributes,
            links=link_to(after) if after else (),
            record_exception=False,
            set_status_on_exception=False,
        ) as spanned,
        in_journey(journey_id),
    ):
        try:
            yield spanned
        except Refused as refused:
            spanned.set_status(StatusCode.ERROR, refused.reason or refused.code.name)
            raise
        except Exception as error:
            spanned.set_status(StatusCode.ERROR, type(error).__name__)
            raise


@contextlib.contextmanager
def acting_on(event: Event) -> Iterator[None]:
    """Spans what a watcher does about an event, in the trace of the call that announced it.

    What a snapshot shows was announced by nobody in particular and begins a trace of its own.
    """
    with span(
        f"event/{event.WhichOneof('resource')}",
        kind=SpanKind.CONSUMER,
        within=event.traceparent,
        journey_id=journey_of(event),
    ):
        yield


@contextlib.contextmanager
def in_journey(journey_id: str) -> Iterator[None]:
    """Puts the current span, and all that is called and logged inside, into a journey, if any."""
    if not journey_id:
        yield
        return
    trace.get_current_span().set_attribute(JOURNEY_ID, journey_id)
    # Only this process looks at it: what is sent to others is the trace context alone.
    token = context.attach(baggage.set_baggage(JOURNEY_ID, journey_id))
    try:
        yield
    finally:
        context.detach(token)


def journey_id() -> str:
    """Returns the journey that this is done for; empty outside of one."""
    return str(baggage.get_baggage(JOURNEY_ID) or "")


def journey_of(message: Message) -> str:
    """Returns the journey that a message, or the resource in it, names; empty when none does."""
    parts = (message, *(value for _, value in message.ListFields()))
    return next((found for part in parts if (found := getattr(part, "journey_id", ""))), "")


def traceparent() -> str:
    """Writes the current span as W3C traceparent; empty outside of a recorded one."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def link_to(parent: str) -> list[Link]:
    """Reads a traceparent as a link, for work that is done long after; none from an empty one."""
    linked = trace.get_current_span(_PROPAGATOR.extract({"traceparent": parent}))
    return [Link(linked.get_span_context())] if linked.get_span_context().is_valid else []
