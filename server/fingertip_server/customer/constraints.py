"""What a violated constraint of this domain means to the caller."""

from collections.abc import Callable, Mapping

from fingertip_server import errors
from fingertip_server.customer import restrictions

CONSTRAINTS: Mapping[str, Callable[[], errors.DomainError]] = {
    "uq_customer_restriction_live": restrictions.wrong_state,
}
