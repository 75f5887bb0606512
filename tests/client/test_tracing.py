"""A journey goes along with what is called, spanned and logged in it, and no further."""

import json
import logging

import grpc
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from fingertip.events.v1.event_pb2 import Event
from fingertip.lobby.v1.arrival_pb2 import Arrival
from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketResponse, ListTicketsResponse
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client import tracing
from fingertip_client.logs import JsonLines
from fingertip_client.refusal import Refused

_JOURNEY = "5f0c4d7e-9f5e-4c0f-8a43-0a8f5b3c2d11"
_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Gets the spans that the client ends."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    return exporter


def test_acting_on_an_event_continues_its_trace_and_its_journey(
    exported: InMemorySpanExporter,
) -> None:
    event = Event(journey_id=_JOURNEY, traceparent=_PARENT, arrival=Arrival(arrival_id="1"))
    with tracing.acting_on(event):
        assert tracing.traceparent().split("-")[1] == _PARENT.split("-")[1]
        assert tracing.journey_id() == _JOURNEY
    [span] = exported.get_finished_spans()
    assert span.name == "event/arrival"
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == _PARENT.split("-")[2]
    assert dict(span.attributes or {}) == {tracing.JOURNEY_ID: _JOURNEY}
    assert tracing.journey_id() == ""


def test_an_event_of_a_snapshot_begins_a_trace_in_the_journey_of_its_resource(
    exported: InMemorySpanExporter,
) -> None:
    with tracing.acting_on(Event(ticket=Ticket(journey_id=_JOURNEY))):
        pass
    [span] = exported.get_finished_spans()
    assert span.parent is None
    assert dict(span.attributes or {}) == {tracing.JOURNEY_ID: _JOURNEY}


def test_of_a_failure_a_span_tells_the_kind_and_no_word(exported: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="6225"), tracing.span("work"):
        raise ValueError("6225881414207430")
    with pytest.raises(Refused), tracing.span("work"):
        raise Refused(
            grpc.StatusCode.NOT_FOUND, reason="TICKET_NOT_FOUND", message="6225881414207430"
        )
    spans = exported.get_finished_spans()
    assert [span.status.status_code for span in spans] == [StatusCode.ERROR] * 2
    assert [span.status.description for span in spans] == ["ValueError", "TICKET_NOT_FOUND"]
    assert not any("6225" in span.to_json() for span in spans)


def test_a_message_names_its_journey_itself_or_by_the_resource_in_it() -> None:
    ticket = Ticket(journey_id=_JOURNEY)
    assert tracing.journey_of(ticket) == _JOURNEY
    assert tracing.journey_of(IssueTicketResponse(ticket=ticket)) == _JOURNEY
    assert tracing.journey_of(IssueTicketResponse(ticket=Ticket(number="A001"))) == ""
    # Of many it is none's in particular.
    assert tracing.journey_of(ListTicketsResponse(tickets=[ticket])) == ""


def test_a_log_line_names_the_journey_and_the_trace(exported: InMemorySpanExporter) -> None:
    record = logging.LogRecord("fingertip", logging.INFO, "", 0, "issued %s", ("A007",), None)
    outside = json.loads(JsonLines().format(record))
    assert (outside["event"], outside["level"]) == ("issued A007", "info")
    assert (outside["journey_id"], outside["traceparent"]) == ("", "")
    with tracing.span("ticket", journey_id=_JOURNEY):
        inside = json.loads(JsonLines().format(record))
        assert inside["traceparent"] == tracing.traceparent() != ""
    assert inside["journey_id"] == _JOURNEY
