"""The tables of screening: lists, what their entries are recognised by, and every look at them."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp
from fingertip_server.protection import Blind


class ScreeningList(Base):
    """A list, and how far it was taken over."""

    __tablename__ = "screening_list"

    list_code: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[str]


class ScreeningEntry(Base):
    """An entry of a list. Of one that was taken off nothing is left but number and version."""

    __tablename__ = "screening_entry"
    __table_args__ = (
        CheckConstraint("effect IN ('BLOCK', 'REVIEW')", "effect"),
        CheckConstraint("is_deleted = (effect IS NULL)", "erased"),
    )

    list_code: Mapped[str] = mapped_column(primary_key=True)
    entry_number: Mapped[str] = mapped_column(primary_key=True)
    # The list's own count of changes.
    version: Mapped[int] = mapped_column(BigInteger)
    is_deleted: Mapped[bool]
    effect: Mapped[str | None]


class ScreeningKey(Base):
    """Something that an entry is recognised by: never a name or a number itself."""

    __tablename__ = "screening_key"
    __table_args__ = (
        CheckConstraint("means IN ('DOCUMENT', 'NAME')", "means"),
        ForeignKeyConstraint(
            ["list_code", "entry_number"],
            ["screening_entry.list_code", "screening_entry.entry_number"],
        ),
        Index("ix_screening_key_blind", "blind"),
    )

    list_code: Mapped[str] = mapped_column(primary_key=True)
    entry_number: Mapped[str] = mapped_column(primary_key=True)
    means: Mapped[str] = mapped_column(primary_key=True)
    blind: Mapped[bytes] = mapped_column(Blind(), primary_key=True)


class ScreeningRecord(Base):
    """One look at the lists, whatever came of it. Never changed."""

    __tablename__ = "screening_record"
    __table_args__ = (
        CheckConstraint("stage IN ('SUBMISSION', 'APPROVAL', 'EXECUTION')", "stage"),
        CheckConstraint("effect IN ('BLOCK', 'REVIEW')", "effect"),
        Index("ix_screening_record_application_id", "application_id", "revision"),
    )

    screening_id: Mapped[Id]
    application_id: Mapped[uuid.UUID]
    revision: Mapped[int]
    stage: Mapped[str]
    screen_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    # The position of each list by its code.
    positions: Mapped[dict[str, str]] = mapped_column(JSONB)
    # Lists of [party, list code, entry number, means, effect].
    matches: Mapped[list[list[str]]] = mapped_column(JSONB)
    # The gravest of the matches; NULL when there was none.
    effect: Mapped[str | None]


class ScreeningHit(Base):
    """A record that compliance has to deal with, or did."""

    __tablename__ = "screening_hit"
    __table_args__ = (
        CheckConstraint("state IN ('OPEN', 'CLOSED')", "state"),
        CheckConstraint("(state = 'CLOSED') = (closed_by <> '')", "closed_by"),
        # Whoever tries again and again makes one hit of it.
        Index(
            "uq_screening_hit_application_id_stage_open",
            "application_id",
            "stage",
            unique=True,
            postgresql_where=text("state = 'OPEN'"),
        ),
        Index("ix_screening_hit_hit_time", "hit_time", "screening_id"),
        Index("ix_screening_hit_open", "hit_time", postgresql_where=text("state = 'OPEN'")),
    )

    screening_id: Mapped[Id]
    application_id: Mapped[uuid.UUID]
    branch_id: Mapped[str]
    journey_id: Mapped[uuid.UUID | None]
    stage: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="OPEN")
    hit_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    closed_by: Mapped[str] = mapped_column(server_default="")
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
