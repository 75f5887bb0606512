"""What a repeated request_id gets: the former answer, or a refusal when it asks something else."""

import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy import Connection, text

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.rpc import masking
from fingertip_server.rpc.call import Call

# How old an id may be, where it tells.
IDS_TAKEN = timedelta(days=7)
# Longer, because the clock by which an id was made may be ahead.
ANSWERS_KEPT = IDS_TAKEN + timedelta(days=1)

_SURELY_RECENT = IDS_TAKEN - timedelta(days=1)
# Of a UUID: its first 48 bits are milliseconds since 1970 (RFC 9562, 5.7).
_TELLS_ITS_TIME = 7
_BITS_AFTER_TIME = 80

# Named in the metadata's convention; the append statement meets it when a twin was faster.
CONSTRAINT = "pk_idempotency"

_LOOK_UP = text(
    "SELECT request_hash, answer FROM idempotency"
    " WHERE scope = :scope AND method = :method AND request_id = :request_id"
)


@dataclass(frozen=True, slots=True)
class Key:
    """A request as far as idempotency goes: who asks what, under which id."""

    scope: str
    method: str
    request_id: UUID
    request_hash: bytes

    @property
    def place(self) -> tuple[str, str, str]:
        """Names the stored answer, so that its ciphertext fits nowhere else."""
        return self.scope, self.method, str(self.request_id)


def key_of(scope: str, method: str, request: Message) -> Key:
    """Returns the key of a request that has a valid request_id.

    Its secrets are no part of what is asked. A repetition's are checked by its method like the
    first one's: otherwise a wrong password would get another refusal than the right one, however
    often it is tried, and the stored hash could be guessed at.
    """
    request_id = UUID(request.request_id)  # type: ignore[attr-defined] # binding checked it
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    masking.clear_secrets(body)
    content = body.SerializeToString(deterministic=True)
    return Key(scope, method, request_id, hashlib.sha256(content).digest())


def require_recent(call: Call, key: Key) -> None:
    """Raises REQUEST_ID_EXPIRED for an id that tells to be older than ids are taken.

    An answer to it may have been forgotten. Ids of other versions than 7 do not tell their age.
    """
    if key.request_id.version != _TELLS_ITS_TIME:
        return
    made_seconds = (key.request_id.int >> _BITS_AFTER_TIME) / 1000
    if made_seconds > time.time() - _SURELY_RECENT.total_seconds():
        return
    # The database is asked only about those that this process's clock finds old.
    if made_seconds < (call.now - IDS_TAKEN).timestamp():
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_REQUEST_ID_EXPIRED,
            "This request_id is too old. Look whether it was done, and make a new one.",
        )


def stored_answer(connection: Connection, key: Key) -> bytes | None:
    """Returns the sealed answer given before, or None. Raises when the id had another request."""
    row = connection.execute(
        _LOOK_UP, {"scope": key.scope, "method": key.method, "request_id": key.request_id}
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != key.request_hash:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_REQUEST_ID_REUSED,
            "This request_id was used for another request. Make a new one.",
        )
    answer: bytes = row.answer
    return answer
