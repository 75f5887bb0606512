"""The tables of applications: what is filled in, its evidence, what was submitted and executed."""

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
from fingertip_server.protection.types import Blind, Protected, Sealed


class Application(Base):
    """An application as it is now.

    `signed_form` holds the bytes of SignedForm: the answers, and what the customer signs. The
    signature is of `signature_form_hash`, and void when `form_hash` is another by now.
    """

    __tablename__ = "application"
    __table_args__ = (
        CheckConstraint(
            "state IN ('DRAFT', 'SUBMITTED', 'RETURNED', 'APPROVED', 'EXECUTED', 'REJECTED',"
            " 'WITHDRAWN', 'EXPIRED', 'EXECUTION_UNKNOWN', 'EXECUTION_FAILED',"
            " 'REVERSED', 'SUPPLEMENT_REQUESTED')",
            "state",
        ),
        CheckConstraint("octet_length(form_hash) = 32", "form_hash"),
        CheckConstraint("(content_hash IS NULL) = (revision = 0)", "content_hash"),
        CheckConstraint(
            "(state IN ('EXECUTED', 'REVERSED')) = (execute_time IS NOT NULL)", "execute_time"
        ),
        CheckConstraint("(state = 'REVERSED') = (reverse_time IS NOT NULL)", "reverse_time"),
        CheckConstraint("NOT is_reversing OR state = 'EXECUTED'", "is_reversing"),
        Index("ix_application_branch_id", "branch_id", "create_time", "application_id"),
        Index("ix_application_customer_id", "customer_id", "create_time"),
        Index(
            "ix_application_branch_id_open",
            "branch_id",
            postgresql_where=text(
                "state IN ('SUBMITTED', 'SUPPLEMENT_REQUESTED', 'RETURNED', 'APPROVED',"
                " 'EXECUTION_UNKNOWN')"
            ),
        ),
    )

    application_id: Mapped[Id]
    form_code: Mapped[str]
    form_version: Mapped[int]
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.customer_id"))
    journey_id: Mapped[uuid.UUID]
    maker_id: Mapped[str] = mapped_column(ForeignKey("staff.staff_id"))
    maker_person_id: Mapped[uuid.UUID]
    state: Mapped[str] = mapped_column(server_default="DRAFT")
    revision: Mapped[int] = mapped_column(server_default="0")
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    signed_form: Mapped[Sealed] = mapped_column(Protected())
    form_hash: Mapped[bytes]
    signature_form_hash: Mapped[bytes | None]
    signature_attachment_id: Mapped[uuid.UUID | None]
    signature_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("signature.signature_id"))
    content_hash: Mapped[bytes | None]
    task_id: Mapped[uuid.UUID | None]
    state_note: Mapped[str] = mapped_column(server_default="")
    # Of the task that returned it: a list of [subject, note, anchor].
    defects: Mapped[list[list[str]]] = mapped_column(JSONB, server_default="[]")
    # What the authoriser asks for now: a list of [subject, note, anchor, message_id, kinds...].
    asked: Mapped[list[list[str]]] = mapped_column(JSONB, server_default="[]")
    # How many messages the maker and his authorisers have exchanged.
    messages: Mapped[int] = mapped_column(server_default="0")
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    change_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    submit_time: Mapped[Timestamp | None]
    account_number: Mapped[Sealed | None] = mapped_column(Protected())
    core_reference: Mapped[str] = mapped_column(server_default="")
    execute_time: Mapped[Timestamp | None]
    # The counted voucher that is kept for it, or was issued with it.
    voucher_id: Mapped[uuid.UUID | None]
    voucher_serial: Mapped[str] = mapped_column(server_default="")
    # The last reversal, and whether it is under way.
    reversal_id: Mapped[uuid.UUID | None]
    is_reversing: Mapped[bool] = mapped_column(server_default=text("false"))
    reverse_time: Mapped[Timestamp | None]


