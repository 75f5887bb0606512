"""How an item goes on: the row changes, its owner is told, operators see what concerns them."""

from fingertip.fulfilment.v1.work_item_pb2 import WorkOrder, WorkResult
from fingertip_server.db import leases
from fingertip_server.fulfilment import differences, messages
from fingertip_server.fulfilment.hooks import Booked, Completion, Item, admits_all
from fingertip_server.fulfilment.rules import Move, Standing
from fingertip_server.fulfilment.states import ENDED, LEASABLE, TROUBLED, Purpose, State
from fingertip_server.fulfilment.tables import WorkItem
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Audience

OPERATORS = Audience(permission="fulfilment.read")


def enter(call: Call, row: WorkItem) -> None:
    """Makes the item's branch and journey those of the call."""
    call.home = row.branch_id
    call.journey_id = row.journey_id


def standing(row: WorkItem) -> Standing:
    """Returns what the rules need to know of an item."""
    return Standing(
        operation_id=row.operation_id,
        has_effect=row.has_effect,
        purpose=Purpose(row.purpose),
        attempts=row.attempts - row.attempts_forgiven,
        executed_at=row.executed_at,
        deadline_at=row.deadline_at,
    )


def completion(call: Call, row: WorkItem) -> Completion:
    """Returns who owns an item; one without an owner is a mistake of the program.

    What the bank is to do belongs to its subject, whatever the kind of work: a pack may name any.
    """
    if row.has_effect:
        return call.hooks.executions[row.subject_kind]
    return call.hooks.completions[row.kind]


def order(call: Call, row: WorkItem) -> WorkOrder:
    """Returns what the item asks for."""
    return WorkOrder.FromString(
        call.protection.open_bytes(WorkItem.order_sealed, row.work_item_id, row.order_sealed)
    )


def item(call: Call, row: WorkItem) -> Item:
    """Returns the item as its owner sees it."""
    return Item(
        work_item_id=row.work_item_id,
        kind=row.kind,
        operation_id=row.operation_id,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        branch_id=row.branch_id,
        journey_id=row.journey_id,
        order=order(call, row),
    )


def bar(call: Call, row: WorkItem) -> str:
    """Returns why an item that was just leased may not be executed any more; "" when it may."""
    owner = completion(call, row)
    if row.purpose == Purpose.EXECUTE and owner.bar is not admits_all:
        return owner.bar(call, item(call, row))
    return ""


def forget_giving_up(row: WorkItem) -> None:
    """Voids what somebody asked about an item that was parked."""
    row.give_up_by = row.give_up_person_id = row.give_up_at = None
    row.give_up_purpose = ""


def booked(call: Call, row: WorkItem) -> Booked | None:
    """Returns what the owner of an item with an effect knows of what was booked for it."""
    return completion(call, row).booked(call, item(call, row))


def finish(call: Call, row: WorkItem, result: WorkResult) -> None:
    """Ends an item with its result."""
    completion(call, row).done(call, item(call, row), result)
    _move(call, row, Move(State.DONE, Purpose(row.purpose), call.now), failure_code="")


def go_on(call: Call, row: WorkItem, move: Move, failure_code: str) -> None:
    """Moves an item that was not done, for the reason that the code gives."""
    owner = completion(call, row)
    if move.state is State.FAILED:
        owner.failed(call, item(call, row), failure_code)
    elif move.state is State.PARKED:
        owner.parked(call, item(call, row))
    elif move.state is State.UNKNOWN:
        owner.unknown(call, item(call, row))
    _move(call, row, move, failure_code=failure_code)


def _move(call: Call, row: WorkItem, move: Move, *, failure_code: str) -> None:
    """Changes a locked item, after its owner was told.

    Whoever asks for the same holds rows of the owner, and waits in his append for an item that is
    being changed, not for one that is merely locked. So the owner's rows come before the change.
    """
    concerned = row.state in TROUBLED or row.purpose == Purpose.INQUIRE
    if row.state == State.LEASED and row.purpose == Purpose.EXECUTE:
        row.executed_at = call.now
    leases.give_up(row, move.state)
    row.purpose = move.purpose.value
    row.ready_at = move.ready_at
    row.failure_code = failure_code
    forget_giving_up(row)
    row.ended_at = call.now if move.state in ENDED else None
    call.flush()
    if row.has_effect and move.state in ENDED:
        differences.ended(call, row, lambda ended: booked(call, ended))
    call.record("work_item", row.work_item_id, row.state)
    if move.state in LEASABLE and move.ready_at <= call.now:
        call.wake(f"work:{row.kind}")
    if concerned or move.state in TROUBLED:
        call.publish(messages.work_item(row), OPERATORS)
