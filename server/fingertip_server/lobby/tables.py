"""The tables of a lobby. Everything is keyed by branch, and what counts anew each day by its day."""

import datetime
import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp
from fingertip_server.protection import Blind


class LineDay(Base):
    """A line on one business day: its last number, how many wait, and who was called last.

    Its row is locked by whoever issues a ticket, so that numbers have no gap and counts are exact.
    """

    __tablename__ = "line_day"
    __table_args__ = (CheckConstraint("waiting_count >= 0", "waiting_count"),)

    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"), primary_key=True)
    service_line_code: Mapped[str] = mapped_column(primary_key=True)
    business_day: Mapped[datetime.date] = mapped_column(primary_key=True)
    last_number: Mapped[int]
    waiting_count: Mapped[int]
    # Empty before the first call.
    last_called_number: Mapped[str] = mapped_column(server_default="")


class BranchDay(Base):
    """A branch on one business day. Its row is locked by whoever calls a ticket."""

    __tablename__ = "branch_day"

    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"), primary_key=True)
    business_day: Mapped[datetime.date] = mapped_column(primary_key=True)
    # How many calls of the next ticket in a row went to priority lines.
    priority_calls: Mapped[int] = mapped_column(server_default="0")


class Visitor(Base):
    """A known customer in a branch on one business day, whatever the number of his tickets."""

    __tablename__ = "visitor"

    branch_id: Mapped[str] = mapped_column(primary_key=True)
    business_day: Mapped[datetime.date] = mapped_column(primary_key=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("customer.customer_id"), primary_key=True
    )
    journey_id: Mapped[uuid.UUID]
    ticket_count: Mapped[int]


class TicketBlock(Base):
    """Numbers that a ticket machine may print while the server is away."""

    __tablename__ = "ticket_block"
    __table_args__ = (CheckConstraint("first_number <= last_number", "numbers"),)

    block_id: Mapped[Id]
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("device.device_id"))
    branch_id: Mapped[str]
    service_line_code: Mapped[str]
    business_day: Mapped[datetime.date]
    first_number: Mapped[int]
    last_number: Mapped[int]
    created_at: Mapped[Timestamp]


class Ticket(Base):
    """A customer's place in a queue."""

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint(
            "state IN ('WAITING', 'CALLED', 'SERVING', 'COMPLETED', 'NO_SHOW', 'EXPIRED')", "state"
        ),
        CheckConstraint("sequence_number BETWEEN 1 AND 999", "sequence_number"),
        UniqueConstraint(
            "branch_id",
            "business_day",
            "service_line_code",
            "sequence_number",
            name="uq_ticket_number",
        ),
        # A desk has one customer at a time.
        Index(
            "uq_ticket_desk",
            "branch_id",
            "desk",
            unique=True,
            postgresql_where="state IN ('CALLED', 'SERVING')",
        ),
        # The head of a line.
        Index(
            "ix_ticket_waiting",
            "branch_id",
            "business_day",
            "service_line_code",
            "issued_at",
            "sequence_number",
            postgresql_where="state = 'WAITING'",
        ),
        # What a new watcher is shown.
        Index(
            "ix_ticket_open",
            "branch_id",
            postgresql_where="state IN ('WAITING', 'CALLED', 'SERVING')",
        ),
        # The day's list.
        Index("ix_ticket_day", "branch_id", "business_day", "issued_at", "ticket_id"),
        # Tickets whose customer the bank is asked for.
        Index(
            "ix_ticket_identifier",
            "branch_id",
            "business_day",
            "identifier",
            postgresql_where="identifier IS NOT NULL AND customer_id IS NULL",
        ),
    )

    ticket_id: Mapped[Id]
    branch_id: Mapped[str]
    service_line_code: Mapped[str]
    business_day: Mapped[datetime.date]
    sequence_number: Mapped[int]
    state: Mapped[str]
    journey_id: Mapped[uuid.UUID]
    # None on an anonymous ticket, and until the bank has said whose card it was.
    customer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("customer.customer_id"))
    tier_code: Mapped[str] = mapped_column(server_default="")
    # The card or document of a customer whom nobody knew, as the customer domain finds it.
    identifier: Mapped[bytes | None] = mapped_column(Blind())
    desk: Mapped[str] = mapped_column(server_default="")
    call_count: Mapped[int] = mapped_column(server_default="0")
    staff_id: Mapped[str] = mapped_column(server_default="")
    issued_at: Mapped[Timestamp]
    called_at: Mapped[Timestamp | None]
    ended_at: Mapped[Timestamp | None]
    is_issued_offline: Mapped[bool] = mapped_column(server_default=false())
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")


class Arrival(Base):
    """The alert that an important customer is in a lobby: one per branch, day and customer."""

    __tablename__ = "arrival"
    __table_args__ = (
        CheckConstraint("state IN ('OPEN', 'CLAIMED', 'RESOLVED')", "state"),
        CheckConstraint("(claimed_by <> '') = (claimed_at IS NOT NULL)", "claimed"),
        CheckConstraint("state <> 'CLAIMED' OR claimed_by <> ''", "claimer"),
        UniqueConstraint(
            "branch_id", "business_day", "customer_id", name="uq_arrival_once_a_day"
        ),
        # What a new watcher is shown: the branch's own, and those of its relationship managers'
        # customers elsewhere.
        Index("ix_arrival_open", "branch_id", postgresql_where="state IN ('OPEN', 'CLAIMED')"),
        Index(
            "ix_arrival_open_elsewhere",
            "manager_branch_id",
            postgresql_where="state IN ('OPEN', 'CLAIMED') AND manager_branch_id <> ''",
        ),
    )

    arrival_id: Mapped[Id]
    branch_id: Mapped[str]
    business_day: Mapped[datetime.date]
    ticket_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ticket.ticket_id"))
    ticket_number: Mapped[str]
    journey_id: Mapped[uuid.UUID]
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.customer_id"))
    # Masked when it was made: what stands here may stand on a lock screen.
    masked_name: Mapped[str]
    tier_code: Mapped[str]
    state: Mapped[str]
    claimed_by: Mapped[str] = mapped_column(server_default="")
    claimed_by_name: Mapped[str] = mapped_column(server_default="")
    relationship_manager_id: Mapped[str] = mapped_column(server_default="")
    manager_branch_id: Mapped[str] = mapped_column(server_default="")
    escalation_level: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[Timestamp]
    claimed_at: Mapped[Timestamp | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
