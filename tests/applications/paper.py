"""Fills in Ms Wang's debit-card application through the front door, as far as a test wants."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import uuid4

from fingertip.applications.v1.application_pb2 import (
    Answer,
    Application,
    Attachment,
    Sighting,
)
from fingertip.applications.v1.applications_service_pb2 import (
    AppendAttachmentRequest,
    ApplicationFault,
    AssignVoucherRequest,
    AttestSightingRequest,
    CheckApplicationRequest,
    CheckIdentityRequest,
    CompleteAttachmentRequest,
    GetApplicationRequest,
    GetApplicationResponse,
    GetFormRequest,
    SaveApplicationRequest,
    ShowAgreementRequest,
    SignApplicationRequest,
    StartApplicationRequest,
    StartAttachmentRequest,
    SubmitApplicationRequest,
    VerifySignatureRequest,
    VerifySignatureResponse,
    WithdrawApplicationRequest,
)
from fingertip.applications.v1.form_pb2 import Form
from fingertip.applications.v1.identity_pb2 import (
    IDENTITY_OUTCOME_CONSISTENT_WITHOUT_PHOTO,
    IdentityOutcome,
    PartyIdentity,
)
from fingertip.applications.v1.signature_pb2 import AgreementRead
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.customer.v1.customer_service_pb2 import SyncCustomersRequest
from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    LeaseWorkItemsRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import (
    CheckedIdentity,
    CheckIdentityOrder,
    WorkResult,
)
from fingertip.vouchers.v1.voucher_pb2 import Voucher
from fingertip.vouchers.v1.vouchers_service_pb2 import GetStockRequest
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_server.packs import bank
from fingertip_server.packs.synthetic import SyntheticCustomer
from tests.applications.images import JPEG, png
from tests.authorization.screen import screen
from tests.conftest import Database
from tests.customer import master
from tests.world import World, world_of

FORM = "debit_card_account"
# The contract's largest.
_CHUNK_BYTES = 1 << 20

# Ms Wang is the first of the demo bank's customers. She opens accounts of class Ⅱ, of which one may
# have several.
ANSWERS: Mapping[str, str] = MappingProxyType(
    {
        "handled_by": "applicant",
        "applicant_name": "王若兰",
        "document_type": "resident_id_card",
        "resident_id": "190102197805209021",
        "document_issue_date": "2024-06-01",
        "document_valid_until": "长期",
        "sex": "female",
        "nationality": "china",
        "occupation": "professional",
        "mobile": "15420260201",
        "residence_address": "示范省示范市城北区指尖大道284号5幢2301室",
        "account_class": "class_two",
        "account_purpose": "savings",
        "remote_daily_limit": "5000.00",
        "text_message_notice": "true",
        "tax_residency": "china_only",
    }
)
# What is answered instead for an account of class Ⅲ, for which no card is made.
CLASS_THREE: Mapping[str, str] = MappingProxyType(
    {
        "account_class": "class_three",
        "bound_account": "6225881414207430",
        "remote_daily_limit": "2000.00",
    }
)
IMAGES: Mapping[str, tuple[str, bytes]] = MappingProxyType(
    {
        "id_front": ("image/jpeg", JPEG),
        "id_back": ("image/png", png(2_000)),
        "customer_photo": ("image/jpeg", JPEG),
        "signature": ("image/png", png()),
    }
)
SEEN: Mapping[Sighting.Kind.ValueType, str] = MappingProxyType(
    {
        Sighting.KIND_APPLICANT: "customer_photo",
        Sighting.KIND_ORIGINAL_DOCUMENT: "id_front",
        Sighting.KIND_SIGNATURE: "signature",
    }
)


def request_id() -> str:
    """Makes the id of one decision."""
    return str(uuid4())


def answers_of(person: SyntheticCustomer) -> dict[str, str]:
    """Returns the answers of one of the demo bank's customers."""
    return {
        **ANSWERS,
        "applicant_name": person.name,
        "document_type": person.document.value,
        "resident_id": person.resident_id,
        "sex": person.sex.value,
        "mobile": person.mobile,
        "residence_address": person.address,
    }


