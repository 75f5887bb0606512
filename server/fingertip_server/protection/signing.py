"""Keyed digests: commitments for the audit, hashes of bearer tokens, signed opaque tokens."""

import hmac
import os

from fingertip_server.protection.errors import Forged, Unreadable
from fingertip_server.protection.keyring import HEADER_BYTES, KeyRing, Purpose, PurposeKeys
from fingertip_server.protection.sealing import context_of

_SALT_BYTES = 16
_SIGNATURE_BYTES = 16


class Commitments:
    """Commits to values that must not be stored.

        commitment = suite (1 byte) | key version (2) | salt (16) | HMAC(key, salt | value) (32)

    The salt hides which commitments are about equal values. Whoever holds the key and guesses
    the value can confirm the guess; destroying the key version erases that too, and the audit's
    chain, which runs over the commitments, still verifies.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._keys = PurposeKeys(ring, Purpose.COMMITMENT)

    def commit(self, value: bytes) -> bytes:
        """Returns a commitment, another one every time."""
        salt = os.urandom(_SALT_BYTES)
        keys = self._keys
        return keys.active_header + salt + keys.active_suite.mac(keys.active_key, salt + value)

    def matches(self, commitment: bytes, value: bytes) -> bool:
        """Tells whether the commitment is about this value."""
        suite, key = self._keys.of(commitment)
        digest = commitment[HEADER_BYTES + _SALT_BYTES :]
        salt = commitment[HEADER_BYTES : HEADER_BYTES + _SALT_BYTES]
        return hmac.compare_digest(suite.mac(key, salt + value), digest)


class TokenHasher:
    """Hashes bearer tokens, which the database must find but not know."""

    def __init__(self, ring: KeyRing) -> None:
        keys = PurposeKeys(ring, Purpose.TOKEN)
        self._suite, self._key = keys.lookup_suite, keys.lookup_key

    def hash(self, token: str) -> bytes:
        """Returns 32 bytes, the same every time."""
        return self._suite.mac(self._key, token.encode())


class Signer:
    """Signs what a client carries for us and must not change: page tokens, resume tokens.

        signed = suite (1 byte) | key version (2) | signature (16) | payload

    The payload is not hidden.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._keys = PurposeKeys(ring, Purpose.SIGNATURE)

    def sign(self, purpose: str, payload: bytes) -> bytes:
        """Signs a payload for a purpose."""
        keys = self._keys
        digest = keys.active_suite.mac(keys.active_key, context_of(purpose) + payload)
        return keys.active_header + digest[:_SIGNATURE_BYTES] + payload

    def verify(self, purpose: str, signed: bytes) -> bytes:
        """Returns the payload; raises Forged when it was not signed here for this purpose."""
        try:
            suite, key = self._keys.of(signed)
        except Unreadable as error:
            raise Forged(str(error)) from None
        signature = signed[HEADER_BYTES : HEADER_BYTES + _SIGNATURE_BYTES]
        payload = signed[HEADER_BYTES + _SIGNATURE_BYTES :]
        digest = suite.mac(key, context_of(purpose) + payload)
        if not hmac.compare_digest(digest[:_SIGNATURE_BYTES], signature):
            raise Forged("A token was not signed here for this purpose.")
        return payload
