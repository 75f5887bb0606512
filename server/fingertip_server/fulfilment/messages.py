"""How work items look on the wire, and what the bank's books say of them."""

import datetime as dt

from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from fingertip.fulfilment.v1 import operation_pb2
from fingertip.fulfilment.v1.work_item_pb2 import LeasedWorkItem, WorkItem, WorkOrder
from fingertip_server.fulfilment import tables

_NANOS_PER_UNIT = 1_000_000_000


def work_item(row: tables.WorkItem) -> WorkItem:
    """Describes an item to those who look after the queue."""
    message = WorkItem(
        work_item_id=str(row.work_item_id),
        kind=row.kind,
        operation_id=str(row.operation_id),
        state=WorkItem.State.Value(f"STATE_{row.state}"),
        purpose=WorkItem.Purpose.Value(f"PURPOSE_{row.purpose}"),
        attempts=row.attempts,
        has_effect=row.has_effect,
        branch_id=row.branch_id,
        journey_id=str(row.journey_id or ""),
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        failure_code=row.failure_code,
        version=row.version,
        give_up_by=row.give_up_by or "",
        give_up_purpose=row.give_up_purpose,
    )
    if row.give_up_at is not None:
        message.give_up_time.FromDatetime(row.give_up_at)
    message.ready_time.FromDatetime(row.ready_at)
    message.create_time.FromDatetime(row.created_at)
    if row.ended_at is not None:
        message.end_time.FromDatetime(row.ended_at)
    return message


def leased_work_item(row: tables.WorkItem, order: WorkOrder) -> LeasedWorkItem:
    """Describes an item to the adapter that has just leased it."""
    message = LeasedWorkItem(
        work_item=work_item(row), fence=row.fence, order=order, traceparent=row.traceparent
    )
    if row.lease_until is not None:
        message.lease_expire_time.FromDatetime(row.lease_until)
    return message


def operations_day(row: tables.OperationsDay) -> operation_pb2.OperationsDay:
    """Describes a day's list as far as it was sent."""
    message = operation_pb2.OperationsDay(
        source=row.source,
        business_day=_day(row.business_day),
        closed=row.closed_at is not None and row.closed_sending == row.sending,
        operation_count=row.position,
    )
    if row.closed_at is not None:
        message.close_time.FromDatetime(row.closed_at)
    return message


def bank_operation(row: tables.BankOperation, account_number: str) -> operation_pb2.BankOperation:
    """Describes a booking of the bank's; its account number is masked by the pipeline."""
    message = operation_pb2.BankOperation(
        operation_id=str(row.operation_id),
        work_kind=row.work_kind,
        core_reference=row.core_reference,
        customer_number=row.customer_number,
        account_number=account_number,
        content_hash=row.content_hash,
    )
    if row.amount is not None:
        # Both have the amount's sign.
        units = int(row.amount)
        nanos = int((row.amount - units) * _NANOS_PER_UNIT)
        message.amount.CopyFrom(Money(currency_code=row.currency, units=units, nanos=nanos))
    message.book_time.FromDatetime(row.booked_at)
    return message


def difference(row: tables.OperationDifference) -> operation_pb2.OperationDifference:
    """Describes a difference to those who look after the queue."""
    message = operation_pb2.OperationDifference(
        difference_id=str(row.difference_id),
        source=row.source,
        business_day=_day(row.business_day),
        kind=operation_pb2.OperationDifference.Kind.Value(f"KIND_{row.kind}"),
        state=operation_pb2.OperationDifference.State.Value(f"STATE_{row.state}"),
        operation_id=str(row.operation_id),
        work_item_id=str(row.work_item_id or ""),
        branch_id=row.branch_id,
        core_references=row.core_references,
        explained_by=row.explained_by,
        explanation=row.explanation,
        version=row.version,
    )
    if row.item_state:
        message.item_state = WorkItem.State.Value(f"STATE_{row.item_state}")
    message.find_time.FromDatetime(row.found_at)
    if row.settled_at is not None:
        message.settle_time.FromDatetime(row.settled_at)
    return message


def _day(day: dt.date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)
