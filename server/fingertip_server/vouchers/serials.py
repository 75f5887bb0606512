"""Reads which vouchers a request speaks of."""

from collections.abc import Iterable

from fingertip.vouchers.v1.voucher_pb2 import SerialRange
from fingertip_server.rpc.call import Call
from fingertip_server.vouchers import rules
from fingertip_server.vouchers.rules import Key


def read(call: Call, ranges: Iterable[SerialRange], field: str, limit: int) -> list[Key]:
    """Returns the vouchers of the ranges, in their order.

    Raises VOUCHER_TYPE_NOT_FOUND, VOUCHER_SERIAL, also for one that is listed twice, and
    VOUCHERS_TOO_MANY.
    """
    keys: list[Key] = []
    for index, each in enumerate(ranges):
        keys += rules.serials(
            call.bank.voucher_type(each.voucher_type),
            each.first_serial,
            each.last_serial,
            limit=limit,
            field=f"{field}[{index}]",
        )
        if len(keys) > limit:
            raise rules.too_many(limit)
    rules.require_no_twins(keys, field)
    return keys


def moved_at_once(call: Call, ranges: Iterable[SerialRange], field: str = "ranges") -> list[Key]:
    """Returns the vouchers that a request moves; no more than policy allows at once."""
    return read(call, ranges, field, call.bank.policies.count("vouchers.moved_at_once_max"))


def one(call: Call, voucher_type: str, serial: str) -> list[Key]:
    """Returns the voucher that a request names by its field `serial`.

    Raises VOUCHER_TYPE_NOT_FOUND and VOUCHER_SERIAL.
    """
    return rules.serials(call.bank.voucher_type(voucher_type), serial, "", limit=1, field="serial")
