"""What a violated constraint of this domain means to the caller."""

from collections.abc import Callable, Mapping

from fingertip_server import errors
from fingertip_server.authorization import rules

CONSTRAINTS: Mapping[str, Callable[[], errors.DomainError]] = {
    "uq_task_holder_claimed": rules.claim_held,
}
