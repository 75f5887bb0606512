"""Sends an image to the server, piece by piece."""

import hashlib

from fingertip.applications.v1.applications_service_pb2 import (
    AppendAttachmentRequest,
    CompleteAttachmentRequest,
    CompleteAttachmentResponse,
    StartAttachmentRequest,
)
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id

_CHUNK_BYTES = 64 * 1024


async def upload(
    caller: Caller, application_id: str, kind: str, image: bytes
) -> CompleteAttachmentResponse:
    """Uploads a PNG; the server says where the next piece starts, so that it can be resumed."""
    started = await caller.applications.StartAttachment(
        StartAttachmentRequest(
            request_id=new_request_id(),
            application_id=application_id,
            kind=kind,
            content_type="image/png",
            size_bytes=len(image),
        )
    )
    attachment_id, offset = started.attachment.attachment_id, started.attachment.next_offset
    while offset < len(image):
        chunk = image[offset : offset + _CHUNK_BYTES]
        appended = await caller.applications.AppendAttachment(
            AppendAttachmentRequest(attachment_id=attachment_id, offset=offset, chunk=chunk)
        )
        offset = appended.next_offset
    return await caller.applications.CompleteAttachment(
        CompleteAttachmentRequest(
            request_id=new_request_id(),
            attachment_id=attachment_id,
            sha256=hashlib.sha256(image).digest(),
        )
    )
