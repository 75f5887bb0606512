"""The queue's tables: the work, and what the bank's books say of it."""

import datetime as dt
import uuid
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp
from fingertip_server.db.leases import Leased
from fingertip_server.protection import Protected, Sealed


class WorkItem(Leased, Base):
    """Work for an adapter. Inserted by the append at the end of the call that asks for it.

    It has no foreign keys: it is appended while the heads of topics are about to be locked.
    """

    __tablename__ = "work_item"
    __table_args__ = (
        UniqueConstraint("operation_id"),
        CheckConstraint(
            "state IN ('READY', 'LEASED', 'DONE', 'FAILED', 'UNKNOWN', 'PARKED')", "state"
        ),
        CheckConstraint("purpose IN ('EXECUTE', 'INQUIRE')", "purpose"),
        # Only what has an effect is inquired about, and what is unknown is never executed.
        CheckConstraint("purpose = 'EXECUTE' OR has_effect", "inquiry"),
        CheckConstraint("state <> 'UNKNOWN' OR purpose = 'INQUIRE'", "unknown"),
        CheckConstraint("(state = 'LEASED') = (holder IS NOT NULL)", "holder"),
        CheckConstraint("(state = 'LEASED') = (lease_until IS NOT NULL)", "lease"),
        CheckConstraint("(state IN ('DONE', 'FAILED')) = (ended_at IS NOT NULL)", "ended"),
        CheckConstraint("deadline_at IS NULL OR NOT has_effect", "deadline"),
        # That nothing was done is nobody's word alone.
        CheckConstraint("give_up_by IS NULL OR (has_effect AND state = 'PARKED')", "give_up"),
        CheckConstraint(
            "(give_up_by IS NULL) = (give_up_person_id IS NULL)"
            " AND (give_up_by IS NULL) = (give_up_at IS NULL)",
            "give_up_whole",
        ),
        # One open item per key: those who ask meanwhile get its answer. Named by the append.
        Index(
            "uq_work_item_open",
            "kind",
            "dedupe_key",
            unique=True,
            postgresql_where="dedupe_key <> '' AND state IN ('READY', 'LEASED')",
        ),
        # What a lease looks through: the items of a kind that wait, oldest first.
        Index(
            "ix_work_item_waiting",
            "kind",
            "ready_at",
            postgresql_where="state IN ('READY', 'UNKNOWN')",
        ),
        # What time ends.
        Index("ix_work_item_lease_until", "lease_until", postgresql_where="state = 'LEASED'"),
        Index(
            "ix_work_item_deadline_at",
            "deadline_at",
            postgresql_where="state = 'READY' AND deadline_at IS NOT NULL",
        ),
        # What is done, and on no list of the bank's yet.
        Index(
            "ix_work_item_unlisted",
            "ended_at",
            postgresql_where="has_effect AND state = 'DONE' AND listed_on IS NULL",
        ),
        # What operators look through.
        Index("ix_work_item_created_at", "created_at", "work_item_id"),
        Index("ix_work_item_branch_id", "branch_id", "created_at", "work_item_id"),
        Index(
            "ix_work_item_troubled",
            "branch_id",
            "created_at",
            "work_item_id",
            postgresql_where="state IN ('UNKNOWN', 'PARKED')",
        ),
    )

    work_item_id: Mapped[Id]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="READY")
    operation_id: Mapped[uuid.UUID]
    purpose: Mapped[str] = mapped_column(server_default="EXECUTE")
    has_effect: Mapped[bool] = mapped_column(server_default=false())
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    branch_id: Mapped[str]
    journey_id: Mapped[uuid.UUID | None]
    traceparent: Mapped[str]
    dedupe_key: Mapped[str] = mapped_column(server_default="")
    order_sealed: Mapped[Sealed] = mapped_column(Protected())
    ready_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    # When nobody waits for the answer any more. Only what has no effect may be dropped.
    deadline_at: Mapped[Timestamp | None]
    # The attempts before an operator gave the item new ones.
    attempts_forgiven: Mapped[int] = mapped_column(server_default="0")
    # When the last attempt to execute was over, whatever came of it.
    executed_at: Mapped[Timestamp | None]
    failure_code: Mapped[str] = mapped_column(server_default="")
    # Who asked to give a parked item up, which takes another person's word besides.
    give_up_by: Mapped[str | None]
    give_up_person_id: Mapped[uuid.UUID | None]
    give_up_purpose: Mapped[str] = mapped_column(server_default="")
    give_up_at: Mapped[Timestamp | None]
    created_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    ended_at: Mapped[Timestamp | None]
    # The bank's business day on whose list of operations it stands.
    listed_on: Mapped[dt.date | None]


