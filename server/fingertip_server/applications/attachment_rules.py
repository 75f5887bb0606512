"""The rules of attachments: what is accepted, chunk by chunk and as a whole."""

from dataclasses import dataclass

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.packs.schema_forms import ImageRule

UPLOADING = "UPLOADING"
COMPLETE = "COMPLETE"

# More would be a tablet in a loop: an image is taken again a few times, and sent in large chunks.
_PER_KIND_MAX = 20
_CHUNKS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Examined:
    """What the stored bytes of an attachment are. An unknown content type is ""."""

    size_bytes: int
    sha256: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Upload:
    """How far an upload is."""

    state: str
    size_bytes: int
    next_offset: int
    chunks: int


def require_acceptable(rule: ImageRule, content_type: str, size_bytes: int, siblings: int) -> None:
    """Raises ATTACHMENT_TYPE or ATTACHMENT_LIMIT for what the form does not accept.

    `siblings` counts the attachments of the kind that were announced before.
    """
    if content_type not in rule.content_types:
        raise wrong_type(content_type)
    if size_bytes > rule.size_bytes_max:
        raise _limit("The attachment is too large.", rule.size_bytes_max)
    if siblings >= _PER_KIND_MAX:
        raise _limit("There are too many attachments of this kind.", _PER_KIND_MAX)


def is_repeated(upload: Upload, offset: int) -> bool:
    """Tells whether a chunk at this offset was taken before, so that it must be the same again."""
    return offset < upload.next_offset


def require_next(upload: Upload, offset: int, chunk_bytes: int) -> None:
    """Raises unless the chunk goes on where the last one ended, within the announced size."""
    if offset != upload.next_offset:
        raise wrong_offset(upload.next_offset)
    if offset + chunk_bytes > upload.size_bytes:
        raise _limit("The attachment is larger than announced.", upload.size_bytes)
    if upload.chunks >= _CHUNKS_MAX:
        raise _limit("The chunks are too small.", _CHUNKS_MAX)


def require_state(state: str, wanted: str) -> None:
    """Raises ATTACHMENT_STATE."""
    if state != wanted:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_ATTACHMENT_STATE,
            "The attachment's state does not allow this.",
            state=state,
        )


def require_whole(upload: Upload, content_type: str, examined: Examined, sha256: bytes) -> None:
    """Raises ATTACHMENT_DAMAGED or ATTACHMENT_TYPE when the bytes are not what was announced.

    What arrived damaged is started anew: a chunk is never written over.
    """
    if examined.size_bytes != upload.size_bytes or examined.sha256 != sha256:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_ATTACHMENT_DAMAGED,
            "The attachment is not what was announced.",
            sha256=examined.sha256.hex(),
        )
    if examined.content_type != content_type:
        raise wrong_type(examined.content_type or "unknown")


def wrong_offset(next_offset: int) -> errors.Conflict:
    """Returns the refusal for a chunk at the wrong place."""
    return errors.Conflict(
        ErrorReason.ERROR_REASON_ATTACHMENT_OFFSET,
        "The chunk does not start where the last one ended.",
        next_offset=str(next_offset),
    )


def wrong_type(detected: str) -> errors.InvalidState:
    """Returns the refusal for a content type that is not accepted, or not the announced one."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_ATTACHMENT_TYPE,
        "The attachment is not of an accepted type.",
        detected=detected,
    )


def no_attachment() -> errors.NotFound:
    """Returns the refusal for an attachment that is not there, or not the caller's to see."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_ATTACHMENT_NOT_FOUND, "There is no such attachment here."
    )


def _limit(message: str, limit: int) -> errors.LimitReached:
    return errors.LimitReached(ErrorReason.ERROR_REASON_ATTACHMENT_LIMIT, message, limit=str(limit))
