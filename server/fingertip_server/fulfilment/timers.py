"""What happens to work items by time.

Neither asking for work nor leasing it writes a timer: most of it is done in time. A standing sweep
looks every second, through two indexes, for what is overdue, and only that gets a timer each.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from fingertip_server.db import leases
from fingertip_server.fulfilment import operations, progress, rules, store
from fingertip_server.fulfilment.pace import pace
from fingertip_server.fulfilment.rules import Move
from fingertip_server.fulfilment.states import TROUBLED, Purpose, State
from fingertip_server.fulfilment.tables import WorkItem
from fingertip_server.rpc.call import Call

_SWEEP = "fulfilment.sweep"
_OVERDUE = "fulfilment.overdue"
END_BARRED = "fulfilment.end_barred"
_EVERY = timedelta(seconds=1)
_ITEMS_MAX = 500


def sweep(call: Call, subject: str) -> None:
    """Starts a timer for each overdue item, and itself again."""
    store.start_overdue(call.connection, _OVERDUE, _ITEMS_MAX)
    call.start_timer(_SWEEP, subject, call.now + _EVERY)


def overdue(call: Call, work_item_id: str) -> None:
    """Takes an item from an adapter that fell silent, or ends one that nobody answered."""
    row = store.lock(call.session, UUID(work_item_id))
    if row is None:
        return
    progress.enter(call, row)
    if row.state == State.LEASED and leases.has_lapsed(row, call.now):
        move = rules.after_lapse(progress.standing(row), pace(call.bank.policies), call.now)
        progress.go_on(call, row, move, "LEASE_LAPSED")
    elif row.state == State.READY and row.deadline_at is not None and row.deadline_at <= call.now:
        ended = Move(State.FAILED, Purpose(row.purpose), call.now)
        progress.go_on(call, row, ended, "DEADLINE_PASSED")


def barred(row: WorkItem, code: str) -> str:
    """Returns the subject of `end_barred`: under which lease an item was kept back, and why."""
    return f"{row.work_item_id}/{row.fence}/{code}"


def end_barred(call: Call, subject: str) -> None:
    """Ends an item that was kept back from its adapter because it may not be executed any more."""
    work_item_id, fence, code = subject.split("/")
    row = store.lock(call.session, UUID(work_item_id))
    if row is None or row.state != State.LEASED or row.fence != int(fence):
        return
    progress.enter(call, row)
    progress.go_on(call, row, Move(State.FAILED, Purpose(row.purpose), call.now), code)


def inquire(call: Call, work_item_id: str) -> None:
    """Has an item inquired about at once of which the bank's list says that the bank has it."""
    row = store.lock(call.session, UUID(work_item_id))
    if row is None or row.state not in TROUBLED or not row.has_effect:
        return
    progress.enter(call, row)
    if row.state == State.UNKNOWN:
        row.ready_at = call.now
        row.version += 1
        call.record("work_item", row.work_item_id, row.state)
        call.wake(f"work:{row.kind}")
        return
    move = rules.after_retry(progress.standing(row), call.now)
    progress.go_on(call, row, move, row.failure_code)
    row.attempts_forgiven = row.attempts


TIMERS: Mapping[str, Callable[[Call, str], None]] = {
    _SWEEP: sweep,
    _OVERDUE: overdue,
    END_BARRED: end_barred,
    operations.COMPARE_DAY: operations.compare_day,
    operations.INQUIRE: inquire,
}