class OperationsDay(Base):
    """The bank's list of operations of one of its business days, as far as it was sent.

    A list that is sent again is another sending; the last one that was whole counts.
    """

    __tablename__ = "operations_day"

    source: Mapped[str] = mapped_column(primary_key=True)
    business_day: Mapped[dt.date] = mapped_column(primary_key=True)
    # Whose watchers are told: the unit of the adapter that reports.
    topic: Mapped[str]
    list_id: Mapped[uuid.UUID | None]
    position: Mapped[int] = mapped_column(server_default="0")
    sending: Mapped[int] = mapped_column(server_default="0")
    closed_sending: Mapped[int] = mapped_column(server_default="0")
    closed_at: Mapped[Timestamp | None]
    # What the adapter that closed it does: only such work is expected on the list.
    work_kinds: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")


class BankOperation(Base):
    """A booking of the bank's as it was listed last. One that a later list lacks is unlisted."""

    __tablename__ = "bank_operation"
    __table_args__ = (
        CheckConstraint("octet_length(content_hash) = 32", "content_hash"),
        Index("ix_bank_operation_operation_id", "operation_id"),
        Index("ix_bank_operation_business_day", "source", "business_day", "operation_id"),
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    operation_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    core_reference: Mapped[str] = mapped_column(primary_key=True)
    business_day: Mapped[dt.date]
    sending: Mapped[int]
    is_listed: Mapped[bool]
    topic: Mapped[str]
    work_kind: Mapped[str]
    customer_number: Mapped[str]
    account_number: Mapped[Sealed | None] = mapped_column(Protected())
    content_hash: Mapped[bytes]
    currency: Mapped[str]
    amount: Mapped[Decimal | None] = mapped_column(Numeric(24, 2))
    booked_at: Mapped[Timestamp]

    @staticmethod
    def row_of(source: str, operation_id: str | uuid.UUID, core_reference: str) -> str:
        """Names a row, for its seal."""
        return f"{source}/{operation_id}/{core_reference}"

    @property
    def row_id(self) -> str:
        """Names the row, for its seal."""
        return self.row_of(self.source, self.operation_id, self.core_reference)


class OperationDifference(Base):
    """Something in which the bank's books and ours do not agree. One row for each, for ever."""

    __tablename__ = "operation_difference"
    __table_args__ = (
        CheckConstraint("state IN ('OPEN', 'EXPLAINED', 'SETTLED')", "state"),
        CheckConstraint("(state = 'SETTLED') = (settled_at IS NOT NULL)", "settled_at"),
        CheckConstraint("state <> 'EXPLAINED' OR explained_by <> ''", "explained_by"),
        UniqueConstraint("source", "operation_id", "kind"),
        Index("ix_operation_difference_found_at", "found_at", "difference_id"),
        Index("ix_operation_difference_branch_id", "branch_id", "found_at", "difference_id"),
    )

    difference_id: Mapped[Id]
    source: Mapped[str]
    business_day: Mapped[dt.date]
    kind: Mapped[str]
    state: Mapped[str]
    operation_id: Mapped[uuid.UUID]
    work_item_id: Mapped[uuid.UUID | None]
    # Empty where nobody here asked.
    branch_id: Mapped[str]
    item_state: Mapped[str]
    core_references: Mapped[list[str]] = mapped_column(ARRAY(Text))
    topic: Mapped[str]
    found_at: Mapped[Timestamp]
    settled_at: Mapped[Timestamp | None]
    explained_by: Mapped[str] = mapped_column(server_default="")
    explanation: Mapped[str] = mapped_column(server_default="")
    version: Mapped[int] = mapped_column(BigInteger)
