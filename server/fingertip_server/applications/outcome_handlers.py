"""The methods of ApplicationsService about what was signed, what came of it, and its undoing."""

from datetime import UTC, datetime
from uuid import UUID

from fingertip.applications.v1.applications_service_pb2 import (
    GetCustomerCopyRequest,
    GetCustomerCopyResponse,
    GetJourneyRequest,
    GetJourneyResponse,
    GetReceiptRequest,
    GetReceiptResponse,
    ListReversalsRequest,
    ListReversalsResponse,
    PrintReceiptRequest,
    PrintReceiptResponse,
    RequestReversalRequest,
    RequestReversalResponse,
    VerifySignatureRequest,
    VerifySignatureResponse,
    WithdrawReversalRequest,
    WithdrawReversalResponse,
)
from fingertip.applications.v1.receipt_pb2 import Receipt as ReceiptMessage
from fingertip.applications.v1.reversal_pb2 import Reversal
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications import (
    access,
    changes,
    copies,
    filling,
    messages,
    receipt_text,
    receipts,
    reversal_rules,
    reversals,
    rules,
    verification,
)
from fingertip_server.applications.rules import State, Step
from fingertip_server.applications.tables import Application, Receipt
from fingertip_server.audit import journal
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside

_PIECE_BYTES_MAX = 1024 * 1024


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
