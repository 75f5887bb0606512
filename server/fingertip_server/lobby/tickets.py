"""Issues tickets: the customer behind one, its number, and what follows from it."""

from datetime import timedelta
from uuid import UUID, uuid4, uuid5

from fingertip.fulfilment.v1.work_item_pb2 import ResolveCustomerOrder, WorkOrder
from fingertip.lobby.v1.lobby_service_pb2 import Identification, IssueTicketRequest
from fingertip_server.customer import directory as customers
from fingertip_server.customer.values import CustomerFacts
from fingertip_server.db.hot import AnyRow
from fingertip_server.lobby import arrivals, days, messages, rules, slips, store
from fingertip_server.packs.schema_bank import ServiceLine
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import WorkItemDraft

RESOLVE = "crm.resolve_customer"
_OPERATIONS = UUID("6d0f6f0e-3c3c-4a83-9d8c-2f1de7c3f0aa")
# An alert helps while the customer is in the lobby.
_DEADLINE = timedelta(hours=1)


def find_customer(call: Call, identification: Identification) -> CustomerFacts | None:
    """Returns whom the bank's master knows by a card or document."""
    match identification.WhichOneof("key"):
        case "card_number":
            return customers.by_card(call, identification.card_number)
        case "resident_id":
            return customers.by_resident_id(call, identification.resident_id)
        case _:
            return None


def issue(
    call: Call, line: ServiceLine, customer: CustomerFacts | None, ticket_id: str = ""
) -> AnyRow:
    """Draws the line's next number. Raises TICKET_NUMBERS_EXHAUSTED."""
    issued = store.ISSUE.first(
        call.connection,
        {
            **_facts(call, line, customer),
            "ticket_id": UUID(ticket_id) if ticket_id else uuid4(),
            "time_zone": str(call.bank.time_zone(line.branch)),
            "first_number": line.first_number,
            "last_number": line.last_number,
        },
    )
    if issued is None:
        raise rules.numbers_exhausted(line.code)
    if issued.sequence_number == line.first_number:
        days.begin(call, line, issued.business_day)
    return issued


def register(
    call: Call, request: IssueTicketRequest, line: ServiceLine, customer: CustomerFacts | None
) -> AnyRow:
    """Registers a number that the calling machine printed.

    Raises NUMBER_NOT_RESERVED and TICKET_EXISTS.
    """
    reserved = request.reserved_number
    block = call.connection.execute(
        store.FIND_BLOCK, {"the_block_id": UUID(reserved.block_id)}
    ).one_or_none()
    is_own = block is not None and (
        block.device_id == call.principal.device_id
        and block.service_line_code == line.code
        and block.first_number <= reserved.sequence_number <= block.last_number
    )
    if block is None or not is_own:
        raise rules.number_not_reserved()
    captured = request.capture_time.ToDatetime(tzinfo=call.now.tzinfo)
    issued_at = rules.issue_time(captured, reserved_at=block.created_at, now=call.now)
    zone = call.bank.time_zone(line.branch)
    if rules.business_day(issued_at, zone) != block.business_day:
        raise rules.number_not_reserved()
    # The register may come when the day is over: nobody waits any more.
    is_over = rules.business_day(call.now, zone) != block.business_day
    printed = {
        **_facts(call, line, customer),
        "ticket_id": UUID(request.ticket_id),
        "business_day": block.business_day,
        "sequence_number": reserved.sequence_number,
    }
    state = rules.TicketState.EXPIRED if is_over else rules.TicketState.WAITING
    ticket: AnyRow | None = call.connection.execute(
        store.REGISTER,
        printed
        | {"issued_at": issued_at, "state": state, "ended_at": call.now if is_over else None},
    ).one_or_none()
    if ticket is None:
        ticket = slips.adopt(call, printed, is_over=is_over)
    if ticket is None:
        found = call.connection.execute(store.FIND_REGISTERED, printed).scalar_one()
        raise rules.ticket_exists(str(found))
    return ticket


