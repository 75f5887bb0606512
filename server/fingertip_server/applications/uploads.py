"""Puts attachments in the place of former ones, and tells what stored bytes are."""

import hashlib
from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import delete, update

from fingertip_server.applications import content_types, filling, store
from fingertip_server.applications.asked import SUPPLEMENT
from fingertip_server.applications.attachment_rules import COMPLETE, UPLOADING, Examined
from fingertip_server.applications.tables import Application, ApplicationSighting, Attachment
from fingertip_server.packs.schema_forms import SIGNATURE
from fingertip_server.protection import Protection
from fingertip_server.rpc.call import Call


def examine(protection: Protection, attachment_id: UUID, pieces: Sequence[store.Piece]) -> Examined:
    """Returns what the stored chunks make together. Takes time: not for the event loop."""
    content = b"".join(store.opened(protection, attachment_id, piece) for piece in pieces)
    return Examined(
        size_bytes=len(content),
        sha256=hashlib.sha256(content).digest(),
        content_type=content_types.detect(content),
    )


def add_whole(
    call: Call, application: Application, kind: str, content_type: str, content: bytes
) -> UUID:
    """Adds an attachment that somebody else than the maker brings, of one chunk at most."""
    attachment = Attachment(
        attachment_id=uuid4(),
        application_id=application.application_id,
        kind=kind,
        content_type=content_type,
        size_bytes=len(content),
        state=UPLOADING,
        is_replaced=False,
        next_offset=len(content),
        chunks=1,
        create_time=call.now,
    )
    call.session.add(attachment)
    call.flush()
    store.add_chunk(call, attachment.attachment_id, 0, content)
    complete(call, application, attachment, hashlib.sha256(content).digest())
    return attachment.attachment_id


def complete(call: Call, application: Application, attachment: Attachment, sha256: bytes) -> None:
    """Puts an attachment to use in the place of the former of its kind.

    What was stated to be seen on the former is void, and so is a signature that was the former.
    Supplements that were submitted before stay beside it: each was asked for by itself.
    """
    put_aside(call, application, attachment.kind)
    attachment.state = COMPLETE
    attachment.sha256 = sha256
    call.flush()


def put_aside(call: Call, application: Application, kind: str) -> None:
    """Takes the attachment of a kind out of use, with what was stated to be seen on it."""
    statement = update(Attachment).where(
        Attachment.application_id == application.application_id,
        Attachment.kind == kind,
        Attachment.state == COMPLETE,
        ~Attachment.is_replaced,
    )
    if kind == SUPPLEMENT and application.submit_time is not None:
        statement = statement.where(Attachment.create_time > application.submit_time)
    former = call.session.scalars(
        statement.values(is_replaced=True).returning(Attachment.attachment_id)
    ).all()
    if former:
        call.session.execute(
            delete(ApplicationSighting).where(
                ApplicationSighting.application_id == application.application_id,
                ApplicationSighting.attachment_id.in_(former),
            )
        )
        if kind == SIGNATURE:
            filling.void_signature(call, application)
