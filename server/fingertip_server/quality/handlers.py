"""The methods of QualityService."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from google.type.date_pb2 import Date

from fingertip.quality.v1.error_entry_pb2 import ErrorEntry as EntryMessage
from fingertip.quality.v1.quality_service_pb2 import (
    AnswerErrorRequest,
    AnswerErrorResponse,
    GetQualityRequest,
    GetQualityResponse,
    GetSecondLookRequest,
    GetSecondLookResponse,
    ListErrorsRequest,
    ListErrorsResponse,
    ListSecondLooksRequest,
    ListSecondLooksResponse,
    ReviewTaskRequest,
    ReviewTaskResponse,
    SettleErrorRequest,
    SettleErrorResponse,
)
from fingertip.quality.v1.second_look_pb2 import SecondLook as LookMessage
from fingertip_server.authorization import tasks
from fingertip_server.packs.schema_bank import BranchKind
from fingertip_server.quality import (
    error_file,
    messages,
    rules,
    scores,
    second_look,
    store,
)
from fingertip_server.quality.rules import State
from fingertip_server.quality.scores import Period
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call


def list_errors(call: Call, request: ListErrorsRequest) -> ListErrorsResponse:
    """Lists the entries that are the caller's unit's to see."""
    page = paging.open_page(call, request)
    kind, own = call.bank.branch(call.principal.branch_id).kind, call.principal.branch_id
    found = store.entries(
        call,
        branch_id=own if kind == BranchKind.BRANCH else "",
        centre_id=own if kind == BranchKind.CENTRE else "",
        states=[EntryMessage.State.Name(state).removeprefix("STATE_") for state in request.states],
        after=_after(page),
        size=page.size,
    )
    token = ""
    if len(found) == page.size:
        token = _token(call, request, found[-1].create_time, found[-1].error_entry_id)
    return ListErrorsResponse(entries=[messages.entry(row) for row in found], next_page_token=token)


def answer_error(call: Call, request: AnswerErrorRequest) -> AnswerErrorResponse:
    """Confirms or disputes an entry for the teller's branch."""
    entry = error_file.locked(call, request.error_entry_id)
    person = _person(call)
    if entry.branch_id != call.principal.branch_id:
        raise rules.no_entry()
    rules.require_answerable(State(entry.state), error_file.parts(call, entry), person)
    entry.state = State.AT_SUPERVISOR
    entry.is_disputed = request.disputed
    entry.answered_by, entry.answered_person_id = call.principal.id, person
    entry.answer_note = request.note
    error_file.changed(call, entry)
    call.record("error_entry", entry.error_entry_id, entry.state)
    return AnswerErrorResponse(entry=messages.entry(entry))


def settle_error(call: Call, request: SettleErrorRequest) -> SettleErrorResponse:
    """Has an entry count, or cancels it."""
    entry = error_file.locked(call, request.error_entry_id)
    person = _person(call)
    if entry.centre_id != call.principal.branch_id:
        raise rules.no_entry()
    rules.require_settleable(
        State(entry.state), error_file.parts(call, entry), person, upheld=request.upheld
    )
    entry.state = State.CONFIRMED if request.upheld else State.CANCELLED
    entry.settled_by, entry.settled_person_id = call.principal.id, person
    entry.settle_note, entry.settle_time = request.note, call.now
    error_file.changed(call, entry)
    call.record("error_entry", entry.error_entry_id, entry.state)
    return SettleErrorResponse(entry=messages.entry(entry))


def get_quality(call: Call, request: GetQualityRequest) -> GetQualityResponse:
    """Tells how good the work of branches or tellers was."""
    own = call.bank.branch(call.principal.branch_id)
    zone = call.bank.time_zone(own.code)
    since, until = _day(request.from_date), _day(request.to_date)
    rules.require_period(since, until)
    page = paging.open_page(call, request)
    period = Period(
        branch_id=rules.unit_of(
            own.code, request.branch_id, is_branch=own.kind == BranchKind.BRANCH
        ),
        centre_id=own.code if own.kind == BranchKind.CENTRE else "",
        since=datetime.combine(since, time(), zone),
        until=datetime.combine(until + timedelta(days=1), time(), zone),
        by_teller=request.by_teller,
    )
    after = (page.after[0], page.after[1]) if page.after else None
    found = scores.rows(call, period, after, page.size)
    token = ""
    if len(found) == page.size:
        token = paging.next_token(call, request, (found[-1].branch_id, found[-1].maker_id))
    return GetQualityResponse(rows=found, next_page_token=token)


def list_second_looks(call: Call, request: ListSecondLooksRequest) -> ListSecondLooksResponse:
    """Lists second looks of the caller's centre."""
    page = paging.open_page(call, request)
    states = [LookMessage.State.Name(state).removeprefix("STATE_") for state in request.states]
    found = store.second_looks(call, call.principal.branch_id, states, _after(page), page.size)
    token = ""
    if len(found) == page.size:
        token = _token(call, request, found[-1].create_time, found[-1].task_id)
    return ListSecondLooksResponse(
        second_looks=[messages.second_look(row) for row in found], next_page_token=token
    )


def get_second_look(call: Call, request: GetSecondLookRequest) -> GetSecondLookResponse:
    """Shows what was approved to somebody who had no part in it."""
    found = store.find_second_look(call, UUID(request.task_id))
    row, closed = second_look.admitted(call, found)
    call.record("second_look", row.task_id)
    return GetSecondLookResponse(
        second_look=messages.second_look(row),
        content=tasks.content(call, closed),
        checklist=closed.checklist,
    )


def review_task(call: Call, request: ReviewTaskRequest) -> ReviewTaskResponse:
    """Says whether what was approved was right."""
    row, closed = second_look.admitted(call, second_look.locked(call, request.task_id))
    details = [[finding.subject, finding.note] for finding in request.findings]
    second_look.review(call, row, closed, details)
    call.record("second_look", row.task_id, row.state)
    return ReviewTaskResponse(second_look=messages.second_look(row))


def _after(page: paging.Page) -> tuple[datetime, UUID] | None:
    return (datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None


def _token(call: Call, request: paging.Paged, create_time: datetime, row_id: UUID) -> str:
    return paging.next_token(call, request, (create_time.astimezone(UTC).isoformat(), str(row_id)))


def _day(message: Date) -> date:
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        # A month or a year as a whole, which the type admits.
        raise rules.no_day() from None


def _person(call: Call) -> UUID:
    if call.principal.person_id is None:
        raise TypeError("Only a member of staff has a part in the error file.")
    return call.principal.person_id