def reserve(call: Call, line: ServiceLine, count: int) -> AnyRow:
    """Reserves the line's next numbers for the calling machine, fewer where fewer are left.

    Raises TICKET_NUMBERS_EXHAUSTED when none is left.
    """
    # One look at the clock: a block of which only half was made at midnight is of no day.
    day = rules.business_day(call.now, call.bank.time_zone(line.branch))
    today = {"branch_id": line.branch, "service_line_code": line.code, "business_day": day}
    call.connection.execute(store.BEGIN_SEQUENCE, {**today, "first_number": line.first_number})
    first: int = call.connection.execute(store.LOCK_SEQUENCE, today).scalar_one()
    allowed = min(count, call.bank.policies.count("lobby.reserved_block_tickets"))
    last = min(first + allowed - 1, line.last_number)
    if first > last:
        raise rules.numbers_exhausted(line.code)
    if first == line.first_number:
        days.begin(call, line, day)
    call.connection.execute(store.SET_SEQUENCE, {**today, "next_number": last + 1})
    return call.connection.execute(
        store.INSERT_BLOCK,
        {
            **today,
            "block_id": uuid4(),
            "device_id": call.principal.device_id,
            "first_number": first,
            "last_number": last,
            "created_at": call.now,
        },
    ).one()


def follow_up(
    call: Call, ticket: AnyRow, identification: Identification, customer: CustomerFacts | None
) -> None:
    """Does what a ticket with a name brings about; nothing for an anonymous or late one."""
    # One that has changed since it was issued brought it about then.
    if ticket.state == rules.TicketState.EXPIRED or ticket.version > 1:
        return
    if customer is not None:
        arrivals.alert(call, ticket, customer)
        customers.ask_for_view(call, customer.customer_id)
    elif identification.WhichOneof("key"):
        # The master does not know him; the bank may.
        call.enqueue(
            WorkItemDraft(
                kind=RESOLVE,
                subject_kind="ticket",
                subject_id=str(ticket.ticket_id),
                order=WorkOrder(resolve_customer=_question(identification)),
                branch_id=ticket.branch_id,
                operation_id=uuid5(_OPERATIONS, str(ticket.ticket_id)),
                deadline=ticket.issued_at + _DEADLINE,
            )
        )


def identified(call: Call, ticket_id: UUID, customer_number: str) -> None:
    """Gives a ticket the customer whom the bank found behind its card; the alert follows."""
    customer = customers.by_id(call, call.bank.customer_id(customer_number))
    locked = call.connection.execute(
        store.LOCK_TICKET, {"the_ticket_id": ticket_id, "the_branch_id": call.home}
    ).one_or_none()
    if customer is None or locked is None or locked.customer_id is not None:
        return
    ticket = call.connection.execute(
        store.IDENTIFY,
        {
            "the_ticket_id": ticket_id,
            "the_customer_id": customer.customer_id,
            "the_tier_code": customer.tier_code,
        },
    ).one()
    call.publish(messages.ticket(ticket))
    if locked.state in {rules.TicketState.WAITING, rules.TicketState.CALLED}:
        arrivals.alert(call, ticket, customer)
    customers.ask_for_view(call, customer.customer_id)


def customer_of(call: Call, ticket_id: UUID) -> tuple[UUID | None, UUID]:
    """Returns whose ticket it is, None for an anonymous one, and its journey."""
    row = call.connection.execute(
        store.FIND_TICKET, {"the_ticket_id": ticket_id, "the_branch_id": call.home}
    ).one_or_none()
    if row is None:
        raise rules.ticket_not_found()
    return row.customer_id, row.journey_id


def _question(identification: Identification) -> ResolveCustomerOrder:
    if identification.WhichOneof("key") == "card_number":
        return ResolveCustomerOrder(card_number=identification.card_number)
    return ResolveCustomerOrder(resident_id=identification.resident_id)


def _facts(call: Call, line: ServiceLine, customer: CustomerFacts | None) -> dict[str, object]:
    return {
        "branch_id": line.branch,
        "service_line_code": line.code,
        "journey_id": _journey(call, line, customer),
        "customer_id": customer.customer_id if customer else None,
        "tier_code": customer.tier_code if customer else "",
    }


def _journey(call: Call, line: ServiceLine, customer: CustomerFacts | None) -> UUID:
    """Returns the customer's journey of today in this branch, or a new one."""
    if customer is None:
        return uuid4()
    known = store.TODAY_OF_CUSTOMER.first(
        call.connection,
        {
            "customer_id": customer.customer_id,
            "branch_id": line.branch,
            "time_zone": str(call.bank.time_zone(line.branch)),
        },
    )
    return known.journey_id if known else uuid4()
