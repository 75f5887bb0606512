"""Calls are repeated where that is safe, with the same request, and nowhere else."""

import asyncio
import time

import grpc
import pytest
from google.protobuf.message import Message

from fingertip.fulfilment.v1.fulfilment_service_pb2 import LeaseWorkItemsRequest
from fingertip.lobby.v1.lobby_service_pb2 import (
    GetLobbyRequest,
    GetLobbyResponse,
    IssueTicketRequest,
    IssueTicketResponse,
)
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_client.retry import Backoff, Patience
from tests.client import scripted

LOBBY = "fingertip.lobby.v1.LobbyService"
FULFILMENT = "fingertip.fulfilment.v1.FulfilmentService"
BRISK = Patience(attempt_seconds=0.3, budget_seconds=3.0, backoff=Backoff(0.01, 0.05))


def a_press() -> IssueTicketRequest:
    return IssueTicketRequest(request_id=new_request_id(), service_line_code="A")


def refusing_first(
    codes: list[grpc.StatusCode], answer: Message, requests: list[bytes]
) -> scripted.Unary:
    """Refuses the first calls with these codes, then answers; notes down every request."""
    left = list(codes)

    async def carry_out(request: Message, context: scripted.Context) -> Message:
        requests.append(request.SerializeToString())
        if left:
            await scripted.refuse(context, left.pop(0), "SOME_REASON")
        return answer

    return carry_out


# gRPC itself cancels what reaches a server that ends; nobody looked at such a call.
@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
async def test_a_write_with_a_request_id_is_repeated_until_it_is_answered(
    code: grpc.StatusCode,
) -> None:
    requests: list[bytes] = []
    answer = IssueTicketResponse(ticket=Ticket(number="A007"))
    first = refusing_first([code, code], answer, requests)
    async with scripted.calling(LOBBY, unary={"IssueTicket": first}, patience=BRISK) as caller:
        response = await caller.lobby.IssueTicket(a_press())
    assert response.ticket.number == "A007"
    assert len(requests) == 3
    assert len(set(requests)) == 1


async def test_a_read_is_repeated() -> None:
    requests: list[bytes] = []
    answer = GetLobbyResponse()
    first = refusing_first([grpc.StatusCode.UNAVAILABLE], answer, requests)
    async with scripted.calling(LOBBY, unary={"GetLobby": first}, patience=BRISK) as caller:
        await caller.lobby.GetLobby(GetLobbyRequest())
    assert len(requests) == 2


async def test_a_write_without_a_request_id_is_sent_once() -> None:
    sent: list[Message] = []

    async def lease(request: Message, context: scripted.Context) -> Message:
        sent.append(request)
        await scripted.refuse(context, grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")

    async with scripted.calling(
        FULFILMENT, unary={"LeaseWorkItems": lease}, patience=BRISK
    ) as caller:
        with pytest.raises(Refused, match="SHUTTING_DOWN"):
            await caller.fulfilment.LeaseWorkItems(LeaseWorkItemsRequest())
    assert len(sent) == 1


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNKNOWN,
    ],
)
async def test_an_answer_is_never_asked_for_twice(code: grpc.StatusCode) -> None:
    requests: list[bytes] = []
    answer = IssueTicketResponse(ticket=Ticket(number="A007"))
    first = refusing_first([code], answer, requests)
    async with scripted.calling(LOBBY, unary={"IssueTicket": first}, patience=BRISK) as caller:
        with pytest.raises(Refused) as refused:
            await caller.lobby.IssueTicket(a_press())
    assert refused.value.code is code
    assert len(requests) == 1


async def test_an_attempt_that_is_not_answered_in_time_is_repeated_with_the_same_request() -> None:
    requests: list[bytes] = []

    async def issue(request: Message, context: scripted.Context) -> Message:
        requests.append(request.SerializeToString())
        if len(requests) == 1:
            await asyncio.Event().wait()
        return IssueTicketResponse(ticket=Ticket(number="A008"))

    async with scripted.calling(LOBBY, unary={"IssueTicket": issue}, patience=BRISK) as caller:
        response = await caller.lobby.IssueTicket(a_press())
    assert response.ticket.number == "A008"
    assert len(requests) == 2
    assert len(set(requests)) == 1


async def test_repeating_ends_with_the_budget_and_says_that_the_outcome_is_unknown() -> None:
    patience = Patience(attempt_seconds=0.2, budget_seconds=0.6, backoff=Backoff(0.01, 0.05))
    begin = time.monotonic()
    # Nobody listens on a port that was just given back.
    async with scripted.serving(LOBBY) as server:
        target = server.target
    async with Caller([target], patience=patience) as caller:
        with pytest.raises(Refused) as refused:
            await caller.lobby.IssueTicket(a_press())
    assert refused.value.outcome_is_unknown
    assert refused.value.reason == ""
    assert time.monotonic() - begin < 2.0


async def test_a_timeout_given_with_a_call_bounds_all_of_its_attempts() -> None:
    deadlines: list[float] = []

    async def issue(request: Message, context: scripted.Context) -> Message:
        deadlines.append(context.time_remaining())
        await asyncio.Event().wait()
        return IssueTicketResponse()

    async with scripted.calling(LOBBY, unary={"IssueTicket": issue}, patience=BRISK) as caller:
        with pytest.raises(Refused) as refused:
            await caller.lobby.IssueTicket(a_press(), timeout=0.8)
    assert refused.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(deadlines) == 1
    assert 0.4 < deadlines[0] < 0.9


async def test_a_call_without_a_timeout_has_ten_seconds() -> None:
    deadlines: list[float] = []

    async def issue(request: Message, context: scripted.Context) -> Message:
        deadlines.append(context.time_remaining())
        return IssueTicketResponse()

    async with scripted.calling(LOBBY, unary={"IssueTicket": issue}) as caller:
        await caller.lobby.IssueTicket(a_press())
    assert 8.0 < deadlines[0] < 10.1


async def test_cancelling_a_call_ends_it_at_the_server() -> None:
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def issue(request: Message, context: scripted.Context) -> Message:
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return IssueTicketResponse()

    async with scripted.calling(LOBBY, unary={"IssueTicket": issue}) as caller:
        press = asyncio.ensure_future(caller.lobby.IssueTicket(a_press()))
        await arrived.wait()
        press.cancel()
        with pytest.raises(asyncio.CancelledError):
            await press
        async with asyncio.timeout(5):
            await ended.wait()


def test_pauses_grow_to_their_longest_and_never_beyond() -> None:
    backoff = Backoff(first_seconds=0.5, longest_seconds=30.0)
    assert max(backoff.pause_seconds(0) for _ in range(200)) <= 0.5
    drawn = [backoff.pause_seconds(10_000) for _ in range(200)]
    assert max(drawn) <= 30.0
    # Full jitter: a crowd spreads over the whole span.
    assert min(drawn) < 10.0
    assert max(drawn) > 20.0


def test_request_ids_are_ordered_by_time_and_never_the_same() -> None:
    ids = [new_request_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(i[14] == "7" and i[19] in "89ab" for i in ids)
    assert ids[0][:8] <= ids[-1][:8]
