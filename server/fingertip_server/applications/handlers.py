"""The methods of ApplicationsService: an application from the empty form to its submission."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from fingertip.applications.v1 import application_pb2
from fingertip.applications.v1.applications_service_pb2 import (
    CheckApplicationRequest,
    CheckApplicationResponse,
    GetApplicationRequest,
    GetApplicationResponse,
    GetFormRequest,
    GetFormResponse,
    ListApplicationsRequest,
    ListApplicationsResponse,
    SaveApplicationRequest,
    SaveApplicationResponse,
    StartApplicationRequest,
    StartApplicationResponse,
    SubmitApplicationRequest,
    SubmitApplicationResponse,
    WithdrawApplicationRequest,
    WithdrawApplicationResponse,
)
from fingertip.authorization.v1.task_pb2 import Task as TaskMessage
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications import (
    access,
    answers,
    changes,
    customers,
    drafts,
    filling,
    forms,
    identities,
    messages,
    persons,
    rules,
    screenings,
    store,
    submission,
)
from fingertip_server.applications.rules import State, Step
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call

_PIECE_BYTES_MAX = 1024 * 1024


def get_form(call: Call, request: GetFormRequest) -> GetFormResponse:
    """Returns a form of the pack."""
    form = call.bank.form(request.form_code, request.version)
    return GetFormResponse(form=forms.to_message(form, call.bank))


def start_application(call: Call, request: StartApplicationRequest) -> StartApplicationResponse:
    """Starts an empty draft of the newest version of a form."""
    form = call.bank.form(request.form_code)
    customer_id = UUID(request.customer_id)
    customers.applicant(call, customer_id)
    application_id = UUID(request.application_id) if request.application_id else uuid4()
    call.journey_id = UUID(request.journey_id) if request.journey_id else uuid4()
    application = drafts.start(call, application_id, form, customer_id)
    call.record("application", application_id, application.state)
    return StartApplicationResponse(application=changes.announce(call, application))


def save_application(call: Call, request: SaveApplicationRequest) -> SaveApplicationResponse:
    """Stores answers, right or wrong, among those that are there."""
    application = access.editable(call, request.application_id, request.etag)
    fields = {field.key: field for field in filling.form_of(call, application).fields}
    given = filling.answers(call, application)
    today = access.today(call, application)
    for index, answer in enumerate(request.answers):
        if answer.field_key not in fields:
            raise rules.field_unknown(answer.field_key, f"answers[{index}].field_key")
        field = fields[answer.field_key]
        given[field.key] = answers.to_stored(field, answer.value, today=today)
    before = persons.of(filling.read(call, application))
    kept = {key: value for key, value in given.items() if value}
    filling.fill(call, application, kept)
    identities.forget_changed(call, application, before)
    call.record("application", application.application_id, application.state)
    return SaveApplicationResponse(application=changes.changed(call, application))


def check_application(call: Call, request: CheckApplicationRequest) -> CheckApplicationResponse:
    """Returns every fault of an application of the caller's branch."""
    application = access.own_branchs(call, request.application_id)
    evidence = store.evidence(call.session, application.application_id)
    faults = submission.faults(call, application, evidence)
    return CheckApplicationResponse(faults=[messages.fault(fault) for fault in faults])


def submit_application(call: Call, request: SubmitApplicationRequest) -> SubmitApplicationResponse:
    """Freezes the content and has somebody else decide about it."""
    application = access.editable(call, request.application_id, request.etag)
    evidence = store.evidence(call.session, application.application_id)
    rules.require_complete(submission.faults(call, application, evidence))
    on_site = request.route == TaskMessage.ROUTE_ON_SITE
    submission.submit(call, application, evidence, on_site=on_site)
    call.record("application", application.application_id, application.state)
    return SubmitApplicationResponse(application=changes.changed(call, application, evidence))


def refuse_submit_application(
    call: Call, request: SubmitApplicationRequest, refusal: errors.DomainError
) -> None:
    """Keeps why a submission was stopped, where the branch does not read it."""
    if refusal.reason != ErrorReason.ERROR_REASON_SCREENING_HIT:
        call.home = call.principal.branch_id
        return
    application = access.own_branchs(call, request.application_id)
    screenings.before_submission(call, application)
    call.record("application", application.application_id, application.state)


def withdraw_application(
    call: Call, request: WithdrawApplicationRequest
) -> WithdrawApplicationResponse:
    """Ends an application, and the task about it, before anybody decided."""
    application = access.own(call, request.application_id)
    had_task = State(application.state) in rules.UNDECIDED
    changes.step(application, Step.WITHDRAW)
    errors.require_etag(application.version, request.etag)
    if had_task:
        submission.withdraw(call, application)
    call.record("application", application.application_id, application.state, request.purpose)
    return WithdrawApplicationResponse(application=changes.changed(call, application))


def get_application(call: Call, request: GetApplicationRequest) -> GetApplicationResponse:
    """Shows an application; to its maker whole, as long as he may correct it."""
    application = access.own_branchs(call, request.application_id)
    is_whole = application.maker_id == call.principal.id and application.state in rules.EDITABLE
    evidence = store.evidence(call.session, application.application_id)
    response = GetApplicationResponse(
        application=messages.application(application, evidence),
        answers=messages.answers(
            filling.form_of(call, application),
            filling.answers(call, application),
            whole=is_whole,
        ),
    )
    if application.execute_time is not None:
        number = filling.account_number(call, application)
        response.result.CopyFrom(messages.result(number, application))
    call.record("application", application.application_id)
    return response


def list_applications(call: Call, request: ListApplicationsRequest) -> ListApplicationsResponse:
    """Lists the applications of the caller's branch."""
    page = paging.open_page(call, request)
    found = store.page(
        call,
        call.principal.branch_id,
        [
            application_pb2.Application.State.Name(state).removeprefix("STATE_")
            for state in request.states
        ],
        UUID(request.customer_id) if request.customer_id else None,
        (datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None,
        page.size,
    )
    token = ""
    if len(found) == page.size:
        key = (found[-1].create_time.astimezone(UTC).isoformat(), str(found[-1].application_id))
        token = paging.next_token(call, request, key)
    return ListApplicationsResponse(
        applications=[
            messages.application(row, store.evidence(call.session, row.application_id))
            for row in found
        ],
        next_page_token=token,
    )