class ApplicationRevision(Base):
    """The content of one submission, as it is authorised and executed. Never changed."""

    __tablename__ = "application_revision"
    __table_args__ = (
        CheckConstraint("revision >= 1", "revision"),
        CheckConstraint("octet_length(content_hash) = 32", "content_hash"),
    )

    application_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("application.application_id"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[Sealed] = mapped_column(Protected())
    content_hash: Mapped[bytes]
    submit_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class Attachment(Base):
    """An image of an application. The one in use of its kind is complete and not replaced.

    Of supplements, which are whatever an authoriser asked for besides, there may be several.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint("state IN ('UPLOADING', 'COMPLETE')", "state"),
        CheckConstraint("next_offset BETWEEN 0 AND size_bytes", "next_offset"),
        CheckConstraint("(state = 'COMPLETE') = (sha256 IS NOT NULL)", "sha256"),
        CheckConstraint("state = 'COMPLETE' OR NOT is_replaced", "is_replaced"),
        Index(
            "uq_attachment_application_id_kind_in_use",
            "application_id",
            "kind",
            unique=True,
            postgresql_where=text(
                "state = 'COMPLETE' AND NOT is_replaced AND kind <> 'supplement'"
            ),
        ),
        Index("ix_attachment_application_id", "application_id"),
    )

    attachment_id: Mapped[Id]
    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.application_id"))
    kind: Mapped[str]
    content_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(server_default="UPLOADING")
    is_replaced: Mapped[bool] = mapped_column(server_default=text("false"))
    next_offset: Mapped[int] = mapped_column(BigInteger, server_default="0")
    chunks: Mapped[int] = mapped_column(server_default="0")
    sha256: Mapped[bytes | None]
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class AttachmentChunk(Base):
    """A piece of an attachment as it arrived. Written once."""

    __tablename__ = "attachment_chunk"
    __table_args__ = (CheckConstraint("size_bytes BETWEEN 1 AND 1048576", "size_bytes"),)

    attachment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("attachment.attachment_id", ondelete="CASCADE"), primary_key=True
    )
    chunk_offset: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    size_bytes: Mapped[int]
    content: Mapped[Sealed] = mapped_column(Protected())


class ApplicationInquiry(Base):
    """Something that the bank was asked for an application, and by which consent."""

    __tablename__ = "application_inquiry"
    __table_args__ = (
        CheckConstraint("state IN ('ASKED', 'ANSWERED', 'UNAVAILABLE')", "state"),
        CheckConstraint("(state = 'ANSWERED') = (answer_time IS NOT NULL)", "answer_time"),
        Index(
            "uq_application_inquiry_asked",
            "application_id",
            "kind",
            unique=True,
            postgresql_where=text("state = 'ASKED'"),
        ),
        Index("ix_application_inquiry_application_id", "application_id", "ask_time"),
    )

    # The operation_id of the work item that asks.
    inquiry_id: Mapped[Id]
    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.application_id"))
    kind: Mapped[str]
    state: Mapped[str]
    consent_id: Mapped[uuid.UUID]
    # The text by which the customer consented, for example credit_report_consent.v1.
    consent_agreement: Mapped[str]
    consent_time: Mapped[Timestamp]
    asked_by: Mapped[str]
    ask_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
    answer_time: Mapped[Timestamp | None]
    reference: Mapped[str] = mapped_column(server_default="")


class ApplicationSighting(Base):
    """What a member of staff stated to have seen himself (三亲见), one of each kind."""

    __tablename__ = "application_sighting"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('APPLICANT', 'ORIGINAL_DOCUMENT', 'SIGNATURE', 'PROXY', 'PROXY_DOCUMENT',"
            " 'IDENTITY_PROOF', 'PROXY_IDENTITY_PROOF')",
            "kind",
        ),
    )

    application_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("application.application_id"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    attachment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attachment.attachment_id"))
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.staff_id"))
    device_id: Mapped[uuid.UUID | None]
    place: Mapped[str]
    attest_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class Reversal(Base):
    """The undoing of what was executed. Its content is frozen when it is requested.

    One that was returned is over: whoever corrects it requests another.
    """

    __tablename__ = "reversal"
    __table_args__ = (
        CheckConstraint(
            "state IN ('REQUESTED', 'RETURNED', 'APPROVED', 'EXECUTED', 'REJECTED', 'WITHDRAWN',"
            " 'EXPIRED', 'EXECUTION_UNKNOWN', 'EXECUTION_FAILED')",
            "state",
        ),
        CheckConstraint("octet_length(content_hash) = 32", "content_hash"),
        CheckConstraint("(state = 'EXECUTED') = (execute_time IS NOT NULL)", "execute_time"),
        # What was undone stays so, and what is being undone is not undone twice.
        Index(
            "uq_reversal_application_id_open",
            "application_id",
            unique=True,
            postgresql_where=text(
                "state IN ('REQUESTED', 'APPROVED', 'EXECUTED', 'EXECUTION_UNKNOWN')"
            ),
        ),
        Index("ix_reversal_application_id", "application_id"),
        Index("ix_reversal_branch_id", "branch_id", "create_time", "reversal_id"),
    )

    reversal_id: Mapped[Id]
    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.application_id"))
    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"))
    customer_id: Mapped[uuid.UUID]
    journey_id: Mapped[uuid.UUID]
    maker_id: Mapped[str] = mapped_column(ForeignKey("staff.staff_id"))
    state: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    reason: Mapped[str]
    content: Mapped[Sealed] = mapped_column(Protected())
    content_hash: Mapped[bytes]
    task_id: Mapped[uuid.UUID]
    state_note: Mapped[str]
    # Of the task that returned it: a list of [subject, note, anchor].
    defects: Mapped[list[list[str]]] = mapped_column(JSONB, server_default="[]")
    core_reference: Mapped[str] = mapped_column(server_default="")
    create_time: Mapped[Timestamp]
    execute_time: Mapped[Timestamp | None]


class Receipt(Base):
    """What the customer takes home, as it was issued. Only its prints are counted.

    Its number is the next of its branch and business day: it is taken in the transaction that
    completes the work, so that there are no gaps.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        CheckConstraint("kind IN ('EXECUTION', 'REVERSAL')", "kind"),
        CheckConstraint("(kind = 'REVERSAL') = (reversal_id IS NOT NULL)", "reversal_id"),
        CheckConstraint("number >= 1", "number"),
        CheckConstraint("print_count >= 0", "print_count"),
        UniqueConstraint("application_id", "kind"),
    )

    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"), primary_key=True)
    business_day: Mapped[dt.date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.application_id"))
    reversal_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reversal.reversal_id"))
    title: Mapped[str]
    branch_name: Mapped[str]
    core_reference: Mapped[str]
    content_hash: Mapped[bytes]
    maker_id: Mapped[str]
    maker_name: Mapped[str]
    # A list of [staff number, name], in the order of their steps.
    authorisers: Mapped[list[list[str]]] = mapped_column(JSONB)
    submit_time: Mapped[Timestamp]
    execute_time: Mapped[Timestamp]
    print_count: Mapped[int] = mapped_column(server_default="0")


class ReceiptDay(Base):
    """The last number of a branch's receipts on a business day; its row is the lock."""

    __tablename__ = "receipt_day"

    branch_id: Mapped[str] = mapped_column(ForeignKey("branch.branch_id"), primary_key=True)
    business_day: Mapped[dt.date] = mapped_column(primary_key=True)
    last_number: Mapped[int]


class AgreementShowing(Base):
    """Since when a text is shown to the customer. Gone as soon as he would sign something else."""

    __tablename__ = "agreement_showing"
    __table_args__ = (CheckConstraint("octet_length(sha256) = 32", "sha256"),)

    application_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("application.application_id"), primary_key=True
    )
    agreement_code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    sha256: Mapped[bytes]
    show_time: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class Signature(Base):
    """What a customer signed with once. Never changed, and kept when he signs again.

    `statement` holds the bytes of SignatureStatement, `cms` the signature with its certificates and
    its time-stamp: nothing in them is personal. The other columns say what they are, for whoever
    looks for it.
    """

    __tablename__ = "signature"
    __table_args__ = (
        CheckConstraint("octet_length(form_hash) = 32", "form_hash"),
        CheckConstraint("octet_length(certificate_sha256) = 32", "certificate_sha256"),
        CheckConstraint("octet_length(token_sha256) = 32", "token_sha256"),
        Index("ix_signature_application_id", "application_id"),
    )

    signature_id: Mapped[Id]
    # No foreign key: the application names its signature, and one of the two has to be there first.
    application_id: Mapped[uuid.UUID]
    form_hash: Mapped[bytes]
    statement: Mapped[bytes]
    cms: Mapped[bytes]
    certificate_sha256: Mapped[bytes]
    token_sha256: Mapped[bytes]
    sign_time: Mapped[Timestamp]


