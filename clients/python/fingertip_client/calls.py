"""Carries a call out, the same way for every method: span, deadline, identity, repetition."""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from opentelemetry import trace

from fingertip_client import retry, tracing
from fingertip_client.credentials import Credentials
from fingertip_client.refusal import Refused
from fingertip_client.retry import Patience

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class UnaryCalls(grpc.aio.UnaryUnaryClientInterceptor):
    """Carries out calls with one answer; what fails in the end raises Refused."""

    def __init__(self, credentials: Credentials, patience: Patience) -> None:
        self._credentials = credentials
        self._patience = patience

    async def intercept_unary_unary(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, RequestT],
            Awaitable[grpc.aio.UnaryUnaryCall[RequestT, ResponseT]],
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: RequestT,
    ) -> ResponseT:
        """Sends the request, again where that is allowed, until it is answered or time is up."""
        method = _method(client_call_details)
        may_repeat = isinstance(request, Message) and retry.may_repeat(method, request)
        whole_seconds = client_call_details.timeout or self._patience.budget_seconds
        attempt_seconds = client_call_details.timeout or self._patience.attempt_seconds
        now = asyncio.get_running_loop().time
        end = now() + whole_seconds
        with _span(method, request) as span:
            for attempt in itertools.count():
                details = _prepared(
                    client_call_details, self._credentials, min(attempt_seconds, end - now())
                )
                call = await continuation(details, request)
                try:
                    response = await call
                except grpc.aio.AioRpcError as error:
                    refused = Refused.from_error(error)
                    pause_seconds = self._patience.backoff.pause_seconds(attempt)
                    is_over = now() + pause_seconds >= end
                    # Every other refusal is an answer, ABORTED included: the caller has to look
                    # again before he decides again.
                    if is_over or not may_repeat or not refused.outcome_is_unknown:
                        raise refused from error
                else:
                    _note_journey(span, response)
                    return response
                finally:
                    # A call that is dropped without being cancelled is never collected.
                    call.cancel()
                span.add_event("repeated", {"after": refused.code.name})
                await asyncio.sleep(pause_seconds)
        raise AssertionError("An attempt either answers or raises.")


class StreamCalls(grpc.aio.UnaryStreamClientInterceptor):
    """Says on streams, too, who calls; a stream has no deadline and is repeated by its reader."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def intercept_unary_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, RequestT],
            Awaitable[grpc.aio.UnaryStreamCall[RequestT, ResponseT]],
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: RequestT,
    ) -> grpc.aio.UnaryStreamCall[RequestT, ResponseT]:
        """Opens the stream."""
        timeout = client_call_details.timeout
        details = _prepared(client_call_details, self._credentials, timeout)
        return await continuation(details, request)


def _prepared(
    details: grpc.aio.ClientCallDetails, credentials: Credentials, timeout: float | None
) -> grpc.aio.ClientCallDetails:
    """Adds to a call's own metadata who calls and in which trace."""
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    for key, value in credentials.metadata():
        metadata.add(key, value)
    if traceparent := tracing.traceparent():
        metadata.add("traceparent", traceparent)
    return grpc.aio.ClientCallDetails(
        details.method, timeout, metadata, details.credentials, details.wait_for_ready
    )


def _method(details: grpc.aio.ClientCallDetails) -> str:
    """Returns the method's path; grpc.aio has it as bytes, whatever its types say."""
    method: str | bytes = details.method
    return method.decode() if isinstance(method, bytes) else method


@contextlib.contextmanager
def _span(method: str, request: object) -> Iterator[trace.Span]:
    """Wraps a call and its repetitions in one span, which holds nothing of what is sent."""
    service, _, name = method.removeprefix("/").partition("/")
    attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
    with tracing.span(
        f"{service}/{name}",
        kind=trace.SpanKind.CLIENT,
        journey_id=tracing.journey_id(),
        attributes=attributes,
    ) as span:
        _note_journey(span, request)
        try:
            yield span
        except Refused as refused:
            span.set_attribute("rpc.grpc.status", refused.code.name)
            span.set_attribute("fingertip.reason", refused.reason)
            raise


def _note_journey(span: trace.Span, message: object) -> None:
    """Puts a call into the journey that its request or its answer names, whatever it is part of."""
    if not span.is_recording() or not isinstance(message, Message):
        return
    if journey_id := tracing.journey_of(message):
        span.set_attribute(tracing.JOURNEY_ID, journey_id)