def customer_id(index: int = 0) -> str:
    """Returns the id of one of the demo bank's customers."""
    return str(bank.customer_id("DEMO", f"DEMO{index + 1:09d}"))


async def synchronise(world: World, count: int = 3) -> None:
    """Brings the first of the demo bank's customers."""
    await world.crm_adapter.customer.SyncCustomers(
        SyncCustomersRequest(
            request_id=request_id(), source="crm", position="1", records=master.people(count)
        )
    )


async def start(
    caller: Caller, *, customer: int = 0, journey_id: str = "", form: str = FORM
) -> Application:
    """Starts an empty draft."""
    response = await caller.applications.StartApplication(
        StartApplicationRequest(
            request_id=request_id(),
            form_code=form,
            customer_id=customer_id(customer),
            journey_id=journey_id,
        )
    )
    return response.application


async def save(caller: Caller, application: Application, given: Mapping[str, str]) -> Application:
    """Stores answers."""
    response = await caller.applications.SaveApplication(
        SaveApplicationRequest(
            request_id=request_id(),
            application_id=application.application_id,
            etag=application.etag,
            answers=[Answer(field_key=key, value=value) for key, value in given.items()],
        )
    )
    return response.application


async def announce(
    caller: Caller, application: Application, kind: str, content_type: str, size_bytes: int
) -> Attachment:
    """Announces an attachment."""
    response = await caller.applications.StartAttachment(
        StartAttachmentRequest(
            request_id=request_id(),
            application_id=application.application_id,
            kind=kind,
            content_type=content_type,
            size_bytes=size_bytes,
        )
    )
    return response.attachment


async def append(caller: Caller, attachment: Attachment, offset: int, chunk: bytes) -> int:
    """Sends a chunk, and returns where the next one starts."""
    response = await caller.applications.AppendAttachment(
        AppendAttachmentRequest(attachment_id=attachment.attachment_id, offset=offset, chunk=chunk)
    )
    return response.next_offset


async def complete(caller: Caller, attachment: Attachment, content: bytes) -> Application:
    """Says that an attachment is whole."""
    response = await caller.applications.CompleteAttachment(
        CompleteAttachmentRequest(
            request_id=request_id(),
            attachment_id=attachment.attachment_id,
            sha256=hashlib.sha256(content).digest(),
        )
    )
    return response.application


async def attach(
    caller: Caller, application: Application, kind: str, image: tuple[str, bytes] | None = None
) -> Application:
    """Adds an image of a kind."""
    content_type, content = image or IMAGES.get(kind, IMAGES["id_front"])
    attachment = await announce(caller, application, kind, content_type, len(content))
    for offset in range(0, len(content), _CHUNK_BYTES):
        await append(caller, attachment, offset, content[offset : offset + _CHUNK_BYTES])
    return await complete(caller, attachment, content)


def in_use(application: Application, kind: str) -> str:
    """Returns the id of the complete attachment of a kind."""
    return next(
        each.attachment_id
        for each in application.attachments
        if each.kind == kind and each.state == Attachment.STATE_COMPLETE
    )


async def form_of(caller: Caller, application: Application) -> Form:
    """Returns the form of an application."""
    response = await caller.applications.GetForm(
        GetFormRequest(form_code=application.form_code, version=application.form_version)
    )
    return response.form


async def show_agreements(caller: Caller, application: Application) -> Application:
    """Shows the customer every text that he agrees to."""
    for agreement in (await form_of(caller, application)).agreements:
        response = await caller.applications.ShowAgreement(
            ShowAgreementRequest(
                request_id=request_id(),
                application_id=application.application_id,
                agreement_code=agreement.agreement_code,
            )
        )
        application = response.application
    return application


