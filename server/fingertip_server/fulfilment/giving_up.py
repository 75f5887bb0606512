"""Ends a parked item that will not be done, by one person's word or by two.

Of an item with an effect nobody can tell alone that the bank did not act; whatever two persons say,
the bank's list of operations has the last word.
"""

from fingertip_server.fulfilment import messages, progress, rules
from fingertip_server.fulfilment.hooks import GIVEN_UP
from fingertip_server.fulfilment.rules import Move
from fingertip_server.fulfilment.states import Purpose, State
from fingertip_server.fulfilment.tables import WorkItem
from fingertip_server.rpc.call import Call


def give_up(call: Call, row: WorkItem, purpose: str) -> None:
    """Gives a locked, parked item up, or asks for it. Raises FOUR_EYES."""
    if row.has_effect and row.give_up_person_id is None:
        _ask(call, row, purpose)
        return
    if row.give_up_person_id is not None:
        rules.require_second_person(row.give_up_person_id, call.principal.person_id)
    progress.go_on(call, row, Move(State.FAILED, Purpose(row.purpose), call.now), GIVEN_UP)


def _ask(call: Call, row: WorkItem, purpose: str) -> None:
    row.give_up_by = call.principal.id
    row.give_up_person_id = call.principal.person_id
    row.give_up_purpose = purpose
    row.give_up_at = call.now
    row.version += 1
    call.flush()
    call.publish(messages.work_item(row), progress.OPERATORS)
