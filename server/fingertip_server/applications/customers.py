"""What the customer master says of an applicant."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications.checks import Master
from fingertip_server.customer import directory, messages
from fingertip_server.customer.values import IdentifierKind
from fingertip_server.identifiers import resident_id
from fingertip_server.identifiers.faults import IdentifierFault
from fingertip_server.rpc.call import Call
from fingertip_server.screening.values import Person


@dataclass(frozen=True, slots=True)
class Applicant:
    """The customer as far as a submission depends on him."""

    customer_number: str
    tier_rank: int


def applicant(call: Call, customer_id: UUID) -> Applicant:
    """Returns a customer. Raises CUSTOMER_NOT_FOUND; a tier that the pack lost has no rank."""
    facts = directory.by_id(call, customer_id)
    if facts is None:
        raise errors.NotFound(
            ErrorReason.ERROR_REASON_CUSTOMER_NOT_FOUND, "There is no such customer."
        )
    tier = call.bank.tiers.get(facts.tier_code)
    return Applicant(facts.customer_number, tier.rank if tier is not None else 0)


def person(call: Call, customer_id: UUID) -> Person | None:
    """Returns a customer as he is screened for; none when the master has lost him."""
    known = master(call, customer_id)
    if known is None:
        return None
    return Person("APPLICANT", known.name, _birth_date(known.resident_id), known.resident_id)


def _birth_date(number: str) -> date | None:
    """Returns the birth date that a master's number states; a master may have old numbers."""
    with suppress(IdentifierFault, ValueError):
        return resident_id.birth_date(number)
    return None


def master(call: Call, customer_id: UUID) -> Master | None:
    """Returns what an applicant's answers are compared with."""
    facts = directory.by_id(call, customer_id)
    if facts is None:
        return None
    known = messages.customer(facts, call.protection)
    return Master(name=known.name, resident_id=known.resident_id, mobile=known.mobile)


def is_shared(call: Call, customer_id: UUID, mobile: str) -> bool:
    """Tells whether the bank knows a mobile number of another person than the customer."""
    wanted = directory.identifier(call, IdentifierKind.MOBILE, mobile)
    others = [facts for facts in directory.all_by(call, wanted) if facts.customer_id != customer_id]
    if not others:
        return False
    own = master(call, customer_id)
    own_number = own.resident_id if own is not None else ""
    # A person may be several customers of the bank.
    numbers = [messages.customer(facts, call.protection).resident_id for facts in others]
    return any(not number or number != own_number for number in numbers)
