"""The methods of CustomerService."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from uuid import UUID, uuid4

from fingertip.customer.v1.consent_pb2 import Consent
from fingertip.customer.v1.customer_service_pb2 import (
    GetCustomerViewRequest,
    GetCustomerViewResponse,
    ImposeRestrictionRequest,
    ImposeRestrictionResponse,
    LiftRestrictionRequest,
    LiftRestrictionResponse,
    ListConsentsRequest,
    ListConsentsResponse,
    ListRestrictionsRequest,
    ListRestrictionsResponse,
    LookUpCustomerRequest,
    LookUpCustomerResponse,
    RecordConsentRequest,
    RecordConsentResponse,
    RevealFieldRequest,
    RevealFieldResponse,
    SyncCustomersRequest,
    SyncCustomersResponse,
    WithdrawConsentRequest,
    WithdrawConsentResponse,
)
from fingertip.customer.v1.customer_view_pb2 import Section
from fingertip.customer.v1.restriction_pb2 import Restriction
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.customer import (
    accounts,
    consents,
    directory,
    messages,
    restrictions,
    rules,
    store,
    sync,
)
from fingertip_server.customer.values import CustomerFacts, IdentifierKind
from fingertip_server.rpc import masking
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import After, Outside

# The view answers within 1 s; what is left of it goes to the handler's own statements.
_WAIT_SECONDS = 0.8
# Sections that come together are shown together.
_SETTLE_SECONDS = 0.02

_FIELDS = {
    RevealFieldRequest.FIELD_NAME: "name",
    RevealFieldRequest.FIELD_RESIDENT_ID: "resident_id",
    RevealFieldRequest.FIELD_MOBILE: "mobile",
    RevealFieldRequest.FIELD_ADDRESS: "address",
}


def look_up_customer(call: Call, request: LookUpCustomerRequest) -> LookUpCustomerResponse:
    """Finds customers by one key; nobody is an answer too."""
    if request.WhichOneof("key") == "ticket_id":
        found, journey_id = _by_ticket(call, UUID(request.ticket_id))
    else:
        found = _by_identifier(call, request)
        journey_id = UUID(request.journey_id) if request.journey_id else uuid4()
    call.journey_id = journey_id
    # Several found by one phone are one look, at whoever has the phone.
    call.record("customer", found[0].customer_id if len(found) == 1 else "")
    return LookUpCustomerResponse(
        customers=[messages.customer(facts, call.protection) for facts in found],
        journey_id=str(journey_id),
    )


def get_customer_view(call: Call, request: GetCustomerViewRequest) -> GetCustomerViewResponse:
    """Shows what is there of a view, and asks the bank for what is not fresh."""
    facts = _customer(call, request.customer_id, request.journey_id)
    directory.ask_for_view(call, facts.customer_id)
    call.record("customer", facts.customer_id)
    return GetCustomerViewResponse(
        customer=messages.customer(facts, call.protection),
        sections=_sections(call, facts.customer_id),
    )


async def wait_get_customer_view(
    after: After, request: GetCustomerViewRequest, response: GetCustomerViewResponse
) -> GetCustomerViewResponse:
    """Waits for the parts that the bank was asked for, but never longer than a customer would."""
    customer_id = UUID(request.customer_id)
    until = monotonic() + _WAIT_SECONDS
    topic = {f"topic:{after.principal.branch_id}"}
    while not _is_fresh(response) and not after.is_draining():
        if not await after.woken(topic, until - monotonic()):
            break
        await asyncio.sleep(_SETTLE_SECONDS)
        late = GetCustomerViewResponse(
            customer=response.customer,
            sections=await after.look(lambda call: _sections(call, customer_id)),
        )
        masking.mask(late)
        response = late
    return response


def reveal_field(call: Call, request: RevealFieldRequest) -> RevealFieldResponse:
    """Shows one field whole; the journal keeps which one, and why."""
    facts = _customer(call, request.customer_id, request.journey_id)
    field = _FIELDS[request.field]
    value: str = getattr(messages.customer(facts, call.protection), field)
    if not value:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_FIELD_EMPTY, "The customer has no such field.", field=field
        )
    call.record(f"customer.{field}", facts.customer_id, purpose=request.purpose)
    return RevealFieldResponse(value=value)


def record_consent(call: Call, request: RecordConsentRequest) -> RecordConsentResponse:
    """Records a customer's consent."""
    facts = _customer(call, request.customer_id, request.journey_id)
    row = consents.record(
        call,
        facts.customer_id,
        f"{request.agreement_code}.v{request.agreement_version}",
        Consent.Channel.Name(request.channel).removeprefix("CHANNEL_"),
        UUID(request.application_id) if request.application_id else None,
    )
    consents.announce(call, facts.customer_id)
    call.record("consent", row.consent_id, "RECORDED")
    return RecordConsentResponse(consent=consents.message(row))


