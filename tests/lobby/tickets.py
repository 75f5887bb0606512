"""Requests of a lobby, as machines and people make them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from fingertip.events.v1.event_pb2 import Event
from fingertip.identity.v1.identity_service_pb2 import GetSessionRequest
from fingertip.lobby.v1.lobby_service_pb2 import (
    CallNextTicketRequest,
    Identification,
    IssueTicketRequest,
    ListTicketsRequest,
    ReservedNumber,
    ReserveTicketNumbersRequest,
    ReserveTicketNumbersResponse,
)
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from tests.conftest import Clock, Database
from tests.events.publishing import next_message, watching
from tests.world import World


def press(
    line: str = "B", identification: Identification | None = None, ticket_id: str = ""
) -> IssueTicketRequest:
    """Returns a customer's press that was never made before."""
    return IssueTicketRequest(
        request_id=new_request_id(),
        service_line_code=line,
        identification=identification,
        ticket_id=ticket_id,
    )


def card(number: str) -> Identification:
    """Returns a card that was put in."""
    return Identification(card_number=number)


def late(
    block: ReserveTicketNumbersResponse,
    number: int,
    taken: datetime,
    identification: Identification | None = None,
    ticket_id: str = "",
) -> IssueTicketRequest:
    """Returns the registration of a number that was printed while the server was away."""
    request = press(identification=identification, ticket_id=ticket_id or str(uuid4()))
    request.reserved_number.CopyFrom(
        ReservedNumber(block_id=block.block_id, sequence_number=number)
    )
    request.capture_time.FromDatetime(taken)
    return request


async def issue(
    caller: Caller, line: str = "B", identification: Identification | None = None
) -> Ticket:
    """Issues a ticket."""
    ticket: Ticket = (await caller.lobby.IssueTicket(press(line, identification))).ticket
    return ticket


async def reserve(caller: Caller, count: int = 5, line: str = "B") -> ReserveTicketNumbersResponse:
    """Reserves a block."""
    block: ReserveTicketNumbersResponse = await caller.lobby.ReserveTicketNumbers(
        ReserveTicketNumbersRequest(
            request_id=new_request_id(), service_line_code=line, count=count
        )
    )
    return block


async def call_next(caller: Caller, desk: str, *lines: str) -> Ticket:
    """Calls the next ticket to a desk."""
    request = CallNextTicketRequest(
        request_id=new_request_id(), desk=desk, service_line_codes=lines
    )
    ticket: Ticket = (await caller.lobby.CallNextTicket(request)).ticket
    return ticket


async def pass_time(clock: Clock, minutes: int, *at_work: Caller) -> None:
    """Lets time pass for people who use their tablets now and then, and so stay signed in."""
    while minutes > 0:
        await clock.advance(60 * min(minutes, 10))
        minutes -= 10
        for caller in at_work:
            await caller.identity.GetSession(GetSessionRequest())


async def move_to_midnight(clock: Clock, database: Database, minutes: float) -> None:
    """Moves the clock to so long after the next midnight of the demo bank's branches, or before."""
    [row] = await database.as_application(
        "SELECT extract(epoch FROM date_trunc('day', local) + interval '1 day' - local) AS seconds"
        " FROM (SELECT fingertip_now() AT TIME ZONE 'Asia/Shanghai' AS local) AS clock"
    )
    await clock.advance(float(row["seconds"]) + 60 * minutes)


async def server_time(database: Database) -> datetime:
    """Reads the clock."""
    [row] = await database.as_application("SELECT fingertip_now() AS now")
    now: datetime = row["now"]
    return now.astimezone(UTC)


async def listed(world: World) -> Sequence[Ticket]:
    """Returns the day's tickets."""
    answer = await world.lobby_manager.lobby.ListTickets(ListTicketsRequest())
    tickets: Sequence[Ticket] = answer.tickets
    return tickets


async def shown(caller: Caller, branch_id: str = "0101") -> list[Event]:
    """Returns what a new watcher of the branch is shown."""
    events: list[Event] = []
    async with watching(caller, branch_id=branch_id) as stream:
        while True:
            message = await next_message(stream)
            events += message.events
            if message.HasField("snapshot_end"):
                return events
