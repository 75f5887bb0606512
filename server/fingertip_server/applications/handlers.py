"""The methods of ApplicationsService."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

from fingertip.applications.v1 import application_pb2
from fingertip.applications.v1.applications_service_pb2 import (
    AppendAttachmentRequest,
    AppendAttachmentResponse,
    AssignVoucherRequest,
    AssignVoucherResponse,
    AttestSightingRequest,
    AttestSightingResponse,
    CheckApplicationRequest,
    CheckApplicationResponse,
    CheckIdentityRequest,
    CheckIdentityResponse,
    CompleteAttachmentRequest,
    CompleteAttachmentResponse,
    GetApplicationRequest,
    GetApplicationResponse,
    GetCustomerCopyRequest,
    GetCustomerCopyResponse,
    GetFormRequest,
    GetFormResponse,
    GetJourneyRequest,
    GetJourneyResponse,
    GetReceiptRequest,
    GetReceiptResponse,
    ListApplicationsRequest,
    ListApplicationsResponse,
    ListReversalsRequest,
    ListReversalsResponse,
    PrintReceiptRequest,
    PrintReceiptResponse,
    ReadAttachmentRequest,
    ReadAttachmentResponse,
    RequestReversalRequest,
    RequestReversalResponse,
    SaveApplicationRequest,
    SaveApplicationResponse,
    ShowAgreementRequest,
    ShowAgreementResponse,
    SignApplicationRequest,
    SignApplicationResponse,
    StartApplicationRequest,
    StartApplicationResponse,
    StartAttachmentRequest,
    StartAttachmentResponse,
    StartInquiryRequest,
    StartInquiryResponse,
    SubmitApplicationRequest,
    SubmitApplicationResponse,
    VerifySignatureRequest,
    VerifySignatureResponse,
    WithdrawApplicationRequest,
    WithdrawApplicationResponse,
    WithdrawReversalRequest,
    WithdrawReversalResponse,
)
from fingertip.applications.v1.receipt_pb2 import Receipt as ReceiptMessage
from fingertip.applications.v1.reversal_pb2 import Reversal
from fingertip.authorization.v1.task_pb2 import Task as TaskMessage
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications import (
    access,
    agreements,
    answers,
    asked,
    attachment_rules,
    bindings,
    changes,
    copies,
    customers,
    drafts,
    filling,
    forms,
    identities,
    inquiries,
    messages,
    persons,
    receipt_text,
    receipts,
    reversal_rules,
    reversals,
    rules,
    screenings,
    signatures,
    store,
    submission,
    uploads,
    verification,
)
from fingertip_server.applications.attachment_rules import COMPLETE, UPLOADING, Examined
from fingertip_server.applications.rules import State, Step
from fingertip_server.applications.tables import Application, Receipt
from fingertip_server.audit import journal
from fingertip_server.packs.schema_forms import SIGNATURE
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside

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


def start_attachment(call: Call, request: StartAttachmentRequest) -> StartAttachmentResponse:
    """Announces an attachment, when the form accepts such a one."""
    application = access.extensible(call, request.application_id)
    asked.require_asked(application, request.kind)
    rule = asked.image_rule(application, filling.form_of(call, application), request.kind)
    if rule is None:
        raise rules.field_unknown(request.kind, "kind")
    siblings = store.count_of_kind(call, application.application_id, request.kind)
    attachment_rules.require_acceptable(rule, request.content_type, request.size_bytes, siblings)
    attachment = drafts.announce_attachment(call, application, request)
    call.record("attachment", attachment.attachment_id, attachment.state)
    message = changes.changed(call, application)
    return StartAttachmentResponse(attachment=messages.attachment(attachment), application=message)


def append_attachment(call: Call, request: AppendAttachmentRequest) -> AppendAttachmentResponse:
    """Stores a chunk, or takes it as repeated."""
    attachment_id, offset, size = UUID(request.attachment_id), request.offset, len(request.chunk)
    access.own_attachment(call, attachment_id)
    attachment = store.lock_attachment(call, attachment_id)
    attachment_rules.require_state(attachment.state, UPLOADING)
    upload = drafts.upload_of(attachment)
    if attachment_rules.is_repeated(upload, offset):
        if store.chunk_size(call, attachment_id, offset) != size:
            raise attachment_rules.wrong_offset(upload.next_offset)
        return AppendAttachmentResponse(next_offset=upload.next_offset)
    attachment_rules.require_next(upload, offset, size)
    store.add_chunk(call, attachment_id, offset, request.chunk)
    attachment.next_offset += size
    attachment.chunks += 1
    return AppendAttachmentResponse(next_offset=attachment.next_offset)


async def prepare_complete_attachment(
    outside: Outside, request: CompleteAttachmentRequest
) -> Examined | None:
    """Reads and examines what was stored, which takes longer than a transaction should.

    Chunks are never written over, so that what was examined stays so.
    """
    attachment_id = UUID(request.attachment_id)
    size = await outside.read(store.uploaded_by, attachment_id, outside.principal.id)
    if size is None:
        return None
    pieces = await outside.read(store.pieces, attachment_id, 0, size)
    return await asyncio.to_thread(uploads.examine, outside.protection, attachment_id, pieces)


def complete_attachment(
    call: Call, request: CompleteAttachmentRequest
) -> CompleteAttachmentResponse:
    """Puts an attachment to use when it is whole and what it was said to be."""
    attachment_id = UUID(request.attachment_id)
    _, owner = access.own_attachment(call, attachment_id)
    application = access.extensible(call, str(owner.application_id))
    attachment = store.lock_attachment(call, attachment_id)
    asked.require_asked(application, attachment.kind)
    attachment_rules.require_state(attachment.state, UPLOADING)
    if not isinstance(call.prepared, Examined):
        raise attachment_rules.wrong_offset(attachment.next_offset)
    upload = drafts.upload_of(attachment)
    attachment_rules.require_whole(upload, attachment.content_type, call.prepared, request.sha256)
    uploads.complete(call, application, attachment, request.sha256)
    call.record("attachment", attachment_id, attachment.state)
    return CompleteAttachmentResponse(
        application=changes.changed(call, application),
        attachment=messages.attachment(attachment),
    )


def read_attachment(call: Call, request: ReadAttachmentRequest) -> ReadAttachmentResponse:
    """Returns a piece of a complete attachment to those whom it concerns."""
    attachment_id = UUID(request.attachment_id)
    attachment = access.seen_attachment(call, attachment_id)
    attachment_rules.require_state(attachment.state, COMPLETE)
    start = request.offset
    end = min(start + (request.size_bytes_max or _PIECE_BYTES_MAX), attachment.size_bytes)
    content = b""
    for piece in store.pieces(call.connection, attachment_id, start, end):
        opened = store.opened(call.protection, attachment_id, piece)
        content += opened[max(start - piece.chunk_offset, 0) : end - piece.chunk_offset]
    call.record("attachment", attachment_id)
    return ReadAttachmentResponse(attachment=messages.attachment(attachment), piece=content)


def start_inquiry(call: Call, request: StartInquiryRequest) -> StartInquiryResponse:
    """Asks the bank for something that the form needs."""
    application = access.editable(call, request.application_id, request.etag)
    inquiries.start(call, application, request.inquiry_kind)
    call.record("application", application.application_id, application.state)
    return StartInquiryResponse(application=changes.changed(call, application))


def attest_sighting(call: Call, request: AttestSightingRequest) -> AttestSightingResponse:
    """Keeps the caller's statement that he saw something himself."""
    application = access.extensible(call, request.application_id, request.etag)
    kind = application_pb2.Sighting.Kind.Name(request.kind).removeprefix("KIND_")
    shown_by = forms.shown_by(filling.form_of(call, application), kind.lower())
    attachment = access.in_use(call, application, request.attachment_id, shown_by)
    asked.require_asked(application, attachment.kind)
    drafts.attest(call, application, kind, attachment.attachment_id, request.place)
    call.record("application", application.application_id, application.state)
    return AttestSightingResponse(application=changes.changed(call, application))


