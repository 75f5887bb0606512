"""The methods of FulfilmentService."""

from collections.abc import Container, Iterable
from datetime import datetime
from time import monotonic
from typing import cast
from uuid import UUID

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    CompleteWorkItemResponse,
    ExplainDifferenceRequest,
    ExplainDifferenceResponse,
    ExtendLeaseRequest,
    ExtendLeaseResponse,
    FailWorkItemRequest,
    FailWorkItemResponse,
    GetWorkItemRequest,
    GetWorkItemResponse,
    GiveUpWorkItemRequest,
    GiveUpWorkItemResponse,
    LeaseQuote,
    LeaseWorkItemsRequest,
    LeaseWorkItemsResponse,
    ListDifferencesRequest,
    ListDifferencesResponse,
    ListOperationsRequest,
    ListOperationsResponse,
    ListWorkItemsRequest,
    ListWorkItemsResponse,
    ReportOperationsRequest,
    ReportOperationsResponse,
    ReportOutcomeUnknownRequest,
    ReportOutcomeUnknownResponse,
    RetryWorkItemRequest,
    RetryWorkItemResponse,
)
from fingertip.fulfilment.v1.operation_pb2 import OperationDifference
from fingertip.fulfilment.v1.work_item_pb2 import WorkItem as WorkItemMessage
from fingertip_server import errors
from fingertip_server.fulfilment import (
    differences,
    giving_up,
    messages,
    operations,
    progress,
    results,
    rules,
    store,
    timers,
)
from fingertip_server.fulfilment.pace import pace
from fingertip_server.fulfilment.rules import Move
from fingertip_server.fulfilment.states import Purpose, State
from fingertip_server.fulfilment.tables import BankOperation, WorkItem
from fingertip_server.packs.schema_bank import BranchKind
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import After

# Signals cross processes; one that is lost costs a second.
_POLL_SECONDS = 1.0


def lease_work_items(call: Call, request: LeaseWorkItemsRequest) -> LeaseWorkItemsResponse:
    """Leases what is ready now, and keeps back what may not be executed any more."""
    kinds = rules.wanted_kinds(request.kinds, call.principal.work_kinds)
    span = pace(call.bank.policies).lease
    rows = store.lease(call.session, kinds, request.max_items, call.principal.id, span)
    response = LeaseWorkItemsResponse()
    for row in rows:
        if code := progress.bar(call, row):
            # Ended on its own branch's chain, which is not the adapter's.
            call.start_timer(timers.END_BARRED, timers.barred(row, code), call.now)
        else:
            response.items.append(messages.leased_work_item(row, progress.order(call, row)))
    response.extend_after.FromTimedelta(span / 3)
    return response


async def wait_lease_work_items(
    after: After, request: LeaseWorkItemsRequest, response: LeaseWorkItemsResponse
) -> LeaseWorkItemsResponse:
    """Waits for the first item, as long as the adapter wants and this process goes on."""
    names = {f"work:{kind}" for kind in request.kinds or after.principal.work_kinds}
    until = monotonic() + request.wait.ToTimedelta().total_seconds()
    while not response.items:
        remaining = until - monotonic()
        if remaining <= 0 or after.is_draining():
            break
        await after.woken(names, min(remaining, _POLL_SECONDS))
        if after.is_draining() or after.is_cancelled():
            # What was leased now would reach nobody.
            break
        response = cast("LeaseWorkItemsResponse", await after.again())
    return response


def extend_lease(call: Call, request: ExtendLeaseRequest) -> ExtendLeaseResponse:
    """Extends what the adapter still holds, and names what it lost."""
    quotes = [(UUID(quote.work_item_id), quote.fence) for quote in request.leases]
    span = pace(call.bank.policies).lease
    extended = store.extend(call.connection, quotes, call.principal.id, span)
    response = ExtendLeaseResponse(lost_work_item_ids=_lost(request.leases, extended))
    if extended:
        response.lease_expire_time.FromDatetime(min(extended.values()))
    return response


def complete_work_item(call: Call, request: CompleteWorkItemRequest) -> CompleteWorkItemResponse:
    """Ends an item with its result and tells its owner."""
    row = _held(call, request.work_item_id, request.fence)
    expected = progress.completion(call, row).expected_result
    results.require_answer(row.kind, progress.order(call, row), request.result, expected)
    progress.finish(call, row, request.result)
    return CompleteWorkItemResponse(work_item=messages.work_item(row))


