"""The tables of dual control: tasks, and the decisions about them."""

import uuid
from datetime import timedelta

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Interval,
    Uuid,
    false,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp
from fingertip_server.db.leases import Leased
from fingertip_server.protection.types import DataClass, Protected, Sealed

_IS_OPEN = "state IN ('ON_SITE', 'PARKED', 'QUEUED', 'CLAIMED', 'SUPPLEMENT_REQUESTED')"


class Task(Leased, Base):
    """A request for a decision. A claim is its lease; who decided stays its holder.

    Tasks are claimed by `rank_at`, which is when the task was made, moved earlier for what gives
    it precedence, and never changes.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint(
            "state IN ('ON_SITE', 'PARKED', 'QUEUED', 'CLAIMED', 'APPROVED', 'REJECTED',"
            " 'RETURNED', 'WITHDRAWN', 'EXPIRED', 'SUPPLEMENT_REQUESTED')",
            "state",
        ),
        CheckConstraint(
            "state <> 'CLAIMED' OR (holder IS NOT NULL AND lease_until IS NOT NULL)", "claim"
        ),
        CheckConstraint("(state = 'PARKED') = (park_reason <> '')", "park_reason"),
        CheckConstraint("octet_length(content_hash) = 32", "content_hash"),
        CheckConstraint("level BETWEEN 1 AND 9", "level"),
        CheckConstraint("steps_required BETWEEN 1 AND 3", "steps_required"),
        CheckConstraint("steps_done BETWEEN 0 AND steps_required", "steps_done"),
        Index(
            "uq_task_subject_open",
            "subject_kind",
            "subject_id",
            unique=True,
            postgresql_where=text(_IS_OPEN),
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
            "level",
            "rank_at",
            "task_id",
            postgresql_where=text("state = 'QUEUED'"),
        ),
        # For authority that was lent for some scenes of a skill only.
        Index(
            "ix_task_queue_scene",
            "centre_id",
            "scene_code",
            "level",
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
            postgresql_where=text(_IS_OPEN),
        ),
        Index("ix_task_centre_id", "centre_id", "create_time", "task_id"),
        Index(
            "ix_task_offered_to",
            "offered_to",
            postgresql_where=text("state = 'QUEUED' AND offered_to IS NOT NULL"),
        ),
        Index(
            "ix_task_waiting",
            "waiting_since",
            postgresql_where=text("state IN ('PARKED', 'QUEUED') AND escalated_time IS NULL"),
        ),
        Index(
            "ix_task_decided",
            "centre_id",
            "skill",
            "decide_time",
            postgresql_where=text("decide_time IS NOT NULL"),
        ),
        Index(
            "ix_task_branch_id_decided",
            "branch_id",
            "decide_time",
            postgresql_where=text("decide_time IS NOT NULL"),
        ),
        CheckConstraint("(offered_to IS NULL) = (offered_until IS NULL)", "offer"),
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
    # The authority that it takes to decide, raised when somebody hands it up, and why he did.
    level: Mapped[int] = mapped_column(server_default="1")
    escalation_note: Mapped[str] = mapped_column(server_default="")
    # What it is about in money, and whether whoever approves types it once more.
    amount: Mapped[Sealed | None] = mapped_column(Protected(DataClass.C2))
    reenter_amount: Mapped[bool] = mapped_column(server_default=false())
    # Who takes no step about any revision: somebody who acts for the customer, for example.
    barred: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    # How many persons have to approve the revision, and how many have; who takes no further step.
    steps_required: Mapped[int] = mapped_column(server_default="1")
    steps_done: Mapped[int] = mapped_column(server_default="0")
    taken_by: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    rank_at: Mapped[Timestamp]
    park_reason: Mapped[str] = mapped_column(server_default="")
    # How many messages there are about its subject.
    messages: Mapped[int] = mapped_column(server_default="0")
    create_time: Mapped[Timestamp]
    expire_time: Mapped[Timestamp]
    decide_time: Mapped[Timestamp | None]
    # Whose alone it is to claim, until when. An offer lapses without anything being written.
    offered_to: Mapped[str | None]
    offered_until: Mapped[Timestamp | None]
    # Since when somebody waits for it: releasing it, parking it or moving it changes nothing.
    waiting_since: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    # Since when it is its centre's to decide.
    centre_since: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    reminded_time: Mapped[Timestamp | None]
    escalated_time: Mapped[Timestamp | None]
    escalated_to: Mapped[str] = mapped_column(server_default="")
    # Of the last claim.
    claim_time: Mapped[Timestamp | None]
    claim_reminded_time: Mapped[Timestamp | None]
    end_note: Mapped[str] = mapped_column(server_default="")


class TaskDecision(Base):
    """A step of a task's revision, once and for ever. Appended and read, nothing else.

    Approvals up to the last one leave the task open; any other outcome, and the last approval, is
    final. It has no foreign keys and repeats what it depends on, so that four eyes, also between
    steps, and one final decision for each revision hold here whatever becomes of other rows, and
    whoever writes.
    """

    __tablename__ = "task_decision"
    __table_args__ = (
        CheckConstraint("outcome IN ('APPROVED', 'REJECTED', 'RETURNED')", "outcome"),
        CheckConstraint("is_final OR outcome = 'APPROVED'", "is_final"),
        CheckConstraint("step BETWEEN 1 AND 3", "step"),
        CheckConstraint("checker_person_id <> maker_person_id", "four_eyes_maker"),
        CheckConstraint("checker_customer_id <> customer_id", "four_eyes_customer"),
        CheckConstraint("lender_person_id <> maker_person_id", "four_eyes_lender_maker"),
        CheckConstraint("lender_customer_id <> customer_id", "four_eyes_lender_customer"),
        CheckConstraint("lender_person_id <> checker_person_id", "four_eyes_lender"),
        CheckConstraint("(delegation_id IS NULL) = (lender_person_id IS NULL)", "delegation"),
        CheckConstraint("octet_length(content_hash) = 32", "content_hash"),
        Index("uq_task_decision_person", "task_id", "revision", "checker_person_id", unique=True),
        Index(
            "uq_task_decision_final",
            "task_id",
            unique=True,
            postgresql_where=text("is_final"),
        ),
        Index(
            "uq_task_decision_subject_final",
            "subject_kind",
            "subject_id",
            "revision",
            unique=True,
            postgresql_where=text("is_final"),
        ),
    )

    task_id: Mapped[Id]
    revision: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, server_default="1")
    is_final: Mapped[bool] = mapped_column(server_default=true())
    outcome: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    content_hash: Mapped[bytes]
    fence: Mapped[int] = mapped_column(BigInteger)
    maker_person_id: Mapped[uuid.UUID]
    customer_id: Mapped[uuid.UUID]
    checker_id: Mapped[str]
    checker_person_id: Mapped[uuid.UUID]
    # Which customer of the bank the checker is, if any.
    checker_customer_id: Mapped[uuid.UUID | None]
    checker_device_id: Mapped[uuid.UUID | None]
    # By whose authority, where his own was not enough.
    delegation_id: Mapped[uuid.UUID | None]
    lender_person_id: Mapped[uuid.UUID | None]
    lender_customer_id: Mapped[uuid.UUID | None]
    # Beside the maker, on whose tablet.
    on_site: Mapped[bool] = mapped_column(server_default=false())
    note: Mapped[str] = mapped_column(server_default="")
    # A list of [subject, note, anchor].
    defects: Mapped[list[list[str]]] = mapped_column(JSONB, server_default="[]")
    # The checklist items found to be as they should be.
    passed_items: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    decide_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class TaskSupplement(Base):
    """What an authoriser asked for besides a revision, which ended with it. Appended and read."""

    __tablename__ = "task_supplement"
    __table_args__ = (CheckConstraint("octet_length(content_hash) = 32", "content_hash"),)

    task_id: Mapped[Id]
    revision: Mapped[int] = mapped_column(primary_key=True)
    content_hash: Mapped[bytes]
    fence: Mapped[int] = mapped_column(BigInteger)
    authoriser_id: Mapped[str]
    authoriser_person_id: Mapped[uuid.UUID | None]
    device_id: Mapped[uuid.UUID | None]
    # A list of [subject, note, anchor].
    items: Mapped[list[list[str]]] = mapped_column(JSONB)
    request_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class TaskMessage(Base):
    """What somebody said about a task's subject. Appended and read.

    `content` are the bytes of the contract's TaskMessage, never made again; `link` is the SHA-256
    of the former message's link and of them.
    """

    __tablename__ = "task_message"
    __table_args__ = (
        CheckConstraint("number >= 1", "number"),
        CheckConstraint("octet_length(link) = 32", "link"),
        Index("uq_task_message_subject", "subject_kind", "subject_id", "number", unique=True),
    )

    message_id: Mapped[Id]
    task_id: Mapped[uuid.UUID]
    subject_kind: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    number: Mapped[int]
    staff_id: Mapped[str]
    content: Mapped[Sealed] = mapped_column(Protected())
    link: Mapped[bytes]
    post_time: Mapped[Timestamp]
