"""The tables of identities: units, staff, devices, and how they prove who they are."""

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid, func, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp


class Branch(Base):
    """An office of the bank pack. A row stays when a newer pack no longer has the office."""

    __tablename__ = "branch"
    __table_args__ = (CheckConstraint("kind IN ('branch', 'centre', 'head_office')", "kind"),)

    branch_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    time_zone: Mapped[str]


class Staff(Base):
    """An account of a member of staff, as the bank pack has it.

    `is_listed` says whether the active pack still does; `state` is the administrator's.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("state IN ('ACTIVE', 'SUSPENDED')", "state"),
        CheckConstraint("failed_attempts >= 0", "failed_attempts"),
        CheckConstraint("level BETWEEN 1 AND 9", "level"),
        Index("ix_staff_branch_id", "branch_id", "staff_id"),
    )

    staff_id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID]
    display_name: Mapped[str]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    # His own authority; what was delegated to him besides stands in `delegation`.
    level: Mapped[int] = mapped_column(server_default="1")
    # Which customer of the bank the person is, if any.
    customer_id: Mapped[uuid.UUID | None]
    # Which customers are his relatives, as he reported them.
    relatives: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    is_listed: Mapped[bool] = mapped_column(server_default=true())
    state: Mapped[str] = mapped_column(server_default="ACTIVE")
    # Attempts to sign in since the last success; each is counted before its password is checked.
    failed_attempts: Mapped[int] = mapped_column(server_default="0")
    locked_until: Mapped[Timestamp | None]


class StaffCredential(Base):
    """A password of an account, as argon2id keeps it. Former ones stay, so that none comes back."""

    __tablename__ = "staff_credential"
    __table_args__ = (
        Index(
            "uq_staff_credential_current",
            "staff_id",
            unique=True,
            postgresql_where="replaced_at IS NULL",
        ),
        Index("ix_staff_credential_staff_id", "staff_id"),
    )

    credential_id: Mapped[Id]
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.staff_id"))
    password_hash: Mapped[str]
    set_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    replaced_at: Mapped[Timestamp | None]


class Device(Base):
    """A tablet, a ticket machine or an adapter that was enrolled."""

    __tablename__ = "device"
    __table_args__ = (
        CheckConstraint("kind IN ('TABLET', 'TICKET_MACHINE', 'ADAPTER')", "kind"),
        CheckConstraint("state IN ('ENROLLED', 'REVOKED')", "state"),
        CheckConstraint("(state = 'REVOKED') = (revoked_at IS NOT NULL)", "revoked"),
        CheckConstraint("(kind = 'ADAPTER') = (work_kinds <> '{}')", "work_kinds"),
        Index("uq_device_credential_hash", "credential_hash", unique=True),
        Index("ix_device_enrolled_at", "enrolled_at", "device_id"),
    )

    device_id: Mapped[Id]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="ENROLLED")
    display_name: Mapped[str]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    work_kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    credential_hash: Mapped[bytes]
    enrolled_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    revoked_at: Mapped[Timestamp | None]


class EnrolmentCode(Base):
    """A device that may be enrolled with a code, once and for a short while."""

    __tablename__ = "enrolment_code"
    __table_args__ = (
        CheckConstraint("kind IN ('TABLET', 'TICKET_MACHINE', 'ADAPTER')", "kind"),
        Index("uq_enrolment_code_code_hash", "code_hash", unique=True),
        Index("ix_enrolment_code_expires_at", "expires_at"),
    )

    # The device that it will be.
    device_id: Mapped[Id]
    code_hash: Mapped[bytes]
    kind: Mapped[str]
    display_name: Mapped[str]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    work_kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    expires_at: Mapped[Timestamp]
    used_at: Mapped[Timestamp | None]


class StaffSession(Base):
    """A member of staff signed in on a device, until it ends, expires or idles."""

    __tablename__ = "staff_session"
    __table_args__ = (
        Index("uq_staff_session_token_hash", "token_hash", unique=True),
        Index("ix_staff_session_expires_at", "expires_at"),
        Index("ix_staff_session_staff_id_open", "staff_id", postgresql_where="ended_at IS NULL"),
        Index("ix_staff_session_device_id_open", "device_id", postgresql_where="ended_at IS NULL"),
    )

    session_id: Mapped[Id]
    token_hash: Mapped[bytes]
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.staff_id"))
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("device.device_id"))
    created_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    expires_at: Mapped[Timestamp]
    # Up to half a minute behind: every process writes down now and then whom it saw.
    last_used_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    ended_at: Mapped[Timestamp | None]


class Shift(Base):
    """A member of staff at work in his branch or centre."""

    __tablename__ = "shift"
    __table_args__ = (
        Index(
            "uq_shift_staff_id_open", "staff_id", unique=True, postgresql_where="ended_at IS NULL"
        ),
        Index("ix_shift_branch_id_open", "branch_id", postgresql_where="ended_at IS NULL"),
    )

    shift_id: Mapped[Id]
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.staff_id"))
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    started_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    ended_at: Mapped[Timestamp | None]
    # Since when he is on a break. Former breaks stand in the journal.
    break_since: Mapped[Timestamp | None]


class Delegation(Base):
    """Authority that a member of staff lent another one of his unit, for a scope and a while.

    Persons are repeated here so that nobody lends to himself, whoever writes.
    """

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("delegator_person_id <> delegate_person_id", "persons"),
        CheckConstraint("level BETWEEN 1 AND 9", "level"),
        CheckConstraint("scene_codes <> '{}' OR skills <> '{}'", "scope"),
        CheckConstraint("expires_at > created_at", "expires_at"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", "revoked"),
        Index("ix_delegation_branch_id", "branch_id", "created_at", "delegation_id"),
        Index("ix_delegation_delegate", "delegate_person_id", "expires_at"),
    )

    delegation_id: Mapped[Id]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    delegator_id: Mapped[str] = mapped_column(ForeignKey("staff.staff_id"))
    delegator_person_id: Mapped[uuid.UUID]
    delegate_id: Mapped[str] = mapped_column(ForeignKey("staff.staff_id"))
    delegate_person_id: Mapped[uuid.UUID]
    level: Mapped[int]
    scene_codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    purpose: Mapped[str]
    created_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    expires_at: Mapped[Timestamp]
    revoked_at: Mapped[Timestamp | None]
    revoked_by: Mapped[str | None]
