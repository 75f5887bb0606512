"""Applications in the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, func, select, tuple_
from sqlalchemy.orm import Session

from fingertip_server.applications.attachment_rules import COMPLETE, UPLOADING
from fingertip_server.applications.rules import UNDONE, State
from fingertip_server.applications.tables import (
    AgreementShowing,
    Application,
    ApplicationIdentity,
    ApplicationInquiry,
    ApplicationRevision,
    ApplicationSighting,
    Attachment,
    AttachmentChunk,
)
from fingertip_server.protection import Protection
from fingertip_server.protection.types import Sealed
from fingertip_server.rpc.call import Call

_APPLICATIONS = select(Application).execution_options(populate_existing=True)
_LOCKED = _APPLICATIONS.with_for_update(key_share=True)
# Of these nobody holds a place.
_PLACELESS = UNDONE | {State.DRAFT}
# Those in use, and those on their way.
_SHOWN = (
    select(Attachment)
    .where(~Attachment.is_replaced)
    .order_by(Attachment.create_time, Attachment.attachment_id)
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What belongs to an application besides its row."""

    attachments: Sequence[Attachment]
    sightings: Sequence[ApplicationSighting]
    inquiries: Sequence[ApplicationInquiry]
    identities: Sequence[ApplicationIdentity]
    showings: Sequence[AgreementShowing] = ()

    @property
    def in_use(self) -> list[Attachment]:
        """Returns the complete attachments by kind: one of each, and any supplements in order."""
        complete = [each for each in self.attachments if each.state == COMPLETE]
        return sorted(complete, key=lambda each: each.kind)


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete attachment, opened."""

    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """A stored chunk, sealed."""

    chunk_offset: int
    content: Sealed


def find(call: Call, application_id: UUID) -> Application | None:
    """Returns an application."""
    return call.session.scalars(
        _APPLICATIONS.where(Application.application_id == application_id)
    ).one_or_none()


def lock(call: Call, application_id: UUID) -> Application | None:
    """Returns an application, locked until the end of the transaction."""
    return call.session.scalars(
        _LOCKED.where(Application.application_id == application_id)
    ).one_or_none()


def evidence(session: Session, application_id: UUID) -> Evidence:
    """Returns an application's attachments, without those replaced, and sightings."""
    return Evidence(
        attachments=session.scalars(
            _SHOWN.where(Attachment.application_id == application_id)
        ).all(),
        sightings=session.scalars(
            select(ApplicationSighting)
            .where(ApplicationSighting.application_id == application_id)
            .order_by(ApplicationSighting.kind)
        ).all(),
        inquiries=inquiries(session, application_id),
        identities=identities(session, application_id),
        showings=session.scalars(
            select(AgreementShowing)
            .where(AgreementShowing.application_id == application_id)
            .order_by(AgreementShowing.agreement_code)
        ).all(),
    )


def inquiries(session: Session, application_id: UUID) -> Sequence[ApplicationInquiry]:
    """Returns what the bank was asked for an application, oldest first."""
    return session.scalars(
        select(ApplicationInquiry)
        .where(ApplicationInquiry.application_id == application_id)
        .order_by(ApplicationInquiry.ask_time, ApplicationInquiry.inquiry_id)
    ).all()


def identities(session: Session, application_id: UUID) -> Sequence[ApplicationIdentity]:
    """Returns what was asked about an application's persons, the applicant first."""
    return session.scalars(
        select(ApplicationIdentity)
        .where(ApplicationIdentity.application_id == application_id)
        .order_by(ApplicationIdentity.party)
        .execution_options(populate_existing=True)
    ).all()


def said_of(call: Call, person: bytes, since: datetime) -> ApplicationIdentity | None:
    """Returns what the register said of a person last, for whatever application, since then."""
    return call.session.scalars(
        select(ApplicationIdentity)
        .where(
            ApplicationIdentity.person == person,
            ApplicationIdentity.answered_at > since,
            ApplicationIdentity.outcome != "NOT_CHECKED",
        )
        .order_by(ApplicationIdentity.answered_at.desc())
        .limit(1)
    ).one_or_none()


