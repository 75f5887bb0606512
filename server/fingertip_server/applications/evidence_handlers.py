"""The methods of ApplicationsService about evidence: images, sightings, signature, voucher."""

import asyncio
from uuid import UUID

from fingertip.applications.v1 import application_pb2
from fingertip.applications.v1.applications_service_pb2 import (
    AppendAttachmentRequest,
    AppendAttachmentResponse,
    AssignVoucherRequest,
    AssignVoucherResponse,
    AttestSightingRequest,
    AttestSightingResponse,
    CheckIdentityRequest,
    CheckIdentityResponse,
    CompleteAttachmentRequest,
    CompleteAttachmentResponse,
    ReadAttachmentRequest,
    ReadAttachmentResponse,
    ShowAgreementRequest,
    ShowAgreementResponse,
    SignApplicationRequest,
    SignApplicationResponse,
    StartAttachmentRequest,
    StartAttachmentResponse,
    StartInquiryRequest,
    StartInquiryResponse,
)
from fingertip_server.applications import (
    access,
    agreements,
    asked,
    attachment_rules,
    bindings,
    changes,
    drafts,
    filling,
    forms,
    identities,
    inquiries,
    messages,
    rules,
    signatures,
    store,
    uploads,
)
from fingertip_server.applications.attachment_rules import COMPLETE, UPLOADING, Examined
from fingertip_server.packs.schema_forms import SIGNATURE
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside

_PIECE_BYTES_MAX = 1024 * 1024


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