def withdraw_consent(call: Call, request: WithdrawConsentRequest) -> WithdrawConsentResponse:
    """Withdraws a consent."""
    row = consents.withdraw(call, UUID(request.consent_id))
    consents.announce(call, row.customer_id)
    call.record("consent", row.consent_id, "WITHDRAWN", request.purpose)
    return WithdrawConsentResponse(consent=consents.message(row))


def list_consents(call: Call, request: ListConsentsRequest) -> ListConsentsResponse:
    """Lists a customer's consents."""
    facts = _customer(call, request.customer_id, request.journey_id)
    call.record("customer", facts.customer_id)
    rows = consents.listed(call, facts.customer_id)
    return ListConsentsResponse(consents=[consents.message(row) for row in rows])


def impose_restriction(call: Call, request: ImposeRestrictionRequest) -> ImposeRestrictionResponse:
    """Imposes a restriction on a customer."""
    facts = _customer(call, request.customer_id, request.journey_id)
    row = restrictions.impose(
        call,
        facts.customer_id,
        request.restriction_code,
        Restriction.Measure.Name(request.measure).removeprefix("MEASURE_"),
        request.reason,
        request.appeal_route,
    )
    restrictions.announce(call, facts.customer_id)
    call.record("restriction", row.restriction_id, "IMPOSED")
    return ImposeRestrictionResponse(restriction=restrictions.message(row, call.protection))


def lift_restriction(call: Call, request: LiftRestrictionRequest) -> LiftRestrictionResponse:
    """Lifts a restriction that staff imposed."""
    row = restrictions.lift(call, UUID(request.restriction_id))
    restrictions.announce(call, row.customer_id)
    call.record("restriction", row.restriction_id, "LIFTED", request.purpose)
    return LiftRestrictionResponse(restriction=restrictions.message(row, call.protection))


def list_restrictions(call: Call, request: ListRestrictionsRequest) -> ListRestrictionsResponse:
    """Lists what holds against a customer, with what he is to be told."""
    facts = _customer(call, request.customer_id, request.journey_id)
    who = accounts.person(call, facts.customer_id, "")
    call.record("customer", facts.customer_id)
    return ListRestrictionsResponse(
        restrictions=[
            restrictions.message(row, call.protection)
            for row in restrictions.live(call, who.customer_ids)
        ]
    )


async def prepare_sync_customers(
    outside: Outside, request: SyncCustomersRequest
) -> sync.SealedBatch:
    """Seals what is newer than what we have, aside of the event loop."""
    records = rules.newest_of_each(request.records)
    ids = [outside.bank.customer_id(record.customer_number) for record in records]
    known = await outside.read(sync.known_versions, ids)
    newer = [
        record
        for customer_id, record in zip(ids, records, strict=True)
        if record.version > known.get(customer_id, 0)
    ]
    return await asyncio.to_thread(sync.seal, outside.protection, outside.bank, newer)


def sync_customers(call: Call, request: SyncCustomersRequest) -> SyncCustomersResponse:
    """Takes over a batch of the master, if it follows the one before."""
    batch = call.prepared
    if not isinstance(batch, sync.SealedBatch):
        raise TypeError("A batch is sealed before its transaction.")
    stored = sync.lock_source(call.connection, request.source)
    rules.check_follows(stored, request.previous_position)
    changed_count = sync.store(call.connection, batch)
    sync.move_source(call.connection, request.source, request.position)
    call.record("sync_source", request.source)
    return SyncCustomersResponse(
        position=request.position,
        changed_count=changed_count,
        unchanged_count=len(request.records) - changed_count,
    )


def _by_identifier(call: Call, request: LookUpCustomerRequest) -> Sequence[CustomerFacts]:
    kind = {
        "card_number": IdentifierKind.CARD,
        "resident_id": IdentifierKind.RESIDENT_ID,
        "mobile": IdentifierKind.MOBILE,
    }[key := str(request.WhichOneof("key"))]
    wanted = directory.identifier(call, kind, getattr(request, key))
    return store.customers(call.connection, wanted)


def _by_ticket(call: Call, ticket_id: UUID) -> tuple[Sequence[CustomerFacts], UUID]:
    customer_id, journey_id = call.hooks.customer_of_ticket(call, ticket_id)
    facts = directory.by_id(call, customer_id) if customer_id else None
    return [facts] if facts else [], journey_id


def _customer(call: Call, customer_id: str, journey_id: str) -> CustomerFacts:
    call.journey_id = UUID(journey_id) if journey_id else None
    facts = directory.by_id(call, UUID(customer_id))
    if facts is None:
        raise errors.NotFound(
            ErrorReason.ERROR_REASON_CUSTOMER_NOT_FOUND, "There is no such customer."
        )
    return facts


def _sections(call: Call, customer_id: UUID) -> list[Section]:
    stored = store.sections(call.connection, customer_id)
    return [
        messages.section(customer_id, plan, stored.get(plan.kind), call.now, call.protection)
        for plan in rules.section_plans(call.bank.policies)
    ]


def _is_fresh(response: GetCustomerViewResponse) -> bool:
    return all(s.freshness == Section.FRESHNESS_FRESH for s in response.sections)
