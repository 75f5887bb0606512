"""Resume tokens: opaque, tamper-evident, bound to scope, database and what the viewer may see."""

import hashlib
import struct
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from uuid import UUID

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.protection import Protection
from fingertip_server.protection.errors import Forged
from fingertip_server.rpc.principal import Principal

_PURPOSE = "resume"
_FORMAT = struct.Struct(">q16s8s8s")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a watcher is. `view` tells what he could see then."""

    position: int
    view: bytes


def view_of(viewer: Principal) -> bytes:
    """Returns 8 bytes that change when the viewer may see other events than before."""
    parts = [
        viewer.id,
        str(viewer.on_shift),
        *sorted(viewer.permissions),
        "|",
        *sorted(viewer.skills),
    ]
    return hashlib.sha256("\n".join(parts).encode()).digest()[:8]


class Tokens:
    """Makes and reads tokens of one database."""

    def __init__(self, protection: Protection, epoch: UUID) -> None:
        self._protection = protection
        self._epoch = epoch

    def seal(self, scope: str, cursor: Cursor) -> str:
        """Returns the token of a position in a scope."""
        payload = _FORMAT.pack(cursor.position, self._epoch.bytes, _scope(scope), cursor.view)
        return urlsafe_b64encode(self._protection.sign(_PURPOSE, payload)).decode()

    def open(self, scope: str, token: str) -> Cursor:
        """Returns the position in a token. Raises INVALID_RESUME_TOKEN when it is not for here."""
        try:
            payload = self._protection.verify(_PURPOSE, b64decode(token, b"-_", validate=True))
            position, epoch, scope_hash, view = _FORMAT.unpack(payload)
        except (Forged, Base64Error, ValueError, struct.error):
            raise _invalid() from None
        if epoch != self._epoch.bytes or scope_hash != _scope(scope):
            raise _invalid()
        return Cursor(position, view)


def _scope(scope: str) -> bytes:
    return hashlib.sha256(scope.encode()).digest()[:8]


def _invalid() -> errors.InvalidArgument:
    return errors.InvalidArgument(
        ErrorReason.ERROR_REASON_INVALID_RESUME_TOKEN,
        "The resume token is not one of this scope and database. Watch without it.",
        violations=[errors.Violation("resume_token", "must be one that this scope gave")],
    )
