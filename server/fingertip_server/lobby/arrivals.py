"""Alerts the lobby that an important customer has come."""

from collections.abc import Callable, Mapping
from uuid import UUID, uuid4

from fingertip_server.customer import directory as customers
from fingertip_server.customer.values import CustomerFacts
from fingertip_server.db.hot import AnyRow
from fingertip_server.identity import directory as staff
from fingertip_server.lobby import messages, rules, store
from fingertip_server.lobby.rules import ArrivalState, printed_number
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Audience

ESCALATE = "lobby.escalate_arrival"
CLOSE = "lobby.close_arrival"
_ALERTED = "lobby.arrivals.alerted"
_CLAIM = "lobby.arrivals.claim"


def audience(arrival: AnyRow) -> Audience:
    """Returns who sees an arrival: the lobby's staff on shift and the customer's own manager.

    Once it was escalated, everybody on shift who may claim it.
    """
    manager = arrival.relationship_manager_id
    permission = _CLAIM if arrival.escalation_level else _ALERTED
    return Audience(permission=permission, staff=(manager,) if manager else (), on_shift=True)


def alert(call: Call, ticket: AnyRow, customer: CustomerFacts) -> None:
    """Makes an arrival of a ticket, when the customer's tier is alerted and was not yet today."""
    tier = call.bank.tiers.get(customer.tier_code)
    if tier is None or not tier.alert:
        return
    manager_id = customer.relationship_manager_id
    manager = staff.staff(call.connection, manager_id) if manager_id else None
    arrival = store.INSERT_ARRIVAL.first(
        call.connection,
        {
            "arrival_id": uuid4(),
            "branch_id": ticket.branch_id,
            "business_day": ticket.business_day,
            "ticket_id": ticket.ticket_id,
            "ticket_number": printed_number(ticket.service_line_code, ticket.sequence_number),
            "journey_id": ticket.journey_id,
            "customer_id": customer.customer_id,
            "masked_name": customers.masked_name(call, customer),
            "tier_code": customer.tier_code,
            "relationship_manager_id": manager_id if manager else "",
            "relationship_manager_branch_id": manager.branch_id if manager else "",
        },
    )
    if arrival is None:
        return
    escalation = call.bank.policies.duration("lobby.arrival_escalation")
    call.start_timer(ESCALATE, arrival.arrival_id, arrival.created_at + escalation)
    announce(call, arrival)


def announce(call: Call, arrival: AnyRow) -> None:
    """Shows an arrival to its branch, and to the relationship manager where he is elsewhere."""
    message = messages.arrival(arrival, call.bank)
    seen_by = audience(arrival)
    call.publish(message, seen_by, topic=arrival.branch_id)
    elsewhere = arrival.relationship_manager_branch_id
    if elsewhere and elsewhere != arrival.branch_id:
        call.publish(message, only_manager(arrival), topic=elsewhere)


def only_manager(arrival: AnyRow) -> Audience:
    """Returns who sees an arrival in the branch where the relationship manager works."""
    return Audience(staff=(arrival.relationship_manager_id,))


def lock(call: Call, arrival_id: UUID) -> AnyRow:
    """Returns an arrival that the caller may claim, locked. Raises ARRIVAL_NOT_FOUND."""
    arrival = call.connection.execute(
        store.LOCK_ARRIVAL, {"the_arrival_id": arrival_id}
    ).one_or_none()
    if arrival is None:
        raise rules.arrival_not_found()
    is_own_branch = arrival.branch_id == call.principal.branch_id
    if not is_own_branch and arrival.relationship_manager_id != call.principal.id:
        raise rules.arrival_not_found()
    return arrival


def resolve_of_visit(call: Call, ticket: AnyRow) -> None:
    """Ends the day's arrival of a ticket's customer, if any: whichever ticket, he is served."""
    if ticket.customer_id is None:
        return
    arrival = call.connection.execute(
        store.LOCK_ARRIVAL_OF_CUSTOMER,
        {
            "the_branch_id": ticket.branch_id,
            "the_business_day": ticket.business_day,
            "the_customer_id": ticket.customer_id,
        },
    ).one_or_none()
    if arrival is not None and arrival.state != ArrivalState.RESOLVED:
        resolve(call, arrival.arrival_id)


def renumber(call: Call, ticket: AnyRow) -> None:
    """Shows the arrival of a ticket, if any, with the ticket's number of now."""
    number = printed_number(ticket.service_line_code, ticket.sequence_number)
    arrival = call.connection.execute(
        store.RENUMBER_ARRIVAL, {"the_ticket_id": ticket.ticket_id, "the_number": number}
    ).one_or_none()
    if arrival is not None:
        announce(call, arrival)


def resolve(call: Call, arrival_id: UUID) -> AnyRow:
    """Ends an arrival, which the caller has locked, and announces it."""
    resolved = call.connection.execute(store.RESOLVE, {"the_arrival_id": arrival_id}).one()
    call.cancel_timer(ESCALATE, arrival_id)
    announce(call, resolved)
    return resolved


def escalate(call: Call, arrival_id: str) -> None:
    """Shows an arrival that nobody claimed to more people."""
    arrival = call.connection.execute(
        store.LOCK_ARRIVAL, {"the_arrival_id": UUID(arrival_id)}
    ).one_or_none()
    if arrival is None or arrival.state != ArrivalState.OPEN or arrival.escalation_level:
        return
    call.home = arrival.branch_id
    call.journey_id = arrival.journey_id
    escalated = call.connection.execute(
        store.ESCALATE, {"the_arrival_id": arrival.arrival_id}
    ).one()
    announce(call, escalated)
    call.record("arrival", arrival_id, "ESCALATED")


def close(call: Call, arrival_id: str) -> None:
    """Ends an arrival whose day is over."""
    arrival = call.connection.execute(
        store.LOCK_ARRIVAL, {"the_arrival_id": UUID(arrival_id)}
    ).one_or_none()
    if arrival is None or arrival.state == ArrivalState.RESOLVED:
        return
    call.home = arrival.branch_id
    call.journey_id = arrival.journey_id
    resolved = resolve(call, arrival.arrival_id)
    call.record("arrival", arrival_id, resolved.state)


TIMERS: Mapping[str, Callable[[Call, str], None]] = {ESCALATE: escalate, CLOSE: close}
