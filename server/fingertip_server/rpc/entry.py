"""The content of an audit entry, and its digest."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from uuid import UUID

SUITE = "sha256"

# By suite, so that entries written under another one still verify.
DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "sha256": lambda content: hashlib.sha256(content).digest(),
    "sm3": lambda content: hashlib.new("sm3", content).digest(),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What an audit entry says, but for its place in the chain and its time."""

    actor_kind: str
    actor_id: str
    actor_name: str
    device_id: str
    action: str
    outcome: str
    reason: str
    object_kind: str
    object_id: str
    object_state: str
    journey_id: UUID | None
    purpose: str
    commitment: bytes
    # Who proved at the actor's device to stand by.
    second_person_id: str = ""
    second_person_name: str = ""

    def digest(self, suite: str = SUITE) -> bytes:
        """Returns the digest of the entry's fields, each with its length, in their order.

        Where nobody stood by, the last two are not among them, as they once were in no entry.
        """
        names = _FIELDS if self.second_person_id else _FIELDS[:-2]
        parts = [_bytes(getattr(self, name)) for name in names]
        content = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return DIGESTS[suite](content)


_FIELDS = tuple(field.name for field in fields(Entry))


def _bytes(value: str | bytes | UUID | None) -> bytes:
    match value:
        case None:
            return b""
        case bytes():
            return value
        case UUID():
            return value.bytes
        case str():
            return value.encode()
