"""The queue's table."""

import uuid

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false, func
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
