"""The values that decisions about customers are made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from fingertip_server.protection import Sealed


class IdentifierKind(StrEnum):
    """What a customer can be found by."""

    CARD = "card"
    RESIDENT_ID = "resident_id"
    MOBILE = "mobile"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A card, document or phone as it is found: never the number itself."""

    kind: IdentifierKind
    blind: bytes


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """A customer of the master; what is personal is sealed, and None when the bank has none."""

    customer_id: UUID
    customer_number: str
    name: Sealed | None
    resident_id: Sealed | None
    mobile: Sealed | None
    address: Sealed | None
    tier_code: str
    home_branch_id: str
    relationship_manager_id: str


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """A part of a view: which adapters give it, and how long it stays fresh."""

    kind: str
    work_kind: str
    ttl: timedelta


@dataclass(frozen=True, slots=True)
class StoredSection:
    """A part of a view as it was received last."""

    kind: str
    version: int
    as_of: datetime
    content: Sealed


@dataclass(frozen=True, slots=True)
class Asked:
    """A part of a customer's view that the bank is to be asked for, now."""

    kind: str
    customer_number: str
    now: datetime


def section_id(customer_id: UUID, kind: str) -> str:
    """Returns what names the row of a section, to which its content is bound."""
    return f"{customer_id}/{kind}"
