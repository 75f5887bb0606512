"""What happens to identities by time."""

from collections.abc import Callable, Mapping
from uuid import UUID

from fingertip_server.identity import shifts
from fingertip_server.rpc.call import Call


def lapse_shift(call: Call, shift_id: str) -> None:
    """Ends a shift that its owner forgot to end, so that nobody counts on him."""
    ended = shifts.lapse(call, UUID(shift_id))
    if ended is None:
        return
    staff_id, call.home = ended
    shifts.changed(call, staff_id)
    call.record("shift", shift_id, "LAPSED")


TIMERS: Mapping[str, Callable[[Call, str], None]] = {shifts.LAPSE: lapse_shift}
