"""A lobby that keeps to the letter of the contract, and can be away, slow or rude on demand."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from google.type.date_pb2 import Date

from fingertip.lobby.v1.lobby_service_pb2 import (
    IssueTicketRequest,
    IssueTicketResponse,
    ReserveTicketNumbersRequest,
    ReserveTicketNumbersResponse,
)
from fingertip.lobby.v1.ticket_pb2 import Ticket
from tests.client import scripted

RequestT = TypeVar("RequestT", bound=Message)

LOBBY = "fingertip.lobby.v1.LobbyService"
TIME_ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Refusal:
    """Why a call is refused."""

    code: grpc.StatusCode
    reason: str
    fields: tuple[tuple[str, str], ...] = ()


def nothing(method: str) -> None:
    """Does nothing."""


class FakeLobby:
    """Issues, reserves and registers; a repeated request_id gets the same answer.

    `block_size` is what policy allows at most. `refusals` refuse the next call of a method;
    `loses_answers` lets changes happen and their answers be lost; `before` and `after` are called
    around each call that changes something.
    """

    def __init__(self, business_day: date, block_size: int = 10) -> None:
        """Begins a business day."""
        self.business_day = business_day
        self.block_size = block_size
        self.is_away_for_presses = False
        self.before: Callable[[str], None] = nothing
        self.after: Callable[[str], None] = nothing
        self.refusals: dict[str, Refusal] = {}
        self.loses_answers = False
        self.requests: list[IssueTicketRequest] = []
        self.tickets: dict[str, str] = {}
        self.reservations = 0
        self._answers: dict[str, tuple[bytes, Message]] = {}
        self._blocks: dict[str, tuple[str, range]] = {}
        self._next: dict[str, int] = {}

    @property
    def numbers(self) -> list[str]:
        """Lists the numbers issued or registered, in that order."""
        return list(self.tickets.values())

    async def issue(self, request: Message, context: scripted.Context) -> Message:
        """Answers IssueTicket."""
        assert isinstance(request, IssueTicketRequest)
        self.requests.append(request)
        is_press = not request.HasField("reserved_number")
        if is_press and self.is_away_for_presses:
            await scripted.refuse(context, grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        return await self._once(request, request.request_id, self._issue, context)

    async def reserve(self, request: Message, context: scripted.Context) -> Message:
        """Answers ReserveTicketNumbers."""
        assert isinstance(request, ReserveTicketNumbersRequest)
        return await self._once(request, request.request_id, self._reserve, context)

    async def _once(
        self,
        request: RequestT,
        request_id: str,
        change: Callable[[RequestT], Message | str],
        context: scripted.Context,
    ) -> Message:
        method = request.DESCRIPTOR.name.removesuffix("Request")
        self.before(method)
        if refusal := self.refusals.pop(method, None):
            await scripted.refuse(context, refusal.code, refusal.reason, fields=refusal.fields)
        body = request.SerializeToString(deterministic=True)
        known = self._answers.get(request_id)
        if known is None:
            answer = change(request)
            if isinstance(answer, str):
                await scripted.refuse(context, grpc.StatusCode.FAILED_PRECONDITION, answer)
            known = self._answers[request_id] = (body, answer)
            self.after(method)
        if self.loses_answers:
            await scripted.refuse(context, grpc.StatusCode.UNAVAILABLE, "")
        if known[0] != body:
            await scripted.refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED")
        return known[1]

    def _issue(self, request: IssueTicketRequest) -> IssueTicketResponse | str:
        line, reserved = request.service_line_code, request.reserved_number
        if request.HasField("reserved_number"):
            owner, numbers = self._blocks.get(reserved.block_id, ("", range(0)))
            if owner != line or reserved.sequence_number not in numbers:
                return "NUMBER_NOT_RESERVED"
            # The ticket of a press whose answer was lost, if there is one, gets the slip's number.
            ticket_id, sequence_number = request.ticket_id, reserved.sequence_number
        else:
            ticket_id = request.ticket_id or str(uuid.uuid4())
            assert ticket_id not in self.tickets, "a ticket_id was given to two presses"
            sequence_number = self._draw(line, 1)
        number = f"{line}{sequence_number:03d}"
        assert number not in self.tickets.values(), "a number was issued twice"
        waiting_count = len(self.tickets)
        self.tickets[ticket_id] = number
        ticket = Ticket(
            ticket_id=ticket_id,
            service_line_code=line,
            number=number,
            journey_id=str(uuid.uuid4()),
            issue_time=request.capture_time,
        )
        return IssueTicketResponse(ticket=ticket, waiting_count=waiting_count)

    def _reserve(self, request: ReserveTicketNumbersRequest) -> ReserveTicketNumbersResponse:
        line = request.service_line_code
        self.reservations += 1
        block_id = str(uuid.uuid4())
        count = min(request.count, self.block_size)
        first = self._draw(line, count)
        last = first + count - 1
        self._blocks[block_id] = (line, range(first, last + 1))
        day = self.business_day
        return ReserveTicketNumbersResponse(
            block_id=block_id,
            first_number=first,
            last_number=last,
            business_day=Date(year=day.year, month=day.month, day=day.day),
            time_zone=TIME_ZONE,
        )

    def _draw(self, line: str, count: int) -> int:
        first = self._next.get(line, 1)
        self._next[line] = first + count
        return first


@contextlib.asynccontextmanager
async def serving(lobby: FakeLobby, port: int = 0) -> AsyncIterator[scripted.ScriptedServer]:
    """Serves a lobby for a while."""
    answers: dict[str, scripted.Unary] = {
        "IssueTicket": lobby.issue,
        "ReserveTicketNumbers": lobby.reserve,
    }
    server = scripted.ScriptedServer(LOBBY, unary=answers, port=port)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