def page(
    call: Call,
    branch_id: str,
    states: Collection[str],
    customer_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Sequence[Application]:
    """Returns applications of a branch, newest first."""
    key = tuple_(Application.create_time, Application.application_id)
    statement = select(Application).where(Application.branch_id == branch_id)
    if states:
        statement = statement.where(Application.state.in_(states))
    if customer_id is not None:
        statement = statement.where(Application.customer_id == customer_id)
    if after is not None:
        statement = statement.where(key < after)
    newest_first = (Application.create_time.desc(), Application.application_id.desc())
    return call.session.scalars(statement.order_by(*newest_first).limit(size)).all()


def of_customers(call: Call, customer_ids: Collection[UUID]) -> Sequence[UUID]:
    """Returns the applications of customers of which something may have come."""
    statement = select(Application.application_id).where(
        Application.customer_id.in_(customer_ids), Application.state.not_in(_PLACELESS)
    )
    return call.connection.execute(statement).scalars().all()


def attachment(call: Call, attachment_id: UUID) -> tuple[Attachment, Application] | None:
    """Returns an attachment with its application."""
    row = call.session.execute(
        select(Attachment, Application)
        .join(Application, Application.application_id == Attachment.application_id)
        .where(Attachment.attachment_id == attachment_id)
    ).one_or_none()
    return (row[0], row[1]) if row is not None else None


def lock_attachment(call: Call, attachment_id: UUID) -> Attachment:
    """Returns an attachment that exists, locked."""
    return call.session.scalars(
        select(Attachment)
        .where(Attachment.attachment_id == attachment_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def count_of_kind(call: Call, application_id: UUID, kind: str) -> int:
    """Counts the attachments of a kind that were ever announced."""
    return call.session.scalars(
        select(func.count())
        .select_from(Attachment)
        .where(Attachment.application_id == application_id, Attachment.kind == kind)
    ).one()


def chunk_size(call: Call, attachment_id: UUID, offset: int) -> int | None:
    """Returns the size of the chunk that was taken at an offset."""
    return call.session.scalars(
        select(AttachmentChunk.size_bytes).where(
            AttachmentChunk.attachment_id == attachment_id,
            AttachmentChunk.chunk_offset == offset,
        )
    ).one_or_none()


def add_chunk(call: Call, attachment_id: UUID, offset: int, chunk: bytes) -> None:
    """Stores a chunk."""
    row_id = chunk_row(attachment_id, offset)
    call.session.add(
        AttachmentChunk(
            attachment_id=attachment_id,
            chunk_offset=offset,
            size_bytes=len(chunk),
            content=call.protection.seal(AttachmentChunk.content, row_id, chunk),
        )
    )


def pieces(connection: Connection, attachment_id: UUID, start: int, end: int) -> list[Piece]:
    """Returns the chunks that hold the bytes from `start` to before `end`, in their order."""
    statement = (
        select(AttachmentChunk.chunk_offset, AttachmentChunk.content)
        .where(
            AttachmentChunk.attachment_id == attachment_id,
            AttachmentChunk.chunk_offset < end,
            AttachmentChunk.chunk_offset + AttachmentChunk.size_bytes > start,
        )
        .order_by(AttachmentChunk.chunk_offset)
    )
    return [Piece(row.chunk_offset, row.content) for row in connection.execute(statement)]


def opened(protection: Protection, attachment_id: UUID, piece: Piece) -> bytes:
    """Returns the bytes of a chunk."""
    row_id = chunk_row(attachment_id, piece.chunk_offset)
    return protection.open_bytes(AttachmentChunk.content, row_id, piece.content)


def whole(call: Call, attachment_id: UUID) -> Whole:
    """Returns a complete attachment that exists."""
    attachment = call.session.get_one(Attachment, attachment_id)
    found = pieces(call.connection, attachment_id, 0, attachment.size_bytes)
    content = b"".join(opened(call.protection, attachment_id, piece) for piece in found)
    return Whole(attachment.content_type, content)


def uploaded_by(connection: Connection, attachment_id: UUID, maker_id: str) -> int | None:
    """Returns how many bytes of a maker's upload are there; nothing when there is none."""
    statement = (
        select(Attachment.next_offset)
        .join(Application, Application.application_id == Attachment.application_id)
        .where(
            Attachment.attachment_id == attachment_id,
            Attachment.state == UPLOADING,
            Application.maker_id == maker_id,
        )
    )
    return connection.execute(statement).scalar_one_or_none()


def chunk_row(attachment_id: UUID, offset: int) -> str:
    """Names a chunk's row, for its seal."""
    return f"{attachment_id}/{offset}"


def forget_sighting(call: Call, application_id: UUID, kind: str) -> None:
    """Deletes what was stated to be seen, if it was."""
    statement = delete(ApplicationSighting).where(
        ApplicationSighting.application_id == application_id, ApplicationSighting.kind == kind
    )
    call.session.execute(statement)


def add_revision(call: Call, application: Application, content: bytes) -> None:
    """Stores the content of a submission, for ever."""
    row_id = revision_row(application.application_id, application.revision)
    call.session.add(
        ApplicationRevision(
            application_id=application.application_id,
            revision=application.revision,
            content=call.protection.seal(ApplicationRevision.content, row_id, content),
            content_hash=application.content_hash,
            submit_time=application.submit_time,
        )
    )


def content(call: Call, application_id: UUID, revision: int) -> bytes:
    """Returns the content of a submission that exists."""
    sealed = call.session.scalars(
        select(ApplicationRevision.content).where(
            ApplicationRevision.application_id == application_id,
            ApplicationRevision.revision == revision,
        )
    ).one()
    row_id = revision_row(application_id, revision)
    return call.protection.open_bytes(ApplicationRevision.content, row_id, sealed)


def revision_row(application_id: UUID, revision: int) -> str:
    """Names a revision's row, for its seal."""
    return f"{application_id}/{revision}"


def erase_evidence(call: Call, application_id: UUID) -> None:
    """Deletes what belongs to an application that was never submitted, besides its row."""
    for table in (AgreementShowing, ApplicationSighting, ApplicationIdentity, Attachment):
        call.session.execute(delete(table).where(table.application_id == application_id))
