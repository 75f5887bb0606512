"""The tables of dual control: tasks, and the decisions about them."""

import uuid
from datetime import timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Interval, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp
from fingertip_server.db.leases import Leased


class Task(Leased, Base):
    """A request for a decision. A claim is its lease; who decided stays its holder.

    Tasks are claimed by `rank_at`, which is when the task was made, moved earlier for what gives
    it precedence, and never changes.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint(
            "state IN ('PARKED', 'QUEUED', 'CLAIMED', 'APPROVED', 'REJECTED', 'RETURNED',"
            " 'WITHDRAWN', 'EXPIRED')",
            "state",
        ),
        CheckConstraint(
            "state <> 'CLAIMED' OR (holder IS NOT NULL AND lease_until IS NOT NULL)", "claim"
        ),
        CheckConstraint("(state = 'PARKED') = (park_reason <> '')", "park_reason"),
        CheckConstraint("octet_length(content_hash) = 32", "content_hash"),
        Index(
            "uq_task_subject_open",
            "subject_kind",
            "subject_id",
            unique=True,
            postgresql_where=text("state IN ('PARKED', 'QUEUED', 'CLAIMED')"),
        ),
        Index(
            "uq_task_holder_claimed",
            "holder",
            unique=True,
            postgresql_where=text("state = 'CLAIMED'"),
        ),
        Index(
            "ix_task_queue",
            "centre_id",
            "skill",
            "rank_at",
            "task_id",
            postgresql_where=text("state = 'QUEUED'"),
        ),
        Index(
            "ix_task_parked",
            "scene_code",
            "rank_at",
            "task_id",
            postgresql_where=text("state = 'PARKED'"),
        ),
        Index(
            "ix_task_centre_id_open",
            "centre_id",
            "create_time",
            "task_id",
            postgresql_where=text("state IN ('PARKED', 'QUEUED', 'CLAIMED')"),
        ),
        Index("ix_task_centre_id", "centre_id", "create_time", "task_id"),
    )

    task_id: Mapped[Id]
    scene_code: Mapped[str]
    centre_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    skill: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    revision: Mapped[int]
    content_hash: Mapped[bytes]
    maker_id: Mapped[str]
    maker_person_id: Mapped[uuid.UUID]
    customer_id: Mapped[uuid.UUID]
    journey_id: Mapped[uuid.UUID | None]
    previous_task_id: Mapped[uuid.UUID | None]
    # As the scene had it when the task was made: a list of [item_id, text, [evidence keys]].
    checklist: Mapped[list[tuple[str, str, list[str]]]] = mapped_column(JSONB)
    lease_span: Mapped[timedelta] = mapped_column(Interval)
    rank_at: Mapped[Timestamp]
    park_reason: Mapped[str] = mapped_column(server_default="")
    create_time: Mapped[Timestamp]
    expire_time: Mapped[Timestamp]
    decide_time: Mapped[Timestamp | None]


class TaskDecision(Base):
    """What was decided about a task, once and for ever. Appended and read, nothing else.

    It has no foreign keys and repeats what it depends on, so that four eyes and one decision for
    each revision hold here whatever becomes of other rows, and whoever writes.
    """

    __tablename__ = "task_decision"
    __table_args__ = (
        CheckConstraint("outcome IN ('APPROVED', 'REJECTED', 'RETURNED')", "outcome"),
        CheckConstraint("checker_person_id <> maker_person_id", "four_eyes_maker"),
        CheckConstraint("checker_customer_id <> customer_id", "four_eyes_customer"),
        CheckConstraint("octet_length(content_hash) = 32", "content_hash"),
        Index("uq_task_decision_subject", "subject_kind", "subject_id", "revision", unique=True),
    )

    task_id: Mapped[Id]
    outcome: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    revision: Mapped[int]
    content_hash: Mapped[bytes]
    fence: Mapped[int] = mapped_column(BigInteger)
    maker_person_id: Mapped[uuid.UUID]
    customer_id: Mapped[uuid.UUID]
    checker_id: Mapped[str]
    checker_person_id: Mapped[uuid.UUID]
    # Which customer of the bank the checker is, if any.
    checker_customer_id: Mapped[uuid.UUID | None]
    checker_device_id: Mapped[uuid.UUID | None]
    note: Mapped[str] = mapped_column(server_default="")
    # A list of [subject, note, anchor].
    defects: Mapped[list[list[str]]] = mapped_column(JSONB, server_default="[]")
    # The checklist items found to be as they should be.
    passed_items: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    decide_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
