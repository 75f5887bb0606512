"""What a violated constraint of this domain means to the caller."""

from collections.abc import Callable, Mapping

from fingertip_server import errors
from fingertip_server.lobby import rules

CONSTRAINTS: Mapping[str, Callable[[], errors.DomainError]] = {
    "pk_ticket": rules.ticket_exists,
    "uq_ticket_number": rules.ticket_exists,
    "uq_ticket_desk": rules.desk_busy,
}