def check_identity(call: Call, request: CheckIdentityRequest) -> CheckIdentityResponse:
    """Asks the police's register about whom it was not asked lately."""
    application = access.editable(call, request.application_id)
    is_changed = identities.check(call, application)
    call.record("application", application.application_id, application.state)
    if is_changed:
        return CheckIdentityResponse(application=changes.changed(call, application))
    evidence = store.evidence(call.session, application.application_id)
    return CheckIdentityResponse(application=messages.application(application, evidence))


def show_agreement(call: Call, request: ShowAgreementRequest) -> ShowAgreementResponse:
    """Returns a text to be shown, and notes since when it is."""
    application = access.editable(call, request.application_id)
    agreement, is_new = agreements.show(call, application, request.agreement_code)
    call.record("application", application.application_id, application.state)
    announce = changes.changed if is_new else changes.announce
    return ShowAgreementResponse(
        agreement=forms.agreement(agreement, call.bank), application=announce(call, application)
    )


async def prepare_sign_application(
    outside: Outside, request: SignApplicationRequest
) -> signatures.Prepared | None:
    """Signs and has the time stamped, which takes longer than a transaction should."""
    return await signatures.prepare(outside, request)


def sign_application(call: Call, request: SignApplicationRequest) -> SignApplicationResponse:
    """Keeps the customer's signature of what the tablet showed him."""
    application = access.editable(call, request.application_id, request.etag)
    rules.require_signed(application.form_hash, request.form_hash)
    attachment = access.in_use(call, application, request.attachment_id, {SIGNATURE})
    form = filling.form_of(call, application)
    showings = store.evidence(call.session, application.application_id).showings
    read = agreements.require_read(call.bank, form, showings, request.agreements_read, call.now)
    signatures.keep(call, application, attachment, read)
    call.record("application", application.application_id, application.state)
    return SignApplicationResponse(application=changes.changed(call, application))


