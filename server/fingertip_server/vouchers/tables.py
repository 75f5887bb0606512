"""The tables of counted vouchers: what there is, who has it, every movement, every count."""

import datetime as dt
import uuid

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp

_STATES = (
    "'IN_VAULT', 'WITH_TELLER', 'RESERVED', 'ISSUING', 'ISSUED', 'SPOILED', 'DESTROYED', 'LOST'"
)


class Stock(Base):
    """What a teller, or with an empty `holder_id` the vault, has. Locked by whatever moves it."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("day_state IN ('CLOSED', 'OPEN', 'DIFFERENT')", "day_state"),
        CheckConstraint("day_state = 'CLOSED' OR business_day IS NOT NULL", "business_day"),
        CheckConstraint("(day_state = 'DIFFERENT') = (stock_count_id IS NOT NULL)", "different"),
        CheckConstraint("holder_id <> '' OR day_state = 'CLOSED'", "vault"),
        UniqueConstraint("branch_id", "holder_id"),
    )

    stock_id: Mapped[Id]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    holder_id: Mapped[str]
    day_state: Mapped[str] = mapped_column(server_default="CLOSED")
    # The day that is open or, when it is closed, that was closed last.
    business_day: Mapped[dt.date | None]
    is_overdue: Mapped[bool] = mapped_column(server_default=text("false"))
    # The count whose difference waits to be resolved.
    stock_count_id: Mapped[uuid.UUID | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")


class Voucher(Base):
    """A thing that is counted. It is in one hand, and kept for or issued with one application."""

    __tablename__ = "voucher"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", "state"),
        CheckConstraint(
            "CASE WHEN state IN ('WITH_TELLER', 'RESERVED', 'ISSUING') THEN holder_id <> ''"
            " WHEN state = 'SPOILED' THEN true ELSE holder_id = '' END",
            "holder_id",
        ),
        CheckConstraint(
            "(state IN ('RESERVED', 'ISSUING', 'ISSUED')) = (application_id IS NOT NULL)",
            "application_id",
        ),
        UniqueConstraint("voucher_type", "serial"),
        Index(
            "uq_voucher_application_id",
            "application_id",
            unique=True,
            postgresql_where=text("application_id IS NOT NULL"),
        ),
        # What is counted; what is gone is not looked through.
        Index(
            "ix_voucher_counted",
            "branch_id",
            "holder_id",
            "voucher_type",
            "serial",
            postgresql_where=text(
                "state IN ('IN_VAULT', 'WITH_TELLER', 'RESERVED', 'ISSUING', 'SPOILED')"
            ),
        ),
    )

    voucher_id: Mapped[Id]
    voucher_type: Mapped[str]
    serial: Mapped[str]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    state: Mapped[str]
    # A staff number; empty in the vault and outside of the bank's hands.
    holder_id: Mapped[str] = mapped_column(server_default="")
    # No foreign key: this domain knows no applications.
    application_id: Mapped[uuid.UUID | None]
    change_time: Mapped[Timestamp]
    version: Mapped[int] = mapped_column(BigInteger)


class VoucherMovement(Base):
    """A step in a voucher's life. Written once; the voucher's version makes it the only one."""

    __tablename__ = "voucher_movement"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('RECEIVED', 'HANDED_OVER', 'RETURNED', 'RESERVED', 'RELEASED', 'COMMITTED',"
            " 'ISSUED', 'SPOILED', 'DESTROYED', 'LOST')",
            "kind",
        ),
        CheckConstraint(
            "kind NOT IN ('RECEIVED', 'HANDED_OVER', 'RETURNED', 'SPOILED', 'DESTROYED')"
            " OR second_person_id NOT IN ('', actor_id)",
            "second_person_id",
        ),
        Index(
            "ix_voucher_movement_branch_id",
            "branch_id",
            text("move_time DESC"),
            text("voucher_id DESC"),
            text("version DESC"),
        ),
    )

    voucher_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("voucher.voucher_id"), primary_key=True
    )
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    kind: Mapped[str]
    state: Mapped[str]
    from_holder_id: Mapped[str]
    to_holder_id: Mapped[str]
    actor_id: Mapped[str]
    second_person_id: Mapped[str] = mapped_column(server_default="")
    application_id: Mapped[uuid.UUID | None]
    # A keyed commitment to the number of the account that it was issued with.
    account_commitment: Mapped[bytes | None]
    core_reference: Mapped[str] = mapped_column(server_default="")
    purpose: Mapped[str] = mapped_column(server_default="")
    business_day: Mapped[dt.date]
    move_time: Mapped[Timestamp]


class StockCount(Base):
    """What a teller counted at the end of a day, against the book. Written once."""

    __tablename__ = "stock_count"
    __table_args__ = (
        CheckConstraint(
            "jsonb_array_length(differences) = 0"
            " OR (explanation <> '' AND second_person_id NOT IN ('', counted_by))",
            "explained",
        ),
        Index("ix_stock_count_stock_id", "stock_id", "count_time"),
    )

    stock_count_id: Mapped[Id]
    stock_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("stock.stock_id"))
    business_day: Mapped[dt.date]
    counted_by: Mapped[str]
    second_person_id: Mapped[str] = mapped_column(server_default="")
    counted_number: Mapped[int]
    # A list of [voucher_type, serial, MISSING or SURPLUS].
    differences: Mapped[list[list[str]]] = mapped_column(JSONB, server_default="[]")
    explanation: Mapped[str] = mapped_column(server_default="")
    # The stock's version by the count: whatever moved afterwards was not counted.
    stock_version: Mapped[int] = mapped_column(BigInteger)
    count_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class StockResolution(Base):
    """What became of a difference. Written once for a count."""

    __tablename__ = "stock_resolution"

    stock_count_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("stock_count.stock_count_id"), primary_key=True
    )
    resolved_by: Mapped[str]
    purpose: Mapped[str]
    # A list of [voucher_type, serial].
    lost: Mapped[list[list[str]]] = mapped_column(JSONB, server_default="[]")
    resolve_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
