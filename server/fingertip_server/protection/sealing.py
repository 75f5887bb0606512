"""Seals values so that each opens only in its own place.

    sealed = suite (1 byte) | key version (2) | nonce (12) | ciphertext | tag (16)

The context says where the value belongs (table, column, row; or whose answer to which call). It
is authenticated together with suite and version, so a value that is moved, or relabelled with
another suite or version, does not open.

The envelope: a master key gives the key of a purpose, and that one together with the context
gives the data key, by the one-step derivation Hash(key | 00000001 | context) of ANSI X9.63, NIST
SP 800-56C and GB/T 32918.4. So each place has a data key of its own. GCM with random nonces
allows 2**32 encryptions under one key (SP 800-38D, 8.3): that many changes of *one* field of one
row, a number that no row reaches. Nothing has to be counted, in any number of server processes.
"""

import os

from cryptography.exceptions import InvalidTag

from fingertip_server.protection.errors import Unreadable
from fingertip_server.protection.keyring import HEADER_BYTES, KeyRing, Purpose, PurposeKeys
from fingertip_server.protection.suite import NONCE_BYTES, TAG_BYTES

_BODY = HEADER_BYTES + NONCE_BYTES
_COUNTER = b"\x00\x00\x00\x01"
_PART_BYTES = 4

OVERHEAD_BYTES = _BODY + TAG_BYTES


def context_of(*parts: str | bytes) -> bytes:
    """Joins parts so that no two lists of parts give the same context."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(_PART_BYTES, "big") + part for part in encoded)


class Sealer:
    """Seals and opens the values of one purpose."""

    def __init__(self, ring: KeyRing, purpose: Purpose) -> None:
        self._keys = PurposeKeys(ring, purpose)

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        """Encrypts a value for the place that the context names."""
        keys = self._keys
        suite, header = keys.active_suite, keys.active_header
        nonce = os.urandom(NONCE_BYTES)
        key = suite.hash(keys.active_key + _COUNTER + context)
        return header + nonce + suite.encrypt(key, nonce, plaintext, header + context)

    def open(self, context: bytes, sealed: bytes) -> bytes:
        """Decrypts a value; raises Unreadable when it was changed or belongs elsewhere."""
        suite, root = self._keys.of(sealed)
        key = suite.hash(root + _COUNTER + context)
        nonce, ciphertext = sealed[HEADER_BYTES:_BODY], sealed[_BODY:]
        try:
            return suite.decrypt(key, nonce, ciphertext, sealed[:HEADER_BYTES] + context)
        except (InvalidTag, ValueError):
            # A value that was cut short has not even a nonce.
            raise Unreadable("A sealed value was changed or belongs to another place.") from None
