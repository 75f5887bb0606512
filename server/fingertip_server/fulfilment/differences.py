"""Differences between the bank's books and ours: each found once, told, and never forgotten."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.fulfilment import comparing, messages
from fingertip_server.fulfilment.comparing import Kind, Ours, Theirs
from fingertip_server.fulfilment.hooks import Booked
from fingertip_server.fulfilment.states import State
from fingertip_server.fulfilment.tables import BankOperation, OperationDifference, WorkItem
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Audience

OPEN, EXPLAINED, SETTLED = "OPEN", "EXPLAINED", "SETTLED"

_OPERATORS = Audience(permission="fulfilment.read")

BookedOf = Callable[[WorkItem], Booked | None]
"""Returns what the owner of an item knows of what was booked for it."""


@dataclass(frozen=True, slots=True)
class Book:
    """Whose books are compared, on whose list something was found, and who is told."""

    source: str
    business_day: date
    topic: str


def compare(
    call: Call,
    book: Book,
    operation_ids: Sequence[UUID],
    items: Mapping[UUID, WorkItem],
    booked_of: BookedOf,
    *,
    is_due: bool = False,
) -> None:
    """Compares what the bank has listed of some operations with their items, which are locked."""
    theirs = _bookings(call, book.source, operation_ids)
    known = _differences(call, book.source, operation_ids)
    for operation_id in operation_ids:
        item = items.get(operation_id)
        bookings = theirs.get(operation_id, [])
        found = comparing.compare(
            _ours(item, booked_of),
            [_theirs(call, booking) for booking in bookings],
            is_due=is_due,
        )
        references = sorted(booking.core_reference for booking in bookings)
        seen = _Seen(operation_id, item, references)
        _keep(call, book, seen, found, known.get(operation_id, {}))


def ended(call: Call, item: WorkItem, booked_of: BookedOf) -> None:
    """Compares a locked item that has just ended with what the bank has listed of it so far."""
    bookings = call.session.scalars(
        select(BankOperation).where(
            BankOperation.operation_id == item.operation_id, BankOperation.is_listed
        )
    ).all()
    for booking in bookings:
        item.listed_on = booking.business_day
    for source in sorted({booking.source for booking in bookings}):
        first = next(booking for booking in bookings if booking.source == source)
        book = Book(source, first.business_day, first.topic)
        compare(call, book, [item.operation_id], {item.operation_id: item}, booked_of)


def lock(call: Call, difference_id: UUID) -> OperationDifference | None:
    """Returns a difference, locked until the end of the transaction."""
    return call.session.scalars(
        select(OperationDifference)
        .where(OperationDifference.difference_id == difference_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def explain(call: Call, row: OperationDifference, purpose: str) -> None:
    """Explains a locked difference. Raises DIFFERENCE_STATE when it is not open."""
    if row.state != OPEN:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_DIFFERENCE_STATE,
            "The difference's state does not allow this.",
            state=row.state,
        )
    row.state = EXPLAINED
    row.explained_by = call.principal.id
    row.explanation = purpose
    _tell(call, row)


def no_difference() -> errors.NotFound:
    """Returns the refusal for a difference that is not there, or not the caller's to see."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_DIFFERENCE_NOT_FOUND, "There is no such difference here."
    )


