"""The lobby's calls."""

from datetime import UTC, datetime
from uuid import UUID

from google.type.date_pb2 import Date
from sqlalchemy import Executable

from fingertip.lobby.v1.lobby_service_pb2 import (
    CallNextTicketRequest,
    CallNextTicketResponse,
    CallTicketRequest,
    CallTicketResponse,
    ClaimArrivalRequest,
    ClaimArrivalResponse,
    CompleteTicketRequest,
    CompleteTicketResponse,
    GetLobbyRequest,
    GetLobbyResponse,
    IssueTicketRequest,
    IssueTicketResponse,
    ListTicketsRequest,
    ListTicketsResponse,
    MarkNoShowRequest,
    MarkNoShowResponse,
    RecallTicketRequest,
    RecallTicketResponse,
    ReserveTicketNumbersRequest,
    ReserveTicketNumbersResponse,
    ResolveArrivalRequest,
    ResolveArrivalResponse,
    StartServingRequest,
    StartServingResponse,
)
from fingertip.lobby.v1.ticket_pb2 import ServiceLine, Ticket
from fingertip_server.db.hot import AnyRow
from fingertip_server.events import feed
from fingertip_server.lobby import arrivals, calling, messages, rules, store, tickets
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.principal import PrincipalKind

_BEGINNING = (datetime(1, 1, 2, tzinfo=UTC), UUID(int=0))


def issue_ticket(call: Call, request: IssueTicketRequest) -> IssueTicketResponse:
    """Issues a ticket; what the customer presented decides who hears of it."""
    chosen = call.bank.service_line(call.home, request.service_line_code)
    customer = tickets.find_customer(call, request.identification)
    if request.HasField("reserved_number"):
        row = tickets.register(call, request, chosen, customer)
    else:
        lines = call.bank.service_lines(call.home)
        tier_code = customer.tier_code if customer else ""
        line = rules.line_for(lines, chosen, tier_code)
        row = tickets.issue(call, line, customer, request.ticket_id)
    call.journey_id = row.journey_id
    tickets.follow_up(call, row, request.identification, customer)
    ticket = _announced(call, row)
    if call.principal.kind is PrincipalKind.DEVICE:
        # The machine knows nobody.
        ticket.ClearField("customer_id")
        ticket.ClearField("tier_code")
    return IssueTicketResponse(ticket=ticket, waiting_count=row.waiting_count)


def reserve_ticket_numbers(
    call: Call, request: ReserveTicketNumbersRequest
) -> ReserveTicketNumbersResponse:
    """Reserves the line's next numbers for printing offline."""
    line = call.bank.service_line(call.home, request.service_line_code)
    block = tickets.reserve(call, line, request.count)
    day = block.business_day
    call.record("number_block", block.block_id, "RESERVED")
    return ReserveTicketNumbersResponse(
        block_id=str(block.block_id),
        first_number=block.first_number,
        last_number=block.last_number,
        business_day=Date(year=day.year, month=day.month, day=day.day),
        time_zone=str(call.bank.time_zone(line.branch)),
    )


def call_next_ticket(call: Call, request: CallNextTicketRequest) -> CallNextTicketResponse:
    """Calls the ticket that is due next."""
    rules.require_on_shift(call.principal)
    row = calling.call_next(call, request.desk, list(request.service_line_codes))
    return CallNextTicketResponse(ticket=_announced(call, row))


def call_ticket(call: Call, request: CallTicketRequest) -> CallTicketResponse:
    """Calls a chosen ticket."""
    rules.require_on_shift(call.principal)
    row = calling.call_chosen(call, UUID(request.ticket_id), request.desk)
    return CallTicketResponse(ticket=_announced(call, row))


def recall_ticket(call: Call, request: RecallTicketRequest) -> RecallTicketResponse:
    """Calls a called ticket once more."""
    ticket = calling.lock(call, UUID(request.ticket_id))
    rules.move(ticket.state, "recall")
    rules.check_recall(ticket.call_count, call.bank.policies.count("lobby.no_show_recalls"))
    return RecallTicketResponse(ticket=_changed(call, store.RECALL, ticket))


def mark_no_show(call: Call, request: MarkNoShowRequest) -> MarkNoShowResponse:
    """Ends a called ticket whose customer did not come."""
    ticket = calling.lock(call, UUID(request.ticket_id))
    state = rules.move(ticket.state, "mark_no_show")
    return MarkNoShowResponse(ticket=_changed(call, store.END, ticket, the_state=state))


def start_serving(call: Call, request: StartServingRequest) -> StartServingResponse:
    """Says that the customer is at the desk."""
    ticket = calling.lock(call, UUID(request.ticket_id))
    rules.move(ticket.state, "serve")
    arrivals.resolve_of_visit(call, ticket)
    served = _changed(call, store.SERVE, ticket, the_staff_id=call.principal.id)
    return StartServingResponse(ticket=served)


