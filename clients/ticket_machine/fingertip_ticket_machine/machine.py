"""Issues tickets: from the server while it answers, from reserved numbers while it does not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import grpc

from fingertip.lobby.v1.lobby_service_pb2 import (
    Identification,
    IssueTicketRequest,
    IssueTicketResponse,
)
from fingertip_client import tracing
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_ticket_machine.journal import Journal, Taken


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a customer stands before the machine while it waits for the server, in seconds."""

    connection: float = 1.0
    answer: float = 4.0


@dataclass(frozen=True, slots=True)
class Issued:
    """A ticket that a customer gets.

    `waiting_count` and `journey_id` are known only to the server: None and empty on a ticket that
    was taken while it was away. `time` is in the branch's time zone once the machine knows it.
    """

    ticket_id: str
    number: str
    service_line_code: str
    time: datetime
    waiting_count: int | None = None
    journey_id: str = ""

    @property
    def is_offline(self) -> bool:
        """Says that the number came from a reserved block."""
        return self.waiting_count is None


def utc_now() -> datetime:
    """Reads the machine's clock."""
    return datetime.now(UTC)


class TicketMachine:
    """A ticket machine without its screen and its printer."""

    def __init__(
        self,
        caller: Caller,
        journal: Journal,
        *,
        waiting: Waiting | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Uses a caller with the machine's credential and the machine's journal."""
        self._caller = caller
        self._journal = journal
        self._waiting = waiting or Waiting()
        self._now = now

    async def issue(self, service_line_code: str, who: Identification | None) -> Issued:
        """Issues the ticket of one press.

        Offline nobody learns who came: what was presented is sent while it is in memory, or never.
        The ticket has the same id on every way: a press whose answer is lost may issue it after
        all, and the slip's registration then finds that very ticket. Raises Refused when the
        server says no, and NoNumber when it is away and no reserved number is left: without a
        slip, what it may have issued unheard is called in vain.
        """
        attributes = {"fingertip.service_line_code": service_line_code}
        with tracing.span("ticket", attributes=attributes) as span:
            ticket_id = new_request_id()
            response = await self._ask(ticket_id, service_line_code, who)
            if response is not None:
                span.set_attribute(tracing.JOURNEY_ID, response.ticket.journey_id)
                return self._issued(response)
            span.set_attribute("fingertip.issued_offline", value=True)
            # On the disk before anybody prints it: no crash can print a number twice.
            taken = self._journal.take(
                ticket_id,
                service_line_code,
                now=self._now(),
                traceparent=tracing.traceparent(),
            )
            return self._issued_offline(taken)

    async def _ask(
        self, ticket_id: str, service_line_code: str, who: Identification | None
    ) -> IssueTicketResponse | None:
        """Asks the server for the ticket; None when it is away, which may have issued it."""
        if not await self._caller.is_reachable(self._waiting.connection):
            return None
        request = IssueTicketRequest(
            request_id=new_request_id(),
            service_line_code=service_line_code,
            identification=who,
            ticket_id=ticket_id,
        )
        try:
            return await self._caller.lobby.IssueTicket(request, timeout=self._waiting.answer)
        except Refused as refused:
            if not is_away(refused):
                raise
            return None

    def _issued(self, response: IssueTicketResponse) -> Issued:
        ticket = response.ticket
        return Issued(
            ticket_id=ticket.ticket_id,
            number=ticket.number,
            service_line_code=ticket.service_line_code,
            time=self._local(ticket.issue_time.ToDatetime(UTC)),
            waiting_count=response.waiting_count,
            journey_id=ticket.journey_id,
        )

    def _issued_offline(self, taken: Taken) -> Issued:
        return Issued(
            ticket_id=taken.ticket_id,
            number=taken.number,
            service_line_code=taken.service_line_code,
            time=self._local(taken.capture_time),
        )

    def _local(self, time: datetime) -> datetime:
        """Puts a time into the branch's time zone, or this computer's before that is known."""
        time_zone = self._journal.time_zone()
        return time.astimezone(ZoneInfo(time_zone) if time_zone else None)


def is_away(refused: Refused) -> bool:
    """Says that the server did not decide: it is gone, silent, or has more calls than it admits."""
    return refused.outcome_is_unknown or (
        refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED and refused.reason == "OVERLOADED"
    )
