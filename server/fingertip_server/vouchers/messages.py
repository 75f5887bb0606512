"""Rows of counted vouchers as the contract shows them."""

from collections.abc import Iterable
from datetime import date

from google.type.date_pb2 import Date

from fingertip.vouchers.v1 import stock_pb2, voucher_pb2
from fingertip_server.db.hot import AnyRow
from fingertip_server.packs.bank import Bank
from fingertip_server.vouchers.rules import BOUND, State


def voucher(row: AnyRow) -> voucher_pb2.Voucher:
    """Returns the voucher of a row."""
    message = voucher_pb2.Voucher(
        voucher_id=str(row.voucher_id),
        voucher_type=row.voucher_type,
        serial=row.serial,
        branch_id=row.branch_id,
        state=voucher_pb2.Voucher.State.Value(f"STATE_{row.state}"),
        holder_id=row.holder_id,
        application_id=str(row.application_id or ""),
        version=row.version,
    )
    message.change_time.FromDatetime(row.change_time)
    return message


def stock(
    row: AnyRow, lines: Iterable[AnyRow], count: AnyRow | None, bank: Bank
) -> stock_pb2.Stock:
    """Returns a stock with what is counted in it, and the count whose difference is open."""
    return stock_pb2.Stock(
        stock_id=str(row.stock_id),
        branch_id=row.branch_id,
        holder_id=row.holder_id,
        lines=_lines(lines, bank),
        day_state=stock_pb2.Stock.DayState.Value(f"DAY_STATE_{row.day_state}"),
        business_day=_date(row.business_day),
        overdue=row.is_overdue,
        differences=[
            stock_pb2.StockDifference(
                voucher_type=voucher_type,
                serial=serial,
                kind=stock_pb2.StockDifference.Kind.Value(f"KIND_{kind}"),
            )
            for voucher_type, serial, kind in (count.differences if count is not None else ())
        ],
        explanation=count.explanation if count is not None else "",
        etag=str(row.version),
        version=row.version,
    )


def no_stock(branch_id: str, holder_id: str) -> stock_pb2.Stock:
    """Returns the stock of somebody who never had any."""
    return stock_pb2.Stock(
        branch_id=branch_id,
        holder_id=holder_id,
        day_state=stock_pb2.Stock.DAY_STATE_CLOSED,
    )


def movement(row: AnyRow) -> voucher_pb2.VoucherMovement:
    """Returns the movement of a row."""
    message = voucher_pb2.VoucherMovement(
        voucher_id=str(row.voucher_id),
        version=row.version,
        voucher_type=row.voucher_type,
        serial=row.serial,
        branch_id=row.branch_id,
        kind=voucher_pb2.VoucherMovement.Kind.Value(f"KIND_{row.kind}"),
        state=voucher_pb2.Voucher.State.Value(f"STATE_{row.state}"),
        from_holder_id=row.from_holder_id,
        to_holder_id=row.to_holder_id,
        actor_id=row.actor_id,
        second_person_id=row.second_person_id,
        application_id=str(row.application_id or ""),
        core_reference=row.core_reference,
        purpose=row.purpose,
        business_day=_date(row.business_day),
    )
    message.move_time.FromDatetime(row.move_time)
    return message


def _lines(rows: Iterable[AnyRow], bank: Bank) -> list[stock_pb2.StockLine]:
    lines: dict[str, stock_pb2.StockLine] = {}
    for row in rows:
        line = lines.setdefault(
            row.voucher_type,
            stock_pb2.StockLine(
                voucher_type=row.voucher_type,
                display_name=bank.voucher_name(row.voucher_type),
            ),
        )
        if row.state in BOUND:
            line.reserved_count += row.number
        elif row.state == State.SPOILED:
            line.spoiled_count += row.number
        else:
            line.free_count += row.number
    return list(lines.values())


def _date(day: date | None) -> Date | None:
    return Date(year=day.year, month=day.month, day=day.day) if day is not None else None