def listed(
    session: Session,
    *,
    branch_id: str | None,
    states: Collection[str],
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Sequence[OperationDifference]:
    """Returns differences from the newest on, those of one branch or of all."""
    row = OperationDifference
    query = select(row).order_by(row.found_at.desc(), row.difference_id.desc()).limit(size)
    if branch_id is not None:
        query = query.where(row.branch_id == branch_id)
    if states:
        query = query.where(row.state.in_(states))
    if after is not None:
        query = query.where(tuple_(row.found_at, row.difference_id) < after)
    return session.scalars(query).all()


def open_of(session: Session, topic: str) -> Sequence[OperationDifference]:
    """Returns the open differences of which a topic's watchers are told."""
    row = OperationDifference
    query = select(row).where(row.topic == topic, row.state == OPEN)
    return session.scalars(query.order_by(row.found_at, row.difference_id)).all()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a comparison saw of an operation."""

    operation_id: UUID
    item: WorkItem | None
    references: list[str]

    @property
    def item_state(self) -> str:
        return self.item.state if self.item is not None else ""


def _keep(
    call: Call,
    book: Book,
    seen: _Seen,
    found: Collection[Kind],
    known: Mapping[str, OperationDifference],
) -> None:
    """Keeps what was found as rows, and settles what is a difference no more."""
    for kind in sorted(found):
        row = known.get(kind)
        if row is None:
            _tell(call, _add(call, book, seen, kind))
        elif row.state == SETTLED or _facts(row) != (seen.item_state, seen.references):
            row.state = OPEN
            row.found_at = call.now
            row.settled_at = None
            row.business_day = book.business_day
            row.item_state, row.core_references = seen.item_state, seen.references
            _tell(call, row)
    for row in known.values():
        if row.kind not in found and row.state != SETTLED:
            row.state = SETTLED
            row.settled_at = call.now
            row.item_state, row.core_references = seen.item_state, seen.references
            _tell(call, row)


def _add(call: Call, book: Book, seen: _Seen, kind: Kind) -> OperationDifference:
    row = OperationDifference(
        difference_id=uuid4(),
        source=book.source,
        business_day=book.business_day,
        kind=kind,
        state=OPEN,
        operation_id=seen.operation_id,
        work_item_id=seen.item.work_item_id if seen.item is not None else None,
        branch_id=seen.item.branch_id if seen.item is not None else "",
        item_state=seen.item_state,
        core_references=seen.references,
        topic=book.topic,
        found_at=call.now,
        explained_by="",
        explanation="",
        version=0,
    )
    call.session.add(row)
    return row


def _tell(call: Call, row: OperationDifference) -> None:
    row.version += 1
    call.publish(messages.difference(row), _OPERATORS, topic=row.topic)


def _facts(row: OperationDifference) -> tuple[str, list[str]]:
    return row.item_state, row.core_references


def _ours(item: WorkItem | None, booked_of: BookedOf) -> Ours | None:
    return None if item is None else Ours(State(item.state), item.kind, booked_of(item))


def _theirs(call: Call, row: BankOperation) -> Theirs:
    account_number = (
        call.protection.open(BankOperation.account_number, row.row_id, row.account_number)
        if row.account_number is not None
        else ""
    )
    amount = (row.currency, row.amount) if row.amount is not None else None
    return Theirs(
        row.work_kind,
        Booked(
            content_hash=row.content_hash,
            customer_number=row.customer_number,
            core_reference=row.core_reference,
            account_number=account_number,
            amount=amount,
        ),
    )


def _bookings(
    call: Call, source: str, operation_ids: Sequence[UUID]
) -> dict[UUID, list[BankOperation]]:
    rows = call.session.scalars(
        select(BankOperation).where(
            BankOperation.source == source,
            BankOperation.operation_id.in_(operation_ids),
            BankOperation.is_listed,
        )
    )
    found: dict[UUID, list[BankOperation]] = {}
    for row in rows:
        found.setdefault(row.operation_id, []).append(row)
    return found


def _differences(
    call: Call, source: str, operation_ids: Sequence[UUID]
) -> dict[UUID, dict[str, OperationDifference]]:
    rows = call.session.scalars(
        select(OperationDifference)
        .where(
            OperationDifference.source == source,
            OperationDifference.operation_id.in_(operation_ids),
        )
        .order_by(OperationDifference.difference_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    found: dict[UUID, dict[str, OperationDifference]] = {}
    for row in rows:
        found.setdefault(row.operation_id, {})[row.kind] = row
    return found
