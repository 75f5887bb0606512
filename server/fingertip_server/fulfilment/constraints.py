"""What a violated constraint of the queue means to a caller."""

from collections.abc import Callable, Mapping

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors


def _asked_again() -> errors.DomainError:
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_WORK_ITEM_STATE,
        "Another item asks for the same by now.",
        state="PARKED",
    )


CONSTRAINTS: Mapping[str, Callable[[], errors.DomainError]] = {"uq_work_item_open": _asked_again}