def signature(application: Application) -> SignApplicationRequest:
    """Signs what was shown, as soon as it was; nobody in tests takes longer to read."""
    return SignApplicationRequest(
        request_id=request_id(),
        application_id=application.application_id,
        etag=application.etag,
        form_hash=application.form_hash,
        attachment_id=in_use(application, "signature"),
        agreements_read=[
            AgreementRead(
                agreement_code=shown.agreement_code,
                version=shown.version,
                sha256=shown.sha256,
                scrolled_to_end=True,
            )
            for shown in application.agreements_shown
        ],
    )


async def sign(caller: Caller, application: Application) -> Application:
    """Has the customer sign anew what the form says now, seen by the caller."""
    application = await attach(caller, await show_agreements(caller, application), "signature")
    response = await caller.applications.SignApplication(signature(application))
    return await attest(caller, response.application, Sighting.KIND_SIGNATURE)


async def verify(caller: Caller, application_id: str) -> VerifySignatureResponse:
    """Has the customer's signature proved."""
    return await caller.applications.VerifySignature(
        VerifySignatureRequest(application_id=application_id)
    )


async def attest(
    caller: Caller, application: Application, kind: Sighting.Kind.ValueType
) -> Application:
    """States to have seen something."""
    response = await caller.applications.AttestSighting(
        AttestSightingRequest(
            request_id=request_id(),
            application_id=application.application_id,
            etag=application.etag,
            kind=kind,
            attachment_id=in_use(application, SEEN[kind]),
            place="滨江支行3号柜台",
        )
    )
    return response.application


async def fill(
    caller: Caller,
    application: Application,
    given: Mapping[str, str] = ANSWERS,
    *,
    images: Sequence[str] = (),
    scans: Mapping[str, tuple[str, bytes]] = IMAGES,
) -> Application:
    """Completes a draft: answers, identity, images, signature, sightings.

    `images` are those that the form asks for besides every form's.
    """
    application = await save(caller, application, given)
    application = await identify(caller, application)
    return await complete_evidence(caller, application, images, scans)


async def complete_evidence(
    caller: Caller,
    application: Application,
    images: Sequence[str] = (),
    scans: Mapping[str, tuple[str, bytes]] = IMAGES,
) -> Application:
    """Adds images, signature, sightings, and a card where one is needed."""
    for kind in ("id_front", "id_back", "customer_photo", *images):
        application = await attach(caller, application, kind, scans.get(kind))
    application = await sign(caller, application)
    for seen in (Sighting.KIND_APPLICANT, Sighting.KIND_ORIGINAL_DOCUMENT):
        application = await attest(caller, application, seen)
    faults = await faults_of(caller, application)
    if any(fault.kind == ApplicationFault.KIND_VOUCHER_MISSING for fault in faults):
        application = await assign(caller, application)
    return application


async def faults_of(caller: Caller, application: Application) -> list[ApplicationFault]:
    """Returns what still keeps an application from being submitted."""
    request = CheckApplicationRequest(application_id=application.application_id)
    return list((await caller.applications.CheckApplication(request)).faults)


async def free_voucher(caller: Caller, voucher_type: str = "debit_card") -> str:
    """Returns the serial of a voucher in the caller's stock that is free to be used."""
    stock = await caller.vouchers.GetStock(GetStockRequest(page_size=200))
    return next(
        each.serial
        for each in stock.vouchers
        if each.voucher_type == voucher_type and each.state == Voucher.STATE_WITH_TELLER
    )


async def assign(caller: Caller, application: Application, serial: str = "") -> Application:
    """Assigns the card or the device that it takes, whichever is free unless it is said."""
    voucher_type = "security_device" if application.form_code == "online_banking" else "debit_card"
    response = await caller.applications.AssignVoucher(
        AssignVoucherRequest(
            request_id=request_id(),
            application_id=application.application_id,
            etag=application.etag,
            serial=serial or await free_voucher(caller, voucher_type),
        )
    )
    return response.application


