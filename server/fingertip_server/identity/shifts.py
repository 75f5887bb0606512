"""Shifts: who is at work where. That nobody has two at a time is a constraint."""

from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, insert, null, update

from fingertip_server.identity.tables import Shift
from fingertip_server.rpc.call import Call

LAPSE = "identity.lapse_shift"

_END = (
    update(Shift)
    .where(Shift.staff_id == bindparam("the_staff_id"), Shift.ended_at.is_(None))
    .values(ended_at=func.fingertip_now())
    .returning(Shift.shift_id)
)
_START_BREAK = (
    update(Shift)
    .where(
        Shift.staff_id == bindparam("the_staff_id"),
        Shift.ended_at.is_(None),
        Shift.break_since.is_(None),
    )
    .values(break_since=func.fingertip_now())
    .returning(Shift.shift_id)
)
_END_BREAK = (
    update(Shift)
    .where(
        Shift.staff_id == bindparam("the_staff_id"),
        Shift.ended_at.is_(None),
        Shift.break_since.is_not(None),
    )
    .values(break_since=null())
    .returning(Shift.shift_id)
)
_LAPSE = (
    update(Shift)
    .where(Shift.shift_id == bindparam("the_shift_id"), Shift.ended_at.is_(None))
    .values(ended_at=func.fingertip_now())
    .returning(Shift.staff_id, Shift.branch_id)
)


def start(call: Call, staff_id: str, branch_id: str) -> UUID:
    """Starts a shift and returns its id. It lapses when nobody ends it for as long as a session."""
    shift_id = uuid4()
    row = {"shift_id": shift_id, "staff_id": staff_id, "branch_id": branch_id}
    call.connection.execute(insert(Shift), row)
    lifetime = call.bank.policies.duration("identity.session_lifetime")
    call.start_timer(LAPSE, shift_id, call.now + lifetime)
    return shift_id


def end(call: Call, staff_id: str) -> UUID | None:
    """Ends the shift of a member of staff and returns its id, or None when there is none."""
    ended = call.connection.execute(_END, {"the_staff_id": staff_id}).scalar_one_or_none()
    if ended is not None:
        call.cancel_timer(LAPSE, ended)
    return ended


def start_break(call: Call, staff_id: str) -> UUID | None:
    """Starts a break of who is on shift and on none; returns his shift's id, or None."""
    parameters = {"the_staff_id": staff_id}
    return call.connection.execute(_START_BREAK, parameters).scalar_one_or_none()


def end_break(call: Call, staff_id: str) -> UUID | None:
    """Ends a break and returns the shift's id, or None when there is no break."""
    return call.connection.execute(_END_BREAK, {"the_staff_id": staff_id}).scalar_one_or_none()


def lapse(call: Call, shift_id: UUID) -> tuple[str, str] | None:
    """Ends a shift, and returns whose and in which unit, or None when it was over."""
    row = call.connection.execute(_LAPSE, {"the_shift_id": shift_id}).one_or_none()
    return (row.staff_id, row.branch_id) if row else None


def changed(call: Call, staff_id: str) -> None:
    """Tells all whose business it is that a shift or a break started or ended."""
    call.invalidate(f"staff:{staff_id}")
    for tell in call.hooks.shift_changed:
        tell(call, staff_id)