def fail_work_item(call: Call, request: FailWorkItemRequest) -> FailWorkItemResponse:
    """Takes an item back that the bank did not act on."""
    row = _held(call, request.work_item_id, request.fence)
    progress.go_on(call, row, _after_failure(call, row, request.failure), request.failure_code)
    return FailWorkItemResponse(work_item=messages.work_item(row))


def report_outcome_unknown(
    call: Call, request: ReportOutcomeUnknownRequest
) -> ReportOutcomeUnknownResponse:
    """Takes an item back that the bank may have acted on."""
    row = _held(call, request.work_item_id, request.fence)
    move = rules.after_unknown(progress.standing(row), pace(call.bank.policies), call.now)
    progress.go_on(call, row, move, request.failure_code)
    return ReportOutcomeUnknownResponse(work_item=messages.work_item(row))


def retry_work_item(call: Call, request: RetryWorkItemRequest) -> RetryWorkItemResponse:
    """Gives a parked item new attempts."""
    row = _parked(call, request.work_item_id)
    move = rules.after_retry(progress.standing(row), call.now)
    progress.go_on(call, row, move, row.failure_code)
    row.attempts_forgiven = row.attempts
    call.record("work_item", row.work_item_id, row.state, request.purpose)
    return RetryWorkItemResponse(work_item=messages.work_item(row))


def give_up_work_item(call: Call, request: GiveUpWorkItemRequest) -> GiveUpWorkItemResponse:
    """Ends a parked item undone, once as many persons said so as it takes."""
    row = _parked(call, request.work_item_id)
    errors.require_etag(row.version, request.etag)
    giving_up.give_up(call, row, request.purpose)
    call.record("work_item", row.work_item_id, row.state, request.purpose)
    return GiveUpWorkItemResponse(work_item=messages.work_item(row))


def get_work_item(call: Call, request: GetWorkItemRequest) -> GetWorkItemResponse:
    """Returns an item to those who look after it."""
    row = call.session.get(WorkItem, UUID(request.work_item_id))
    if row is None or not _may_see(call, row.branch_id):
        raise _not_found()
    return GetWorkItemResponse(work_item=messages.work_item(row))


def list_work_items(call: Call, request: ListWorkItemsRequest) -> ListWorkItemsResponse:
    """Lists the branch's items, or the bank's for the head office."""
    page = paging.open_page(call, request)
    rows = store.listed(
        call.session,
        branch_id=None if _is_head_office(call) else call.principal.branch_id,
        states=[_state(number) for number in request.states if number],
        kind=request.kind,
        after=_position(page.after) if page.after else None,
        # One more tells whether there is a next page.
        size=page.size + 1,
    )
    shown = rows[: page.size]
    response = ListWorkItemsResponse(work_items=[messages.work_item(row) for row in shown])
    if len(rows) > page.size:
        last = (shown[-1].created_at.isoformat(), str(shown[-1].work_item_id))
        response.next_page_token = paging.next_token(call, request, last)
    return response


def report_operations(call: Call, request: ReportOperationsRequest) -> ReportOperationsResponse:
    """Takes a piece of the bank's list and compares it."""
    day = operations.take(call, request)
    state = "CLOSED" if request.is_last else "REPORTED"
    call.record("operations_day", f"{day.source}/{day.business_day.isoformat()}", state)
    return ReportOperationsResponse(next_position=day.position, day=messages.operations_day(day))


def list_operations(call: Call, request: ListOperationsRequest) -> ListOperationsResponse:
    """Lists what the bank reported of a day."""
    page = paging.open_page(call, request)
    business_day = operations.day_of(request.business_day)
    after = (page.after[0], page.after[1]) if page.after else None
    rows = operations.listed(call.session, request.source, business_day, after, page.size + 1)
    shown = rows[: page.size]
    response = ListOperationsResponse(
        operations=[messages.bank_operation(row, _account_number(call, row)) for row in shown]
    )
    day = operations.find(call.session, request.source, business_day)
    if day is not None:
        response.day.CopyFrom(messages.operations_day(day))
    if len(rows) > page.size:
        last = (str(shown[-1].operation_id), shown[-1].core_reference)
        response.next_page_token = paging.next_token(call, request, last)
    call.record("operations_day", f"{request.source}/{business_day.isoformat()}")
    return response


