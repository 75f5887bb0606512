"""The calls of an operator's commands."""

from collections.abc import Sequence
from datetime import date

from google.type.date_pb2 import Date

from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    ExplainDifferenceRequest,
    GetWorkItemRequest,
    GiveUpWorkItemRequest,
    ListDifferencesRequest,
    ListOperationsRequest,
    ListWorkItemsRequest,
    RetryWorkItemRequest,
)
from fingertip.fulfilment.v1.operation_pb2 import BankOperation, OperationDifference
from fingertip.fulfilment.v1.work_item_pb2 import WorkItem
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id

_PAGE = 200


async def items(
    caller: Caller, states: Sequence[WorkItem.State.ValueType], kind: str
) -> list[WorkItem]:
    """Returns all items in these states and of a kind, newest first; none stands for all."""
    found: list[WorkItem] = []
    token = ""
    while True:
        response = await caller.fulfilment.ListWorkItems(
            ListWorkItemsRequest(states=states, kind=kind, page_size=_PAGE, page_token=token)
        )
        found += response.work_items
        token = response.next_page_token
        if not token:
            return found


async def item(caller: Caller, work_item_id: str) -> WorkItem:
    """Returns an item."""
    request = GetWorkItemRequest(work_item_id=work_item_id)
    return (await caller.fulfilment.GetWorkItem(request)).work_item


async def retry(caller: Caller, work_item_id: str, purpose: str) -> WorkItem:
    """Gives a parked item new attempts."""
    request = RetryWorkItemRequest(
        request_id=new_request_id(), work_item_id=work_item_id, purpose=purpose
    )
    return (await caller.fulfilment.RetryWorkItem(request)).work_item


async def give_up(caller: Caller, seen: WorkItem, purpose: str) -> WorkItem:
    """Gives a parked item up as it was seen."""
    request = GiveUpWorkItemRequest(
        request_id=new_request_id(),
        work_item_id=seen.work_item_id,
        etag=str(seen.version),
        purpose=purpose,
    )
    return (await caller.fulfilment.GiveUpWorkItem(request)).work_item


async def differences(
    caller: Caller, states: Sequence[OperationDifference.State.ValueType]
) -> list[OperationDifference]:
    """Returns all differences in these states, newest first; none stands for all."""
    found: list[OperationDifference] = []
    token = ""
    while True:
        response = await caller.fulfilment.ListDifferences(
            ListDifferencesRequest(states=states, page_size=_PAGE, page_token=token)
        )
        found += response.differences
        token = response.next_page_token
        if not token:
            return found


async def explain(caller: Caller, difference_id: str, purpose: str) -> OperationDifference | None:
    """Explains a difference as it is now; does nothing where it is not open."""
    seen = await differences(caller, [OperationDifference.STATE_OPEN])
    found = next((each for each in seen if each.difference_id == difference_id), None)
    if found is None:
        return None
    request = ExplainDifferenceRequest(
        request_id=new_request_id(),
        difference_id=difference_id,
        etag=str(found.version),
        purpose=purpose,
    )
    return (await caller.fulfilment.ExplainDifference(request)).difference


async def operations(caller: Caller, source: str, business_day: date) -> list[BankOperation]:
    """Returns what the bank reported of a day."""
    day = Date(year=business_day.year, month=business_day.month, day=business_day.day)
    found: list[BankOperation] = []
    token = ""
    while True:
        response = await caller.fulfilment.ListOperations(
            ListOperationsRequest(
                source=source, business_day=day, page_size=_PAGE, page_token=token
            )
        )
        found += response.operations
        token = response.next_page_token
        if not token:
            return found