class ApplicationIdentity(Base):
    """What the police's register was asked about a person of an application, and said.

    `person` stands for the name and number that were asked about; the answer is about no other.
    The outcome is NULL while the answer to `operation_id` is awaited.
    """

    __tablename__ = "application_identity"
    __table_args__ = (
        CheckConstraint("party IN ('APPLICANT', 'PROXY', 'GUARDIAN')", "party"),
        CheckConstraint(
            "outcome IN ('CONSISTENT_WITH_PHOTO', 'CONSISTENT_WITHOUT_PHOTO', 'NAME_DIFFERS',"
            " 'NUMBER_UNKNOWN', 'NOT_CHECKED')",
            "outcome",
        ),
        CheckConstraint("(outcome IS NULL) = (answered_at IS NULL)", "answered_at"),
        CheckConstraint(
            # It outlasts that the register is asked again, and cannot be.
            "coalesce(outcome, 'NOT_CHECKED') = 'NOT_CHECKED'"
            " OR (unhindered_at IS NOT NULL) = (outcome IN ('NAME_DIFFERS', 'NUMBER_UNKNOWN'))",
            "unhindered_at",
        ),
        CheckConstraint(
            "(photo_id IS NOT NULL) = (outcome IS NOT NULL AND outcome = 'CONSISTENT_WITH_PHOTO')",
            "photo_id",
        ),
        Index("ix_application_identity_person", "person", "answered_at"),
    )

    application_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("application.application_id"), primary_key=True
    )
    party: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[bytes] = mapped_column(Blind())
    operation_id: Mapped[uuid.UUID]
    asked_at: Mapped[Timestamp]
    outcome: Mapped[str | None]
    answered_at: Mapped[Timestamp | None]
    unhindered_at: Mapped[Timestamp | None]
    # The attachment that is the register's photo.
    photo_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("attachment.attachment_id"))