async def identify(
    caller: Caller,
    application: Application,
    outcome: IdentityOutcome.ValueType = IDENTITY_OUTCOME_CONSISTENT_WITHOUT_PHOTO,
    photo: bytes = b"",
) -> Application:
    """Has the police's register asked about everybody, who answers the same about each."""
    checked = await check_identity(caller, application)
    await answer(world_of(caller), outcome, photo)
    application = (await get(caller, checked.application_id)).application
    if any(each.state == PartyIdentity.STATE_CHECKING for each in application.identities):
        # An adapter is at work that was asked first.
        request = WatchRequest(application_id=application.application_id)
        async with screen(caller, request) as shown:
            told = await shown.until(_is_known)
        application = told.application
    return application


def _is_known(event: Event) -> bool:
    states = [each.state for each in event.application.identities]
    return bool(states) and PartyIdentity.STATE_CHECKING not in states


async def check_identity(caller: Caller, application: Application) -> Application:
    """Asks the police's register."""
    response = await caller.applications.CheckIdentity(
        CheckIdentityRequest(request_id=request_id(), application_id=application.application_id)
    )
    return response.application


async def answer(
    world: World,
    outcome: IdentityOutcome.ValueType = IDENTITY_OUTCOME_CONSISTENT_WITHOUT_PHOTO,
    photo: bytes = b"",
) -> list[CheckIdentityOrder]:
    """Has the register answer whatever it was asked, and returns what that was."""
    service = world.police_adapter.fulfilment
    leased = await service.LeaseWorkItems(LeaseWorkItemsRequest(max_items=10))
    for item in leased.items:
        await service.CompleteWorkItem(
            CompleteWorkItemRequest(
                request_id=request_id(),
                work_item_id=item.work_item.work_item_id,
                fence=item.fence,
                result=WorkResult(checked_identity=CheckedIdentity(outcome=outcome, photo=photo)),
            )
        )
    return [item.order.check_identity for item in leased.items]


async def submit(
    caller: Caller,
    application: Application,
    route: Task.Route.ValueType = Task.ROUTE_UNSPECIFIED,
) -> Application:
    """Submits an application, to the centre unless another route is given."""
    request = SubmitApplicationRequest(
        request_id=request_id(),
        application_id=application.application_id,
        etag=application.etag,
        route=route,
    )
    try:
        response = await caller.applications.SubmitApplication(request)
    except Refused as error:
        if error.reason == "APPLICATION_INCOMPLETE":
            error.add_note(str(await faults_of(caller, application)))
        raise
    return response.application


async def submitted(
    caller: Caller,
    *,
    journey_id: str = "",
    route: Task.Route.ValueType = Task.ROUTE_UNSPECIFIED,
    **answers: str,
) -> Application:
    """Returns Ms Wang's application, filled in, with some answers changed, and submitted."""
    draft = await start(caller, journey_id=journey_id)
    return await submit(caller, await fill(caller, draft, {**ANSWERS, **answers}), route)


def withdrawal(application: Application) -> WithdrawApplicationRequest:
    """Quotes an application, to withdraw it."""
    return WithdrawApplicationRequest(
        request_id=request_id(),
        application_id=application.application_id,
        etag=application.etag,
        purpose="客户改变主意",
    )


async def withdraw(caller: Caller, application: Application) -> Application:
    """Withdraws an application."""
    response = await caller.applications.WithdrawApplication(withdrawal(application))
    return response.application


async def get(caller: Caller, application_id: str) -> GetApplicationResponse:
    """Returns an application with its answers."""
    return await caller.applications.GetApplication(
        GetApplicationRequest(application_id=application_id)
    )


async def stay_signed_in(database: Database) -> None:
    """Has nobody's session ended by how far the clock was moved."""
    await database.as_owner(
        "UPDATE staff_session SET last_used_at = fingertip_now(),"
        " expires_at = fingertip_now() + interval '12 hours'"
    )
