"""How work items look on the wire."""

from fingertip.fulfilment.v1.work_item_pb2 import LeasedWorkItem, WorkItem, WorkOrder
from fingertip_server.fulfilment import tables


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