def complete_ticket(call: Call, request: CompleteTicketRequest) -> CompleteTicketResponse:
    """Ends the service of a ticket."""
    ticket = calling.lock(call, UUID(request.ticket_id))
    state = rules.move(ticket.state, "complete")
    return CompleteTicketResponse(ticket=_changed(call, store.END, ticket, the_state=state))


def claim_arrival(call: Call, request: ClaimArrivalRequest) -> ClaimArrivalResponse:
    """Claims an arrival for the caller; the first of several wins."""
    rules.require_on_shift(call.principal)
    arrival = arrivals.lock(call, UUID(request.arrival_id))
    call.home = arrival.branch_id
    call.journey_id = arrival.journey_id
    rules.check_claim(arrival.state, arrival.claimed_by, arrival.claimed_by_name, call.principal.id)
    claimed = call.connection.execute(
        store.CLAIM,
        {
            "the_arrival_id": arrival.arrival_id,
            "the_staff_id": call.principal.id,
            "the_name": call.principal.display_name,
        },
    ).one()
    call.cancel_timer(arrivals.ESCALATE, arrival.arrival_id)
    arrivals.announce(call, claimed)
    call.record("arrival", arrival.arrival_id, claimed.state)
    return ClaimArrivalResponse(arrival=messages.arrival(claimed, call.bank))


def resolve_arrival(call: Call, request: ResolveArrivalRequest) -> ResolveArrivalResponse:
    """Ends an arrival that the caller claimed."""
    arrival = arrivals.lock(call, UUID(request.arrival_id))
    call.home = arrival.branch_id
    call.journey_id = arrival.journey_id
    rules.check_resolve(
        arrival.state, arrival.claimed_by, arrival.claimed_by_name, call.principal.id
    )
    resolved = arrivals.resolve(call, arrival.arrival_id)
    call.record("arrival", arrival.arrival_id, resolved.state)
    return ResolveArrivalResponse(arrival=messages.arrival(resolved, call.bank))


def get_lobby(call: Call, request: GetLobbyRequest) -> GetLobbyResponse:
    """Returns the lines with how many wait, and the arrivals that are not resolved."""
    lines = {line.code: line for line in call.bank.service_lines(call.home)}
    counted = store.LINES.all(
        call.connection,
        {
            "branch_id": call.home,
            "codes": list(lines),
            "time_zone": str(call.bank.time_zone(call.home)),
        },
    )
    open_arrivals = call.connection.execute(store.OPEN_ARRIVALS, {"the_branch_id": call.home})
    return GetLobbyResponse(
        service_lines=[
            ServiceLine(
                service_line_code=row.code,
                display_name=lines[row.code].name,
                waiting_count=row.waiting_count,
                last_called_number=rules.printed_number(row.code, row.last_called)
                if row.last_called
                else "",
                priority=lines[row.code].priority,
            )
            for row in counted
        ],
        arrivals=[
            messages.arrival(row, call.bank)
            for row in open_arrivals
            if feed.may_see(call.principal, arrivals.audience(row))
        ],
    )


def list_tickets(call: Call, request: ListTicketsRequest) -> ListTicketsResponse:
    """Lists today's tickets in the order of issue."""
    page = paging.open_page(call, request)
    time, ticket_id = _BEGINNING
    if page.after is not None:
        time, ticket_id = datetime.fromisoformat(page.after[0]), UUID(page.after[1])
    rows = store.LIST_TICKETS.all(
        call.connection,
        {
            "branch_id": call.home,
            "time_zone": str(call.bank.time_zone(call.home)),
            "states": [Ticket.State.Name(s).removeprefix("STATE_") for s in request.states],
            "code": request.service_line_code,
            "after_time": time,
            "after_id": ticket_id,
            "row_count": page.size + 1,
        },
    )
    shown = rows[: page.size]
    token = ""
    if len(rows) > page.size:
        last = (shown[-1].issued_at.isoformat(), str(shown[-1].ticket_id))
        token = paging.next_token(call, request, last)
    return ListTicketsResponse(
        tickets=[messages.ticket(row) for row in shown], next_page_token=token
    )


def _changed(call: Call, change: Executable, ticket: AnyRow, **values: object) -> Ticket:
    row = call.connection.execute(change, {"the_ticket_id": ticket.ticket_id, **values}).one()
    return _announced(call, row)


def _announced(call: Call, row: AnyRow) -> Ticket:
    ticket = messages.ticket(row)
    call.journey_id = row.journey_id
    call.publish(ticket)
    call.record("ticket", row.ticket_id, row.state)
    return ticket
