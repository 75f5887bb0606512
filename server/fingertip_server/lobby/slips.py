"""Gives the ticket of a press whose answer was lost the number on its customer's slip."""

from collections.abc import Mapping

from fingertip_server.db.hot import AnyRow
from fingertip_server.lobby import arrivals, rules, store
from fingertip_server.lobby.rules import TicketState
from fingertip_server.rpc.call import Call


def adopt(call: Call, slip: Mapping[str, object], *, is_over: bool) -> AnyRow | None:
    """Moves the ticket with the slip's id to the slip's line, day and number.

    Returns None when the branch has no such ticket, or when that has the number of a slip already.
    `is_over` says that the slip's day is.
    """
    issued = call.connection.execute(store.RENUMBER, slip).one_or_none()
    if issued is None:
        return None
    named = {"the_ticket_id": issued.ticket_id}
    state = rules.state_under_another_number(issued.state, is_over=is_over)
    if state != issued.state and state is TicketState.WAITING:
        call.connection.execute(store.WAIT_AGAIN, named)
    elif state != issued.state:
        call.connection.execute(store.END, {**named, "the_state": state})
    ticket = call.connection.execute(store.FIND_WITH_QUEUE, slip).one()
    arrivals.renumber(call, ticket)
    return ticket