def assign_voucher(call: Call, request: AssignVoucherRequest) -> AssignVoucherResponse:
    """Keeps a voucher of the maker's own stock for the application, or gives one back."""
    application = access.editable(call, request.application_id, request.etag)
    if not request.serial:
        bindings.release(call, application)
    else:
        needed = bindings.wanted(call, application)
        if needed is None:
            raise rules.field_unknown(bindings.VOUCHER, "serial")
        bindings.assign(call, application, needed.type, request.serial)
    call.record("application", application.application_id, application.state)
    return AssignVoucherResponse(application=changes.changed(call, application))


async def prepare_verify_signature(
    outside: Outside, request: VerifySignatureRequest
) -> verification.Finding | None:
    """Computes everything anew, which takes longer than a transaction should."""
    return await verification.find(outside, UUID(request.application_id))


def verify_signature(call: Call, request: VerifySignatureRequest) -> VerifySignatureResponse:
    """Tells those whom it concerns whether a signature holds."""
    application = access.concerning(call, request.application_id)
    found = call.prepared
    if not isinstance(found, verification.Finding):
        raise rules.not_signed()
    call.record("application", application.application_id)
    return messages.verified(found)


async def prepare_get_customer_copy(
    outside: Outside, request: GetCustomerCopyRequest
) -> copies.Copy | verification.Finding | None:
    """Renders and signs the copy, which takes longer than a transaction should."""
    return await copies.make(outside, UUID(request.application_id))


def get_customer_copy(call: Call, request: GetCustomerCopyRequest) -> GetCustomerCopyResponse:
    """Hands out the copy that a customer takes home."""
    application = access.own_branchs(call, request.application_id)
    made = call.prepared
    if isinstance(made, verification.Finding):
        raise rules.signature_broken(made.broken)
    if not isinstance(made, copies.Copy) or made.signature_id != application.signature_id:
        raise rules.not_signed()
    # Which bytes were handed out is what can be asked later.
    call.record("customer_copy", application.application_id, made.sha256.hex())
    return GetCustomerCopyResponse(content=made.content, sha256=made.sha256)


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
    return SubmitApplicationResponse(application=changes.changed(call, application))


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


