"""The bank's lists of its operations: taken piece by piece, closed, and then compared as a whole.

A day is one row, whose lock keeps the pieces of its list in order. Items are locked in the order of
their ids, so that two lists that meet the same items never wait for each other.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from google.type.date_pb2 import Date
from sqlalchemy import exists, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.fulfilment.v1 import operation_pb2
from fingertip.fulfilment.v1.fulfilment_service_pb2 import ReportOperationsRequest
from fingertip_server import errors
from fingertip_server.fulfilment import comparing, differences, progress
from fingertip_server.fulfilment.differences import EXPLAINED, OPEN, Book
from fingertip_server.fulfilment.states import TROUBLED, State
from fingertip_server.fulfilment.tables import (
    BankOperation,
    OperationDifference,
    OperationsDay,
    WorkItem,
)
from fingertip_server.rpc.call import Call

COMPARE_DAY = "fulfilment.compare_day"
INQUIRE = "fulfilment.inquire"

_BATCH = 200
_NANOS_PER_UNIT = 1_000_000_000


def day_of(day: Date) -> date:
    """Returns a day of the contract."""
    return date(day.year, day.month, day.day)


def take(call: Call, request: ReportOperationsRequest) -> OperationsDay:
    """Takes a piece of a list, compares it, and closes the day with the last one.

    Raises BUSINESS_DAY_AHEAD, WORK_KIND_NOT_ALLOWED and SYNC_POSITION_MISMATCH.
    """
    business_day = day_of(request.business_day)
    _require_begun(call, business_day)
    _require_allowed(call, request.operations)
    day = _lock_day(call, request.source, business_day)
    _follow(day, UUID(request.list_id), request.position)
    book = Book(day.source, day.business_day, day.topic)
    _store(call, day, request.operations)
    operation_ids = sorted({UUID(each.operation_id) for each in request.operations})
    if operation_ids:
        items = _lock_items(call, operation_ids)
        for item in items.values():
            item.listed_on = business_day
            if item.state in TROUBLED:
                # A list is no answer to an inquiry, but a good reason for one.
                call.start_timer(INQUIRE, item.work_item_id, call.now)
        differences.compare(call, book, operation_ids, items, _booked_of(call))
    day.position += len(request.operations)
    day.version += 1
    if request.is_last:
        day.closed_sending = day.sending
        day.closed_at = call.now
        day.work_kinds = sorted(call.principal.work_kinds)
        call.start_timer(COMPARE_DAY, f"{day.source}/{business_day.isoformat()}", call.now)
    call.flush()
    return day


def compare_day(call: Call, subject: str) -> None:
    """Compares a closed day as a whole, a bounded number of items at a time.

    What a former list had and the present one has not is listed no more; and what is done here and
    on no list is a difference. The subject is "source/day".
    """
    source, _, written = subject.partition("/")
    day = call.session.scalars(
        select(OperationsDay)
        .where(
            OperationsDay.source == source,
            OperationsDay.business_day == date.fromisoformat(written),
        )
        .with_for_update(key_share=True)
    ).one_or_none()
    if day is None or day.closed_at is None:
        return
    call.home = day.topic
    found = _drop(call, day) + _miss(call, day)
    if found:
        call.start_timer(COMPARE_DAY, subject, call.now)
    call.record("operations_day", subject, "COMPARED")


def find(session: Session, source: str, business_day: date) -> OperationsDay | None:
    """Returns a day of which something was reported."""
    return session.get(OperationsDay, (source, business_day))


def listed(
    session: Session, source: str, business_day: date, after: tuple[str, str] | None, size: int
) -> Sequence[BankOperation]:
    """Returns what the bank listed of a day."""
    key = tuple_(BankOperation.operation_id, BankOperation.core_reference)
    query = (
        select(BankOperation)
        .where(
            BankOperation.source == source,
            BankOperation.business_day == business_day,
            BankOperation.is_listed,
        )
        .order_by(BankOperation.operation_id, BankOperation.core_reference)
        .limit(size)
    )
    if after is not None:
        query = query.where(key > (UUID(after[0]), after[1]))
    return session.scalars(query).all()


def _require_begun(call: Call, business_day: date) -> None:
    zone = call.bank.time_zone(call.principal.branch_id)
    if business_day > call.now.astimezone(zone).date():
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_BUSINESS_DAY_AHEAD,
            "The business day has not begun yet.",
            business_day=business_day.isoformat(),
        )


def _require_allowed(call: Call, reported: Sequence[operation_pb2.BankOperation]) -> None:
    for each in reported:
        if each.work_kind not in call.principal.work_kinds:
            raise errors.PermissionDenied(
                ErrorReason.ERROR_REASON_WORK_KIND_NOT_ALLOWED,
                "The adapter was not enrolled for this kind of work.",
                kind=each.work_kind,
            )


def _lock_day(call: Call, source: str, business_day: date) -> OperationsDay:
    """Returns a day's row, locked, and makes it when it is the first that is heard of the day."""
    first = insert(OperationsDay).values(
        source=source, business_day=business_day, topic=call.principal.branch_id
    )
    call.session.execute(first.on_conflict_do_nothing())
    return call.session.scalars(
        select(OperationsDay)
        .where(OperationsDay.source == source, OperationsDay.business_day == business_day)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def _follow(day: OperationsDay, list_id: UUID, position: int) -> None:
    """Starts a new list at its beginning, or goes on with the one that is being sent."""
    if list_id != day.list_id and position == 0:
        day.list_id = list_id
        day.position = 0
        day.sending += 1
        return
    is_over = day.closed_sending == day.sending
    if list_id != day.list_id or position != day.position or is_over:
        raise errors.Conflict(
            ErrorReason.ERROR_REASON_SYNC_POSITION_MISMATCH,
            "The piece does not follow the last one taken.",
            position=str(day.position),
        )


def _store(call: Call, day: OperationsDay, reported: Sequence[operation_pb2.BankOperation]) -> None:
    for each in sorted(reported, key=lambda each: (each.operation_id, each.core_reference)):
        row_id = BankOperation.row_of(day.source, each.operation_id, each.core_reference)
        amount = None
        if each.HasField("amount"):
            amount = each.amount.units + Decimal(each.amount.nanos) / _NANOS_PER_UNIT
        facts = {
            "business_day": day.business_day,
            "sending": day.sending,
            "is_listed": True,
            "topic": day.topic,
            "work_kind": each.work_kind,
            "customer_number": each.customer_number,
            "account_number": call.protection.seal(
                BankOperation.account_number, row_id, each.account_number
            )
            if each.account_number
            else None,
            "content_hash": each.content_hash,
            "currency": each.amount.currency_code,
            "amount": amount,
            "booked_at": each.book_time.ToDatetime(tzinfo=call.now.tzinfo),
        }
        statement = insert(BankOperation).values(
            source=day.source,
            operation_id=UUID(each.operation_id),
            core_reference=each.core_reference,
            **facts,
        )
        call.session.execute(
            statement.on_conflict_do_update(
                index_elements=["source", "operation_id", "core_reference"], set_=facts
            )
        )


def _lock_items(call: Call, operation_ids: Sequence[UUID]) -> Mapping[UUID, WorkItem]:
    """Returns the items with an effect of some operations, locked in the order of their ids."""
    rows = call.session.scalars(
        select(WorkItem)
        .where(WorkItem.operation_id.in_(operation_ids), WorkItem.has_effect)
        .order_by(WorkItem.work_item_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.operation_id: row for row in rows}


def _booked_of(call: Call) -> differences.BookedOf:
    return lambda row: progress.booked(call, row)


def _drop(call: Call, day: OperationsDay) -> int:
    """Unlists what a former list of the day had and the present one has not; returns how many."""
    dropped = call.session.scalars(
        select(BankOperation)
        .where(
            BankOperation.source == day.source,
            BankOperation.business_day == day.business_day,
            BankOperation.is_listed,
            BankOperation.sending < day.closed_sending,
        )
        .order_by(BankOperation.operation_id, BankOperation.core_reference)
        .limit(_BATCH)
    ).all()
    for row in dropped:
        row.is_listed = False
    call.flush()
    operation_ids = sorted({row.operation_id for row in dropped})
    if operation_ids:
        items = _lock_items(call, operation_ids)
        still = set(
            call.session.scalars(
                select(BankOperation.operation_id).where(
                    BankOperation.operation_id.in_(operation_ids), BankOperation.is_listed
                )
            )
        )
        for operation_id, item in items.items():
            if operation_id not in still:
                item.listed_on = None
        book = Book(day.source, day.business_day, day.topic)
        differences.compare(call, book, operation_ids, items, _booked_of(call))
    return len(dropped)


def _miss(call: Call, day: OperationsDay) -> int:
    """Finds what is done here and on no list though one should have it; returns how many."""
    found = call.session.scalars(
        select(WorkItem.operation_id)
        .where(
            _UNLISTED,
            WorkItem.kind.in_(day.work_kinds),
            WorkItem.ended_at < _end(call, day),
            WorkItem.created_at >= _beginning(call, day),
            ~exists().where(
                OperationDifference.source == day.source,
                OperationDifference.operation_id == WorkItem.operation_id,
                OperationDifference.kind == comparing.Kind.NOT_AT_BANK,
                OperationDifference.state.in_((OPEN, EXPLAINED)),
            ),
        )
        .order_by(WorkItem.ended_at)
        .limit(_BATCH)
    ).all()
    if found:
        items = {
            operation_id: item
            for operation_id, item in _lock_items(call, found).items()
            # Another list may have come in between.
            if item.listed_on is None and item.state == State.DONE
        }
        book = Book(day.source, day.business_day, day.topic)
        differences.compare(call, book, sorted(items), items, _booked_of(call), is_due=True)
        return len(items)
    return 0


# Written out, so that the planner sees that the partial index fits.
_UNLISTED = (
    WorkItem.has_effect
    & (WorkItem.state == literal_column("'DONE'"))
    & (WorkItem.listed_on.is_(None))
)


def _end(call: Call, day: OperationsDay) -> datetime:
    """Returns until when something must have ended to be on the lists up to a day's.

    That is the end of the day, or the moment at which it was closed, if that was earlier: what came
    afterwards is for the next list.
    """
    zone = call.bank.time_zone(day.topic)
    midnight = datetime.combine(day.business_day + timedelta(days=1), time(), zone)
    return min(midnight, day.closed_at or midnight)


def _beginning(call: Call, day: OperationsDay) -> datetime:
    """Returns since when the bank has sent lists: what is older is on none."""
    first = call.session.scalars(
        select(OperationsDay.business_day)
        .where(OperationsDay.source == day.source)
        .order_by(OperationsDay.business_day)
        .limit(1)
    ).one()
    return datetime.combine(first, time(), call.bank.time_zone(day.topic))
