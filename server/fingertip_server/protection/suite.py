"""The algorithms that protect data, as one value, so that a bank may choose the national ones.

The suite's number is the first byte of whatever was made with it and is authenticated, so that
nobody can have a value read under another suite.
"""

import hashlib
import hmac
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
TAG_BYTES = 16
DIGEST_BYTES = 32


class Suite(Protocol):
    """A cipher that authenticates, a hash and what is built on the hash."""

    @property
    def number(self) -> int:
        """The byte that names the suite; never used again for another."""

    @property
    def name(self) -> str:
        """What the key ring calls the suite."""

    def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, context: bytes) -> bytes:
        """Returns ciphertext and tag. Takes the first bytes of a key of 32."""

    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, context: bytes) -> bytes:
        """Returns the plaintext; raises InvalidTag when anything differs from `encrypt`."""

    def hash(self, value: bytes) -> bytes:
        """Returns a digest of 32 bytes."""

    def mac(self, key: bytes, value: bytes) -> bytes:
        """Returns a keyed digest (HMAC, RFC 2104) of 32 bytes."""

    def derive(self, key: bytes, purpose: bytes) -> bytes:
        """Returns another key of 32 bytes (HKDF, RFC 5869); meant for once per process."""


class Aes256GcmSha256:
    """The international suite, and the default: AES-256-GCM (NIST SP 800-38D) and SHA-256."""

    number = 1
    name = "AES_256_GCM_SHA256"

    def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, context: bytes) -> bytes:
        """Returns ciphertext and tag."""
        return AESGCM(key).encrypt(nonce, plaintext, context)

    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, context: bytes) -> bytes:
        """Returns the plaintext; raises InvalidTag when anything differs from `encrypt`."""
        return AESGCM(key).decrypt(nonce, ciphertext, context)

    def hash(self, value: bytes) -> bytes:
        """Returns the SHA-256 digest."""
        return hashlib.sha256(value).digest()

    def mac(self, key: bytes, value: bytes) -> bytes:
        """Returns the HMAC-SHA-256 digest."""
        return hmac.digest(key, value, hashlib.sha256)

    def derive(self, key: bytes, purpose: bytes) -> bytes:
        """Returns another key by HKDF-SHA-256."""
        return HKDF(hashes.SHA256(), DIGEST_BYTES, salt=None, info=purpose).derive(key)


class Sm4GcmSm3:
    """The national suite: SM4 (GB/T 32907) in GCM (GB/T 36624) and SM3 (GB/T 32905).

    SM4 has keys of 128 bits; the rest of a key is not used.
    """

    number = 2
    name = "SM4_GCM_SM3"
    _key_bytes = 16

    def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, context: bytes) -> bytes:
        """Returns ciphertext and tag."""
        cipher = Cipher(algorithms.SM4(key[: self._key_bytes]), modes.GCM(nonce)).encryptor()
        cipher.authenticate_additional_data(context)
        return cipher.update(plaintext) + cipher.finalize() + cipher.tag

    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, context: bytes) -> bytes:
        """Returns the plaintext; raises InvalidTag when anything differs from `encrypt`."""
        if len(ciphertext) < TAG_BYTES:
            raise InvalidTag
        mode = modes.GCM(nonce, ciphertext[-TAG_BYTES:])
        cipher = Cipher(algorithms.SM4(key[: self._key_bytes]), mode).decryptor()
        cipher.authenticate_additional_data(context)
        return cipher.update(ciphertext[:-TAG_BYTES]) + cipher.finalize()

    def hash(self, value: bytes) -> bytes:
        """Returns the SM3 digest."""
        digest = hashes.Hash(hashes.SM3())
        digest.update(value)
        return digest.finalize()

    def mac(self, key: bytes, value: bytes) -> bytes:
        """Returns the HMAC-SM3 digest."""
        digest = HMAC(key, hashes.SM3())
        digest.update(value)
        return digest.finalize()

    def derive(self, key: bytes, purpose: bytes) -> bytes:
        """Returns another key by HKDF-SM3."""
        return HKDF(hashes.SM3(), DIGEST_BYTES, salt=None, info=purpose).derive(key)


AES_256_GCM_SHA256: Suite = Aes256GcmSha256()
SM4_GCM_SM3: Suite = Sm4GcmSm3()
SUITES = {suite.name: suite for suite in (AES_256_GCM_SHA256, SM4_GCM_SM3)}
