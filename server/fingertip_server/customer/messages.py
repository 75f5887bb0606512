"""Turns rows into what the contract shows. Values are plain: the pipeline masks them."""

from datetime import datetime
from uuid import UUID

from fingertip.customer.v1.customer_pb2 import Customer as CustomerMessage
from fingertip.customer.v1.customer_view_pb2 import Section, SectionKind
from fingertip_server.customer import rules
from fingertip_server.customer.tables import Customer, CustomerSection
from fingertip_server.customer.values import CustomerFacts, SectionPlan, StoredSection, section_id
from fingertip_server.protection import Protection


def customer(facts: CustomerFacts, protection: Protection) -> CustomerMessage:
    """Returns a customer, whole."""
    row = facts.customer_id
    return CustomerMessage(
        customer_id=str(row),
        customer_number=facts.customer_number,
        name=protection.open(Customer.name, row, facts.name) if facts.name else "",
        resident_id=(
            protection.open(Customer.resident_id, row, facts.resident_id)
            if facts.resident_id
            else ""
        ),
        mobile=protection.open(Customer.mobile, row, facts.mobile) if facts.mobile else "",
        address=protection.open(Customer.address, row, facts.address) if facts.address else "",
        tier_code=facts.tier_code,
        home_branch_id=facts.home_branch_id,
        relationship_manager_id=facts.relationship_manager_id,
    )


def section(
    customer_id: UUID,
    plan: SectionPlan,
    stored: StoredSection | None,
    now: datetime,
    protection: Protection,
) -> Section:
    """Returns a part of a view with its age."""
    fresh = rules.freshness(stored.as_of if stored else None, now, plan.ttl)
    message = Section(
        kind=section_kind(plan.kind), freshness=Section.Freshness.Value(f"FRESHNESS_{fresh}")
    )
    if stored is not None:
        message.version = stored.version
        message.as_of_time.FromDatetime(stored.as_of)
        message.content.ParseFromString(
            protection.open_bytes(
                CustomerSection.content, section_id(customer_id, plan.kind), stored.content
            )
        )
    return message


def section_kind(kind: str) -> SectionKind.ValueType:
    """Returns a kind of section as the contract has it, for example of "PROFILE"."""
    return SectionKind.Value(f"SECTION_KIND_{kind}")


def section_name(kind: SectionKind.ValueType) -> str:
    """Returns a kind of section as the tables have it, for example "PROFILE"."""
    return SectionKind.Name(kind).removeprefix("SECTION_KIND_")