def list_differences(call: Call, request: ListDifferencesRequest) -> ListDifferencesResponse:
    """Lists the branch's differences, or the bank's for the head office."""
    page = paging.open_page(call, request)
    rows = differences.listed(
        call.session,
        branch_id=None if _is_head_office(call) else call.principal.branch_id,
        states=[
            OperationDifference.State.Name(number).removeprefix("STATE_")
            for number in request.states
        ],
        after=_position(page.after) if page.after else None,
        size=page.size + 1,
    )
    shown = rows[: page.size]
    response = ListDifferencesResponse(differences=[messages.difference(row) for row in shown])
    if len(rows) > page.size:
        last = (shown[-1].found_at.isoformat(), str(shown[-1].difference_id))
        response.next_page_token = paging.next_token(call, request, last)
    return response


def explain_difference(call: Call, request: ExplainDifferenceRequest) -> ExplainDifferenceResponse:
    """Keeps an operator's explanation; the difference stays."""
    row = differences.lock(call, UUID(request.difference_id))
    if row is None or not (_is_head_office(call) or row.branch_id == call.principal.branch_id):
        raise differences.no_difference()
    errors.require_etag(row.version, request.etag)
    call.home = row.topic
    differences.explain(call, row, request.purpose)
    call.record("operation_difference", row.difference_id, row.state, request.purpose)
    return ExplainDifferenceResponse(difference=messages.difference(row))


def _account_number(call: Call, row: BankOperation) -> str:
    if row.account_number is None:
        return ""
    return call.protection.open(BankOperation.account_number, row.row_id, row.account_number)


def _held(call: Call, work_item_id: str, fence: int) -> WorkItem:
    """Returns an item that the adapter holds, locked. Raises when it does not hold it."""
    row = store.lock(call.session, UUID(work_item_id))
    if row is None or row.kind not in call.principal.work_kinds:
        raise _not_found()
    progress.enter(call, row)
    rules.require_held(
        State(row.state),
        quoted_fence=fence,
        fence=row.fence,
        caller=call.principal.id,
        holder=row.holder,
    )
    return row


def _parked(call: Call, work_item_id: str) -> WorkItem:
    """Returns a parked item that the caller looks after, locked. Raises WORK_ITEM_STATE."""
    row = store.lock(call.session, UUID(work_item_id))
    if row is None or not _may_see(call, row.branch_id):
        raise _not_found()
    if row.state != State.PARKED:
        raise rules.wrong_state(State(row.state))
    progress.enter(call, row)
    return row


def _after_failure(
    call: Call, row: WorkItem, failure: FailWorkItemRequest.Failure.ValueType
) -> Move:
    """Decides where an item goes that the bank did not act on."""
    standing, patience = progress.standing(row), pace(call.bank.policies)
    if failure == FailWorkItemRequest.FAILURE_NEVER_SEEN:
        return rules.after_never_seen(standing, patience, call.now)
    if failure == FailWorkItemRequest.FAILURE_PERMANENT:
        return Move(State.FAILED, Purpose(row.purpose), call.now)
    return rules.after_not_acting(standing, patience, call.now)


def _lost(leases: Iterable[LeaseQuote], extended: Container[UUID]) -> list[str]:
    """Returns the quoted items that were not extended."""
    return [lease.work_item_id for lease in leases if UUID(lease.work_item_id) not in extended]


def _may_see(call: Call, branch_id: str) -> bool:
    """Tells whether the caller looks after the items of a branch."""
    return branch_id == call.principal.branch_id or _is_head_office(call)


def _is_head_office(call: Call) -> bool:
    return call.bank.branch(call.principal.branch_id).kind is BranchKind.HEAD_OFFICE


def _not_found() -> errors.NotFound:
    return errors.NotFound(
        ErrorReason.ERROR_REASON_WORK_ITEM_NOT_FOUND, "There is no such work item here."
    )


def _state(number: WorkItemMessage.State.ValueType) -> State:
    """Returns a state of the contract as the table has it."""
    return State(WorkItemMessage.State.Name(number).removeprefix("STATE_"))


def _position(key: tuple[str, ...]) -> tuple[datetime, UUID]:
    """Returns the place in the list that a page's token stands for."""
    created_at, work_item_id = key
    return datetime.fromisoformat(created_at), UUID(work_item_id)
