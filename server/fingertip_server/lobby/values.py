"""The values that decisions about a lobby are made of."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class TicketState(StrEnum):
    """The life of a ticket, as the contract names it."""

    WAITING = "WAITING"
    CALLED = "CALLED"
    SERVING = "SERVING"
    COMPLETED = "COMPLETED"
    NO_SHOW = "NO_SHOW"
    EXPIRED = "EXPIRED"


class ArrivalState(StrEnum):
    """The life of an arrival, as the contract names it."""

    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it is stored.

    `identifier` finds the card or document of a customer whom nobody knew yet.
    """

    ticket_id: UUID
    branch_id: str
    service_line_code: str
    business_day: date
    sequence_number: int
    state: TicketState
    journey_id: UUID
    customer_id: UUID | None
    tier_code: str
    identifier: bytes | None
    desk: str
    call_count: int
    staff_id: str
    issued_at: datetime
    called_at: datetime | None
    ended_at: datetime | None
    is_issued_offline: bool
    version: int

    @property
    def number(self) -> str:
        """What is printed, for example "A007"."""
        return printed(self.service_line_code, self.sequence_number)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An arrival as it is stored.

    `manager_branch_id` is where the relationship manager works, when that is another branch.
    """

    arrival_id: UUID
    branch_id: str
    business_day: date
    ticket_id: UUID
    ticket_number: str
    journey_id: UUID
    customer_id: UUID
    masked_name: str
    tier_code: str
    state: ArrivalState
    claimed_by: str
    claimed_by_name: str
    relationship_manager_id: str
    manager_branch_id: str
    escalation_level: int
    created_at: datetime
    claimed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Head:
    """The ticket that is next in a line."""

    ticket_id: UUID
    is_priority: bool
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers that a ticket machine may print while the server is away."""

    block_id: UUID
    device_id: UUID
    branch_id: str
    service_line_code: str
    business_day: date
    first_number: int
    last_number: int
    created_at: datetime


def printed(service_line_code: str, sequence_number: int) -> str:
    """Returns what is printed: the line's letter and three digits."""
    return f"{service_line_code}{sequence_number:03d}"
