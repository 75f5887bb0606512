"""Tells other domains about customers, and asks the bank for what it knows of them."""

from datetime import timedelta
from uuid import UUID, uuid4

from fingertip.fulfilment.v1.work_item_pb2 import ViewSectionOrder, WorkOrder
from fingertip_server.customer import messages, rules, store
from fingertip_server.customer.tables import Customer, CustomerIdentifier
from fingertip_server.customer.values import (
    CustomerFacts,
    Identifier,
    IdentifierKind,
    section_id,
)
from fingertip_server.protection import masking
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import WorkItemDraft

# Whoever looks at a view has turned away by then: a part that nobody gave is asked for anew.
_DEADLINE = timedelta(seconds=30)
# When even the queue has forgotten the question.
_PATIENCE = 2 * _DEADLINE


def identifier(call: Call, kind: IdentifierKind, value: str) -> Identifier:
    """Returns what a card, document or phone is found by, however it is written."""
    key = rules.identifier_key(kind, value)
    return Identifier(kind, call.protection.blind(CustomerIdentifier.blind, key))


def by_identifier(call: Call, wanted: Identifier) -> CustomerFacts | None:
    """Returns the customer with a card or document."""
    found = store.customers(call.connection, wanted)
    return found[0] if found else None


def all_by(call: Call, wanted: Identifier) -> list[CustomerFacts]:
    """Returns the customers with a card, document or phone, at most ten."""
    return store.customers(call.connection, wanted)


def by_card(call: Call, card_number: str) -> CustomerFacts | None:
    """Returns the customer with a card."""
    return by_identifier(call, identifier(call, IdentifierKind.CARD, card_number))


def by_resident_id(call: Call, resident_id: str) -> CustomerFacts | None:
    """Returns the customer with an identity document."""
    return by_identifier(call, identifier(call, IdentifierKind.RESIDENT_ID, resident_id))


def by_id(call: Call, customer_id: UUID) -> CustomerFacts | None:
    """Returns a customer."""
    return call.once(
        ("customer", customer_id), lambda: store.customer(call.connection, customer_id)
    )


def masked_name(call: Call, customer: CustomerFacts) -> str:
    """Returns a name that may stand on a lock screen, for example 王**; empty for none."""
    if customer.name is None:
        return ""
    name = call.protection.open(Customer.name, customer.customer_id, customer.name)
    return masking.mask_name(name)


def ask_for_view(call: Call, customer_id: UUID) -> None:
    """Asks the bank for the parts of a customer's view that are past their time to live.

    Whoever asks meanwhile gets the same answer; the call's home topic is told when it is there.
    """
    plans = rules.section_plans(call.bank.policies)
    work_kinds = {plan.kind: plan.work_kind for plan in plans}
    for asked in store.ask(call.connection, customer_id, call.home, plans, _PATIENCE):
        order = ViewSectionOrder(
            customer_number=asked.customer_number, kind=messages.section_kind(asked.kind)
        )
        call.enqueue(
            WorkItemDraft(
                kind=work_kinds[asked.kind],
                subject_kind="customer",
                subject_id=str(customer_id),
                order=WorkOrder(view_section=order),
                branch_id=call.home,
                operation_id=uuid4(),
                deadline=asked.now + _DEADLINE,
                dedupe_key=section_id(customer_id, asked.kind),
            )
        )
