"""What happens to identities by time."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from fingertip_server.identity import delegations, devices, sessions, shifts
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.idempotency import ANSWERS_KEPT

_FORGET = "identity.forget"
_FORGET_EVERY = timedelta(hours=1)
_ROWS_PER_TURN = 5_000


def lapse_shift(call: Call, shift_id: str) -> None:
    """Ends a shift that its owner forgot to end, so that nobody counts on him."""
    ended = shifts.lapse(call, UUID(shift_id))
    if ended is None:
        return
    staff_id, call.home = ended
    shifts.changed(call, staff_id)
    call.record("shift", shift_id, "LAPSED")


def lapse_delegation(call: Call, delegation_id: str) -> None:
    """Has those look again who counted on authority that was lent; it counts no more by itself."""
    delegation = delegations.lock(call.connection, UUID(delegation_id))
    if delegation is None or delegation.revoked_at is not None:
        return
    call.home = delegation.branch_id
    shifts.changed(call, delegation.delegate_id)
    call.record("delegation", delegation_id, "EXPIRED")


def forget(call: Call, subject: str) -> None:
    """Deletes sessions and enrolment codes when no stored answer speaks of them any more."""
    kinds = (sessions.forget, devices.forget_codes)
    gone = [delete(call.connection, ANSWERS_KEPT, _ROWS_PER_TURN) for delete in kinds]
    is_done = max(gone) < _ROWS_PER_TURN
    call.start_timer(_FORGET, subject, call.now + _FORGET_EVERY if is_done else call.now)


TIMERS: Mapping[str, Callable[[Call, str], None]] = {
    _FORGET: forget,
    delegations.LAPSE: lapse_delegation,
    shifts.LAPSE: lapse_shift,
}
