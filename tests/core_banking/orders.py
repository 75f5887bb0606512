"""Orders as the server hands them to the adapters of a bank."""

import hashlib
from dataclasses import replace
from uuid import UUID, uuid4

from fingertip.customer.v1.customer_view_pb2 import SECTION_KIND_HOLDINGS, SectionKind
from fingertip.fulfilment.v1.work_item_pb2 import (
    ApplicationOrder,
    ResolveCustomerOrder,
    ReversalOrder,
    ViewSectionOrder,
    WorkOrder,
)
from fingertip_core_banking.conformance import content_of, reversal_of
from fingertip_server.rpc.drafts import WorkItemDraft
from tests.fulfilment.queue import SUBJECT, Owner, until

OPEN = "core.open_account"
REVERSE = "core.reverse"
VIEW = "core.view"
RESOLVE = "crm.resolve_customer"
CRM_VIEW = "crm.view"
RESULTS = {
    VIEW: "section",
    CRM_VIEW: "section",
    RESOLVE: "resolved_customer",
}
CUSTOMER = "T000007"
CARD = "6299900000000007"


def opening(
    customer_number: str = CUSTOMER, operation_id: UUID | None = None, tampered: bytes = b""
) -> WorkItemDraft:
    """Returns an approved application to be executed."""
    operation_id = operation_id or uuid4()
    content = content_of(customer_number, operation_id).SerializeToString()
    order = ApplicationOrder(
        content=content + tampered, content_hash=hashlib.sha256(content).digest()
    )
    return _draft(OPEN, WorkOrder(application=order), operation_id, has_effect=True)


def reversing(undone: WorkItemDraft, customer_number: str = CUSTOMER) -> WorkItemDraft:
    """Returns the approved undoing of an execution."""
    operation_id = uuid4()
    content = reversal_of(customer_number, undone.operation_id).SerializeToString()
    order = ReversalOrder(content=content, content_hash=hashlib.sha256(content).digest())
    draft = _draft(REVERSE, WorkOrder(reversal=order), operation_id, has_effect=True)
    return replace(draft, subject_kind="reversal")


def viewing(
    kind: SectionKind.ValueType = SECTION_KIND_HOLDINGS, customer_number: str = CUSTOMER
) -> WorkItemDraft:
    """Returns a part of a customer's view to be read."""
    order = WorkOrder(view_section=ViewSectionOrder(customer_number=customer_number, kind=kind))
    return _draft(VIEW, order, uuid4())


def resolving(card_number: str) -> WorkItemDraft:
    """Returns a card whose holder is to be found."""
    order = WorkOrder(resolve_customer=ResolveCustomerOrder(card_number=card_number))
    return _draft(RESOLVE, order, uuid4())


async def told(owner: Owner, *words: str, seconds: float = 20) -> None:
    """Waits until the owner was told exactly this."""

    async def is_told() -> bool:
        assert len(owner.words) <= len(words), owner.words
        return owner.words == list(words)

    await until(is_told, seconds)


def _draft(
    kind: str, order: WorkOrder, operation_id: UUID, *, has_effect: bool = False
) -> WorkItemDraft:
    return WorkItemDraft(
        kind=kind,
        subject_kind=SUBJECT,
        subject_id=str(uuid4()),
        order=order,
        branch_id="0101",
        operation_id=operation_id,
        has_effect=has_effect,
    )
