"""Whose stock a caller may see and change, and who may stand by."""

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.vouchers.v1 import stock_pb2
from fingertip.vouchers.v1.vouchers_service_pb2 import GetStockRequest
from fingertip_server import errors
from fingertip_server.identity import directory
from fingertip_server.identity import rules as identity_rules
from fingertip_server.identity.directory import StaffRow
from fingertip_server.rpc.call import Call
from fingertip_server.vouchers import messages, rules, stocks, store

HOLD = "vouchers.hold"
KEEP = "vouchers.keep"
READ = "vouchers.read"


def require_on_shift(call: Call) -> None:
    """Raises NOT_ON_SHIFT for a caller who is not at work."""
    if not call.principal.on_shift:
        raise identity_rules.not_on_shift()


def colleague(call: Call, staff_id: str) -> StaffRow:
    """Returns a member of staff of the caller's branch. Raises STAFF_NOT_FOUND."""
    found = directory.staff(call.connection, staff_id)
    if found is None or found.branch_id != call.principal.branch_id:
        raise identity_rules.staff_not_found()
    return found


def holder(call: Call, request: GetStockRequest) -> str:
    """Returns whose stock is asked for. Raises PERMISSION_MISSING and STAFF_NOT_FOUND."""
    if not request.vault and request.holder_id in {"", call.principal.id}:
        return call.principal.id
    if KEEP not in call.principal.permissions:
        raise errors.PermissionDenied(
            ErrorReason.ERROR_REASON_PERMISSION_MISSING,
            "The caller may see his own stock only.",
            permission=KEEP,
        )
    return stocks.VAULT if request.vault else colleague(call, request.holder_id).staff_id


def shown(call: Call, holder_id: str) -> stock_pb2.Stock:
    """Returns the stock of a holder of the caller's branch, also of one who never had any."""
    row = store.stock(call.connection, call.home, holder_id)
    if row is None:
        return messages.no_stock(call.home, holder_id)
    return stocks.shown(call.connection, row, call.bank)


def require_room(call: Call, staff_id: str) -> None:
    """Raises VOUCHERS_TOO_MANY when a teller has more by now than one teller may."""
    limit = call.bank.policies.count("vouchers.held_max")
    if sum(line.number for line in store.lines(call.connection, call.home, staff_id)) > limit:
        raise rules.too_many(limit)
