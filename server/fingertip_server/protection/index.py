"""Blind indexes: finds a sealed value by equality, without storing what it says.

Each column has a key of its own, so equal values of two columns cannot be linked. What leaks is
equality within a column: meant for numbers that hardly two people share (cards, documents,
phones), never for a sex, a tier or a yes and no. No prefixes, no ranges.
"""

from fingertip_server.protection.keyring import KeyRing, Purpose, PurposeKeys

INDEX_BYTES = 16


class BlindIndex:
    """Computes the index of one column."""

    def __init__(self, ring: KeyRing, column: bytes) -> None:
        """Takes the column's context; see `sealing.context_of`."""
        keys = PurposeKeys(ring, Purpose.INDEX)
        self._suite = keys.lookup_suite
        self._key = self._suite.mac(keys.lookup_key, column)

    def of(self, normalised: str) -> bytes:
        """Returns the index of a value that the caller has normalised: one spelling, one value."""
        return self._suite.mac(self._key, normalised.encode())[:INDEX_BYTES]
