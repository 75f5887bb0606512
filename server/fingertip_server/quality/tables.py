"""The tables of quality: entries of the error file, and second looks."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp


class ErrorEntry(Base):
    """Something that a teller did wrong, as the centre sees it.

    Who raised, answered and settled it are persons apart, and none of those of the centre is the
    teller.
    """

    __tablename__ = "error_entry"
    __table_args__ = (
        CheckConstraint(
            "state IN ('AT_BRANCH', 'AT_SUPERVISOR', 'CONFIRMED', 'CANCELLED')", "state"
        ),
        CheckConstraint("source IN ('REJECTED', 'RETURNED', 'SECOND_LOOK')", "source"),
        CheckConstraint("raised_person_id <> maker_person_id", "four_eyes_raised"),
        CheckConstraint("answered_person_id <> raised_person_id", "four_eyes_answered"),
        CheckConstraint(
            "settled_person_id NOT IN (maker_person_id, raised_person_id)", "four_eyes_settled"
        ),
        CheckConstraint("settled_person_id <> answered_person_id", "four_eyes_answer_settled"),
        CheckConstraint(
            "(state IN ('CONFIRMED', 'CANCELLED')) = (settle_time IS NOT NULL)", "settled"
        ),
        Index("uq_error_entry_task_id_source", "task_id", "source", unique=True),
        Index("ix_error_entry_branch_id", "branch_id", "create_time", "error_entry_id"),
        Index("ix_error_entry_centre_id", "centre_id", "create_time", "error_entry_id"),
        Index("ix_error_entry_create_time", "create_time", "error_entry_id"),
    )

    error_entry_id: Mapped[Id]
    state: Mapped[str]
    source: Mapped[str]
    category_code: Mapped[str]
    task_id: Mapped[uuid.UUID]
    scene_code: Mapped[str]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    centre_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    journey_id: Mapped[uuid.UUID | None]
    maker_id: Mapped[str]
    maker_person_id: Mapped[uuid.UUID]
    raised_by: Mapped[str]
    raised_person_id: Mapped[uuid.UUID]
    # A list of [subject, note].
    details: Mapped[list[list[str]]] = mapped_column(JSONB)
    was_executed: Mapped[bool]
    is_disputed: Mapped[bool] = mapped_column(server_default=text("false"))
    answered_by: Mapped[str] = mapped_column(server_default="")
    answered_person_id: Mapped[uuid.UUID | None]
    answer_note: Mapped[str] = mapped_column(server_default="")
    settled_by: Mapped[str] = mapped_column(server_default="")
    settled_person_id: Mapped[uuid.UUID | None]
    settle_note: Mapped[str] = mapped_column(server_default="")
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    answer_deadline: Mapped[Timestamp]
    settle_time: Mapped[Timestamp | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")


class SecondLook(Base):
    """A task that was approved and drawn to be looked at again.

    `proof` is the HMAC of the task's id with its suite and key version: with the key ring an
    auditor draws again, for this task and for those that were not drawn.
    """

    __tablename__ = "second_look"
    __table_args__ = (
        CheckConstraint("state IN ('OPEN', 'AGREED', 'ERROR')", "state"),
        CheckConstraint("draw < share_per_mille", "draw"),
        CheckConstraint("(state = 'OPEN') = (review_time IS NULL)", "reviewed"),
        CheckConstraint("reviewer_person_id <> maker_person_id", "four_eyes_maker"),
        Index("ix_second_look_centre_id", "centre_id", "create_time", "task_id"),
    )

    task_id: Mapped[Id]
    state: Mapped[str] = mapped_column(server_default="OPEN")
    scene_code: Mapped[str]
    skill: Mapped[str]
    centre_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    maker_id: Mapped[str]
    maker_person_id: Mapped[uuid.UUID]
    draw: Mapped[int]
    share_per_mille: Mapped[int]
    proof: Mapped[bytes]
    reviewer_id: Mapped[str] = mapped_column(server_default="")
    reviewer_person_id: Mapped[uuid.UUID | None]
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    review_time: Mapped[Timestamp | None]