def get_journey(call: Call, request: GetJourneyRequest) -> GetJourneyResponse:
    """Tells a journey to those whose branch or centre it touched, and to auditors."""
    found = journal.journey(call.connection, UUID(request.journey_id))
    principal = call.principal
    entries = [entry for entry in found if access.may_know(principal, entry)]
    touched = any(entry.chain == principal.branch_id for entry in entries)
    if not entries or not (touched or access.AUDIT in principal.permissions):
        raise errors.NotFound(
            ErrorReason.ERROR_REASON_JOURNEY_NOT_FOUND, "There is no such journey here."
        )
    call.record("journey", request.journey_id)
    return GetJourneyResponse(steps=messages.steps(entries))


def request_reversal(call: Call, request: RequestReversalRequest) -> RequestReversalResponse:
    """Has somebody else decide about the undoing of what was executed."""
    application = access.own_branchs_locked(call, request.application_id)
    rules.after(State(application.state), Step.REVERSE)
    if application.is_reversing:
        raise reversal_rules.under_way(str(application.reversal_id))
    errors.require_etag(application.version, request.etag)
    reversal = reversals.request(call, application, request.reason)
    call.record("reversal", reversal.reversal_id, reversal.state, request.reason)
    message = changes.changed(call, application)
    return RequestReversalResponse(reversal=messages.reversal(reversal), application=message)


def withdraw_reversal(call: Call, request: WithdrawReversalRequest) -> WithdrawReversalResponse:
    """Ends a reversal before anybody decided."""
    found = reversals.lock(call, UUID(request.reversal_id))
    if found is None or found[0].branch_id != call.principal.branch_id:
        raise reversal_rules.no_reversal()
    reversal, application = found
    call.journey_id = reversal.journey_id
    rules.require_maker(reversal.maker_id, call.principal.id)
    reversals.withdraw(call, reversal, application)
    call.record("reversal", reversal.reversal_id, reversal.state, request.purpose)
    message = changes.changed(call, application)
    return WithdrawReversalResponse(reversal=messages.reversal(reversal), application=message)


def list_reversals(call: Call, request: ListReversalsRequest) -> ListReversalsResponse:
    """Lists the reversals of the caller's branch."""
    page = paging.open_page(call, request)
    found = reversals.page(
        call,
        UUID(request.application_id) if request.application_id else None,
        [Reversal.State.Name(state).removeprefix("STATE_") for state in request.states],
        (datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None,
        page.size,
    )
    token = ""
    if len(found) == page.size:
        key = (found[-1].create_time.astimezone(UTC).isoformat(), str(found[-1].reversal_id))
        token = paging.next_token(call, request, key)
    return ListReversalsResponse(
        reversals=[messages.reversal(row) for row in found], next_page_token=token
    )


def get_receipt(call: Call, request: GetReceiptRequest) -> GetReceiptResponse:
    """Shows a receipt as it was printed last."""
    application = access.own_branchs(call, request.application_id)
    receipt = receipts.find(call, application.application_id, _kind_of(request.kind))
    call.record("application", application.application_id)
    return GetReceiptResponse(receipt=_shown(call, application, receipt))


def print_receipt(call: Call, request: PrintReceiptRequest) -> PrintReceiptResponse:
    """Counts a print of a receipt, and shows what stands on it."""
    application = access.own_branchs(call, request.application_id)
    receipt = receipts.count_print(call, application.application_id, _kind_of(request.kind))
    shown = _shown(call, application, receipt)
    call.record("receipt", shown.receipt_number, f"PRINTED_{shown.print_count}")
    return PrintReceiptResponse(receipt=shown)


def _kind_of(kind: ReceiptMessage.Kind.ValueType) -> str:
    return ReceiptMessage.Kind.Name(kind).removeprefix("KIND_")


def _shown(call: Call, application: Application, receipt: Receipt | None) -> ReceiptMessage:
    """Returns a receipt with its lines. Raises RECEIPT_NOT_FOUND when there is none."""
    if receipt is None:
        raise rules.no_receipt()
    account_number = filling.account_number(call, application)
    zone = call.bank.time_zone(application.branch_id)
    lines = receipt_text.lines(receipt, call.bank.pack.bank.name, account_number, zone)
    return messages.receipt(receipt, account_number, lines)
