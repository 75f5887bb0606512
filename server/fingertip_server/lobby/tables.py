"""The tables of the lobby."""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp


class TicketSequence(Base):
    """The next number of a line on a business day."""

    __tablename__ = "ticket_sequence"

    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"), primary_key=True)
    service_line_code: Mapped[str] = mapped_column(primary_key=True)
    business_day: Mapped[dt.date] = mapped_column(primary_key=True)
    next_number: Mapped[int]


class LobbyDay(Base):
    """What the next call of a branch depends on; locked by every call, so that they queue."""

    __tablename__ = "lobby_day"

    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"), primary_key=True)
    business_day: Mapped[dt.date] = mapped_column(primary_key=True)
    # How many tickets of priority lines were called one after the other.
    priority_streak: Mapped[int] = mapped_column(server_default="0")


class NumberBlock(Base):
    """Numbers that a ticket machine may print while the server is away."""

    __tablename__ = "number_block"

    block_id: Mapped[Id]
    device_id: Mapped[uuid.UUID]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    service_line_code: Mapped[str]
    business_day: Mapped[dt.date]
    first_number: Mapped[int]
    last_number: Mapped[int]
    created_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class Ticket(Base):
    """A customer's place in a queue."""

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint(
            "state IN ('WAITING', 'CALLED', 'SERVING', 'COMPLETED', 'NO_SHOW', 'EXPIRED')", "state"
        ),
        CheckConstraint("state <> 'WAITING' OR desk IS NULL", "desk"),
        CheckConstraint("state IN ('WAITING', 'EXPIRED') OR desk IS NOT NULL", "called"),
        CheckConstraint(
            "(state IN ('COMPLETED', 'NO_SHOW', 'EXPIRED')) = (ended_at IS NOT NULL)", "ended"
        ),
        # Named here: made of its columns, the name would be longer than PostgreSQL keeps.
        UniqueConstraint(
            "branch_id",
            "business_day",
            "service_line_code",
            "sequence_number",
            name="uq_ticket_number",
        ),
        # A line's queue: its head is one probe, its length one range.
        Index(
            "ix_ticket_waiting",
            "branch_id",
            "business_day",
            "service_line_code",
            "issued_at",
            "sequence_number",
            postgresql_where="state = 'WAITING'",
        ),
        # A desk has one customer at a time.
        Index(
            "uq_ticket_desk",
            "branch_id",
            "business_day",
            "desk",
            unique=True,
            postgresql_where="state IN ('CALLED', 'SERVING')",
        ),
        Index("ix_ticket_day", "branch_id", "business_day", "issued_at", "ticket_id"),
        Index(
            "ix_ticket_customer",
            "customer_id",
            "branch_id",
            "business_day",
            postgresql_where="customer_id IS NOT NULL",
        ),
    )

    ticket_id: Mapped[Id]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    service_line_code: Mapped[str]
    business_day: Mapped[dt.date]
    sequence_number: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="WAITING")
    journey_id: Mapped[uuid.UUID]
    # No foreign key: a ticket is issued in one statement, and customers are never deleted.
    customer_id: Mapped[uuid.UUID | None]
    tier_code: Mapped[str] = mapped_column(server_default="")
    desk: Mapped[str | None]
    call_count: Mapped[int] = mapped_column(server_default="0")
    staff_id: Mapped[str] = mapped_column(server_default="")
    issued_offline: Mapped[bool] = mapped_column(server_default="false")
    issued_at: Mapped[Timestamp]
    called_at: Mapped[Timestamp | None]
    ended_at: Mapped[Timestamp | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")


class Arrival(Base):
    """The alert that an important customer has come: one a day and branch."""

    __tablename__ = "arrival"
    __table_args__ = (
        CheckConstraint("state IN ('OPEN', 'CLAIMED', 'RESOLVED')", "state"),
        CheckConstraint("state <> 'CLAIMED' OR claimed_by <> ''", "claimed_by"),
        UniqueConstraint("branch_id", "business_day", "customer_id"),
        Index("uq_arrival_ticket_id", "ticket_id", unique=True),
        Index("ix_arrival_open", "branch_id", "created_at", postgresql_where="state <> 'RESOLVED'"),
        Index(
            "ix_arrival_open_elsewhere",
            "relationship_manager_branch_id",
            postgresql_where="state <> 'RESOLVED' AND relationship_manager_branch_id <> branch_id",
        ),
    )

    arrival_id: Mapped[Id]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    business_day: Mapped[dt.date]
    ticket_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ticket.ticket_id"))
    ticket_number: Mapped[str]
    journey_id: Mapped[uuid.UUID]
    customer_id: Mapped[uuid.UUID]
    masked_name: Mapped[str]
    tier_code: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="OPEN")
    claimed_by: Mapped[str] = mapped_column(server_default="")
    claimed_by_name: Mapped[str] = mapped_column(server_default="")
    relationship_manager_id: Mapped[str] = mapped_column(server_default="")
    # Where he works, when that is another branch: it gets the event too.
    relationship_manager_branch_id: Mapped[str] = mapped_column(server_default="")
    escalation_level: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    claimed_at: Mapped[Timestamp | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
