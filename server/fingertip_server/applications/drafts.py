"""Makes the rows that a draft consists of."""

import hashlib
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert

from fingertip.applications.v1.applications_service_pb2 import StartAttachmentRequest
from fingertip_server.applications import forms
from fingertip_server.applications.attachment_rules import UPLOADING, Upload
from fingertip_server.applications.rules import State
from fingertip_server.applications.tables import Application, ApplicationSighting, Attachment
from fingertip_server.applications.timers import EXPIRE_DRAFT
from fingertip_server.packs.schema_forms import Form
from fingertip_server.rpc.call import Call


def start(call: Call, application_id: UUID, form: Form, customer_id: UUID) -> Application:
    """Makes an empty draft of the caller's, in the call's journey, and starts its retention."""
    principal = call.principal
    if principal.person_id is None or call.journey_id is None:
        raise TypeError("A member of staff starts a draft, in a journey.")
    content = forms.signed_bytes(form, call.bank, customer_id, {})
    application = Application(
        application_id=application_id,
        form_code=form.code,
        form_version=form.version,
        branch_id=principal.branch_id,
        customer_id=customer_id,
        journey_id=call.journey_id,
        maker_id=principal.id,
        maker_person_id=principal.person_id,
        state=State.DRAFT,
        revision=0,
        version=1,
        signed_form=call.protection.seal(Application.signed_form, application_id, content),
        form_hash=hashlib.sha256(content).digest(),
        state_note="",
        defects=[],
        asked=[],
        messages=0,
        create_time=call.now,
        change_time=call.now,
        core_reference="",
    )
    call.session.add(application)
    retention = call.bank.policies.duration("applications.draft_retention")
    call.start_timer(EXPIRE_DRAFT, application_id, call.now + retention)
    return application


def announce_attachment(
    call: Call, application: Application, request: StartAttachmentRequest
) -> Attachment:
    """Makes an attachment that waits for its first chunk."""
    attachment = Attachment(
        attachment_id=UUID(request.attachment_id) if request.attachment_id else uuid4(),
        application_id=application.application_id,
        kind=request.kind,
        content_type=request.content_type,
        size_bytes=request.size_bytes,
        state=UPLOADING,
        is_replaced=False,
        next_offset=0,
        chunks=0,
        create_time=call.now,
    )
    call.session.add(attachment)
    return attachment


def upload_of(attachment: Attachment) -> Upload:
    """Returns how far an upload is."""
    return Upload(
        attachment.state, attachment.size_bytes, attachment.next_offset, attachment.chunks
    )


def attest(
    call: Call, application: Application, kind: str, attachment_id: UUID, place: str
) -> None:
    """Keeps the caller's statement to have seen something, in the place of a former one."""
    statement = insert(ApplicationSighting).values(
        application_id=application.application_id,
        kind=kind,
        attachment_id=attachment_id,
        staff_id=call.principal.id,
        device_id=call.principal.device_id,
        place=place,
        attest_time=call.now,
    )
    stated = ("attachment_id", "staff_id", "device_id", "place", "attest_time")
    call.session.execute(
        statement.on_conflict_do_update(
            index_elements=["application_id", "kind"],
            set_={name: statement.excluded[name] for name in stated},
        )
    )
