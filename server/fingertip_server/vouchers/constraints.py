"""What a violated constraint of this domain means to the caller."""

from collections.abc import Callable, Mapping

from fingertip_server import errors
from fingertip_server.vouchers import rules

CONSTRAINTS: Mapping[str, Callable[[], errors.DomainError]] = {
    "uq_voucher_voucher_type_serial": rules.exists,
}
