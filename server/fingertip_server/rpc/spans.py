"""The span, the metrics and the log line of one call."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self
from uuid import UUID

import grpc
import structlog
from opentelemetry import context as contexts
from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, StatusCode

from fingertip_server import telemetry

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fingertip_server.rpc.binding import Method
    from fingertip_server.rpc.principal import Principal

Metadata = Sequence[tuple[str, str | bytes]]

_log = structlog.get_logger("fingertip.call")

# Made once; all are silent until `telemetry.start` installs providers.
_tracer = trace.get_tracer("fingertip")
_meter = metrics.get_meter("fingertip")
_calls = _meter.create_counter("fingertip.calls", description="Calls by method and reason.")
_durations = _meter.create_histogram(
    "fingertip.call.duration", unit="ms", description="How long calls take."
)


def metadata_of(context: "grpc.aio.ServicerContext[bytes, bytes]") -> Metadata:
    """Returns what the caller sent beside his request."""
    # Asked for once: each time, every header is decoded anew.
    return tuple(context.invocation_metadata() or ())


class CallSpan:
    """Spans one call, as a child of the caller's span when he sent one, and logs it at its end."""

    def __init__(self, method: "Method", metadata: Metadata) -> None:
        self._method = method
        self._parent = ""
        for key, value in metadata:
            if key == "traceparent" and isinstance(value, str):
                self._parent = value
        self._actor = ""
        self._journey_id = ""
        self._reason = "OK"

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        self._span = _tracer.start_span(
            self._method.name, context=telemetry.context_of(self._parent), kind=SpanKind.SERVER
        )
        if self._span.is_recording():
            self._token = contexts.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
        if self._span.is_recording():
            contexts.detach(self._token)
        self._span.end()

    @property
    def traceparent(self) -> str:
        """The context that events and work items of this call carry on."""
        return telemetry.traceparent() if self._span.is_recording() else self._parent

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

    def _in_journey(self, journey_id: str) -> None:
        self._journey_id = journey_id
        self._span.set_attribute("fingertip.journey_id", journey_id)
