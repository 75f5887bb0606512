"""The key ring: versioned master keys, and the key of each purpose derived from them.

The master keys are the key-encryption end of the envelope: nothing is encrypted with them. Each
version gives one key per purpose (HKDF), and `sealing` derives from that the data key of each
single value. A version names its suite, so that changing the suite is adding a version.

Two versions are named. The *active* one is what new values are made with; all others still open
theirs. The *lookup* one makes what must come out the same every time, blind indexes and token
hashes; it stays when the active one moves on, because another one means computing these anew.
"""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fingertip_server.protection.errors import Unreadable
from fingertip_server.protection.suite import Suite

VERSION_BYTES = 2
HEADER_BYTES = 1 + VERSION_BYTES
VERSION_MAX = 2 ** (8 * VERSION_BYTES) - 1
_FINGERPRINT_BYTES = 8


class Purpose(enum.Enum):
    """What a key is for; keys of different purposes tell nothing about each other."""

    FIELD = b"field"
    INDEX = b"index"
    ANSWER = b"answer"
    TOKEN = b"token"
    SIGNATURE = b"signature"
    COMMITMENT = b"commitment"
    FINGERPRINT = b"fingerprint"


@dataclass(frozen=True)
class KeyVersion:
    """One master key with its suite."""

    number: int
    suite: Suite
    master: bytes = field(repr=False)

    @property
    def header(self) -> bytes:
        """What everything made with this version begins with: suite and version."""
        return bytes([self.suite.number]) + self.number.to_bytes(VERSION_BYTES, "big")

    def key(self, purpose: Purpose) -> bytes:
        """Derives the key of a purpose; callers keep it."""
        label = b"fingertip/v1/" + self.suite.name.encode() + b"/" + purpose.value
        return self.suite.derive(self.master, label)

    def fingerprint(self) -> str:
        """Tells this key from any other without telling the key."""
        return self.key(Purpose.FINGERPRINT)[:_FINGERPRINT_BYTES].hex()


@dataclass(frozen=True)
class KeyRing:
    """All versions by number."""

    versions: Mapping[int, KeyVersion]
    active: KeyVersion
    lookup: KeyVersion

    def __iter__(self) -> Iterator[KeyVersion]:
        """Yields the versions, oldest first."""
        return iter(sorted(self.versions.values(), key=lambda version: version.number))

    def fingerprint(self) -> str:
        """What the database remembers of the ring, for example "1:0f3a…,2:77c1…"."""
        return ",".join(f"{version.number}:{version.fingerprint()}" for version in self)

    def mismatches(self, remembered: str) -> list[str]:
        """Says why a database that remembers another fingerprint cannot be read with this ring.

        Versions that the database does not know yet are no mismatch.
        """
        own = self.fingerprint().split(",")
        numbers = {entry.partition(":")[0] for entry in own}
        sentences = []
        for entry in remembered.split(",") if remembered else []:
            number = entry.partition(":")[0]
            if number not in numbers:
                sentences.append(f"version {number} is missing from the key ring")
            elif entry not in own:
                sentences.append(f"version {number} of the key ring is another key")
        return sentences


class PurposeKeys:
    """The keys of one purpose in all versions, found by the header of what was made with them."""

    def __init__(self, ring: KeyRing, purpose: Purpose) -> None:
        self._by_header = {
            version.header: (version.suite, version.key(purpose)) for version in ring
        }
        self.active_header = ring.active.header
        self.active_suite, self.active_key = self._by_header[ring.active.header]
        self.lookup_suite, self.lookup_key = self._by_header[ring.lookup.header]

    def of(self, made: bytes) -> tuple[Suite, bytes]:
        """Returns suite and key that something was made with; raises Unreadable without them."""
        found = self._by_header.get(made[:HEADER_BYTES])
        if found is None:
            version = int.from_bytes(made[1:HEADER_BYTES], "big")
            raise Unreadable(f"No key of version {version} with this suite is in the key ring.")
        return found
