"""The tables of customers: the master, how they are found, and the parts of their views."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Id, Timestamp
from fingertip_server.protection import Blind, Protected, Sealed

_ACCOUNT_CLASSES = "account_class IN ('class_one', 'class_two', 'class_three')"
_SECTION_KINDS = "kind IN ('PROFILE', 'HOLDINGS', 'TRANSACTIONS', 'PREFERENCES', 'INTENTIONS')"


class Customer(Base):
    """A customer as the bank's master has him.

    `customer_id` follows from `customer_number`, so that records match without a look-up. Of a
    deleted customer nothing is left but the number and the version.
    """

    __tablename__ = "customer"
    __table_args__ = (
        Index("uq_customer_customer_number", "customer_number", unique=True),
        CheckConstraint(
            "NOT is_deleted OR (name IS NULL AND resident_id IS NULL AND mobile IS NULL"
            " AND address IS NULL)",
            "erased",
        ),
    )

    customer_id: Mapped[Id]
    customer_number: Mapped[str]
    # The master's own count of changes.
    version: Mapped[int] = mapped_column(BigInteger)
    is_deleted: Mapped[bool] = mapped_column(server_default=false())
    name: Mapped[Sealed | None] = mapped_column(Protected())
    resident_id: Mapped[Sealed | None] = mapped_column(Protected())
    mobile: Mapped[Sealed | None] = mapped_column(Protected())
    address: Mapped[Sealed | None] = mapped_column(Protected())
    # Empty when unknown; a tier that the pack does not have is none.
    tier_code: Mapped[str]
    home_branch_id: Mapped[str]
    relationship_manager_id: Mapped[str]


class CustomerIdentifier(Base):
    """Something that a customer is found by: a card, a document, a phone."""

    __tablename__ = "customer_identifier"
    __table_args__ = (
        CheckConstraint("kind IN ('card', 'resident_id', 'mobile')", "kind"),
        Index("ix_customer_identifier_customer_id", "customer_id"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    blind: Mapped[bytes] = mapped_column(Blind(), primary_key=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("customer.customer_id"), primary_key=True
    )


class CustomerSection(Base):
    """A part of a customer's view as the bank gave it last; version 0 was asked for only."""

    __tablename__ = "customer_section"
    __table_args__ = (
        CheckConstraint(_SECTION_KINDS, "kind"),
        CheckConstraint("(version = 0) = (content IS NULL)", "content"),
        CheckConstraint("(version = 0) = (as_of IS NULL)", "as_of"),
    )

    customer_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("customer.customer_id"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    as_of: Mapped[Timestamp | None]
    # A serialized fingertip.customer.v1.SectionContent.
    content: Mapped[Sealed | None] = mapped_column(Protected())


class CustomerSectionAsker(Base):
    """A topic that waits for news of a part of a view: the bank was asked and has not answered."""

    __tablename__ = "customer_section_asker"
    __table_args__ = (CheckConstraint(_SECTION_KINDS, "kind"),)

    customer_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[Timestamp]


class CustomerAccount(Base):
    """An account that the bank's master reports of a customer, by its class."""

    __tablename__ = "customer_account"
    __table_args__ = (
        CheckConstraint(_ACCOUNT_CLASSES, "account_class"),
        Index("ix_customer_account_blind", "blind"),
    )

    customer_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("customer.customer_id"), primary_key=True
    )
    blind: Mapped[bytes] = mapped_column(Blind(), primary_key=True)
    account_class: Mapped[str]


class AccountHolder(Base):
    """A person who opens accounts, found by his document: whoever counts them locks this row."""

    __tablename__ = "account_holder"

    person: Mapped[bytes] = mapped_column(Blind(), primary_key=True)


class AccountSlot(Base):
    """The place of an account among those that a person may have, from the submission on.

    It is given up when nothing comes of the application, and goes when the master reports the
    account. `blind` is the account's, once it is open. Numbers differ, whatever anybody counted.
    """

    __tablename__ = "account_slot"
    __table_args__ = (
        CheckConstraint(_ACCOUNT_CLASSES, "account_class"),
        CheckConstraint("number >= 1", "number"),
        Index("uq_account_slot_number", "person", "account_class", "number", unique=True),
        Index("ix_account_slot_blind", "blind", postgresql_where=text("blind IS NOT NULL")),
    )

    application_id: Mapped[Id]
    person: Mapped[bytes] = mapped_column(Blind())
    account_class: Mapped[str]
    number: Mapped[int]
    blind: Mapped[bytes | None] = mapped_column(Blind())


class CustomerRestriction(Base):
    """A restrictive measure against a customer, of the bank's own systems or of its staff."""

    __tablename__ = "customer_restriction"
    __table_args__ = (
        CheckConstraint("measure IN ('UNSPECIFIED', 'REFUSE', 'ENHANCE')", "measure"),
        Index(
            "uq_customer_restriction_live",
            "customer_id",
            "code",
            "is_banks_own",
            unique=True,
            postgresql_where=text("lift_time IS NULL"),
        ),
        Index("ix_customer_restriction_customer_id", "customer_id", "impose_time"),
    )

    restriction_id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=func.gen_random_uuid()
    )
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.customer_id"))
    code: Mapped[str]
    measure: Mapped[str]
    reason: Mapped[Sealed] = mapped_column(Protected())
    appeal_route: Mapped[str]
    is_banks_own: Mapped[bool]
    imposed_by: Mapped[str] = mapped_column(server_default="")
    impose_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    lifted_by: Mapped[str] = mapped_column(server_default="")
    lift_time: Mapped[Timestamp | None]


class Consent(Base):
    """A customer's consent to a purpose, by a text of the pack. Only its withdrawal is added."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("channel IN ('WRITTEN', 'ONLINE')", "channel"),
        CheckConstraint("octet_length(agreement_sha256) = 32", "agreement_sha256"),
        Index("ix_consent_customer_id", "customer_id", "purpose", "record_time"),
        Index(
            "ix_consent_application_id",
            "application_id",
            postgresql_where=text("application_id IS NOT NULL"),
        ),
    )

    consent_id: Mapped[Id]
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.customer_id"))
    purpose: Mapped[str]
    agreement_code: Mapped[str]
    agreement_version: Mapped[int]
    agreement_sha256: Mapped[bytes]
    channel: Mapped[str]
    application_id: Mapped[uuid.UUID | None]
    recorded_by: Mapped[str]
    device_id: Mapped[uuid.UUID | None]
    record_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    withdrawn_by: Mapped[str] = mapped_column(server_default="")
    withdraw_time: Mapped[Timestamp | None]


class SyncSource(Base):
    """How far the customer master of a source was taken over."""

    __tablename__ = "sync_source"

    source: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[str]
