"""What a violated constraint of this domain means to the caller."""

from collections.abc import Callable, Mapping

from fingertip_server import errors
from fingertip_server.applications import inquiries, reversal_rules, rules

CONSTRAINTS: Mapping[str, Callable[[], errors.DomainError]] = {
    "pk_application": rules.id_taken,
    "pk_attachment": rules.id_taken,
    "uq_application_inquiry_asked": inquiries.running,
    "uq_reversal_application_id_open": reversal_rules.under_way,
}
