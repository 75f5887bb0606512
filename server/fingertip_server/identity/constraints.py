"""What a violated constraint of this domain means to the caller."""

from collections.abc import Callable, Mapping

from fingertip_server import errors
from fingertip_server.identity import rules

CONSTRAINTS: Mapping[str, Callable[[], errors.DomainError]] = {
    "uq_shift_staff_id_open": rules.already_on_shift,
}
