"""The algorithms that sign, as one value, so that a bank may choose others for new signatures.

What is verified may have been signed by somebody else, a bank's time-stamp authority for one, and
with what was usual there.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from fingertip_server.authority.errors import Broken

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

DIGEST = "sha256"


class Suite(Protocol):
    """A kind of key and how it signs, over SHA-256."""

    @property
    def name(self) -> str:
        """What the authority's file calls the suite."""

    @property
    def algorithm(self) -> str:
        """What CMS calls the algorithm."""

    def new_key(self) -> PrivateKey:
        """Makes a key."""

    def sign(self, key: PrivateKey, content: bytes) -> bytes:
        """Signs with a key of this suite."""


class EcdsaP256Sha256:
    """ECDSA on P-256 (FIPS 186-5): a key in a millisecond, for keys that sign once."""

    name = "ECDSA_P256_SHA256"
    algorithm = "sha256_ecdsa"

    def new_key(self) -> PrivateKey:
        """Makes a key."""
        return ec.generate_private_key(ec.SECP256R1())

    def sign(self, key: PrivateKey, content: bytes) -> bytes:
        """Signs."""
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("The key is not of this suite.")
        return key.sign(content, ec.ECDSA(hashes.SHA256()))


class Rsa3072Sha256:
    """RSA with 3,072 bits (PKCS #1 v1.5), for long-lived keys: every reader of PDF verifies it."""

    name = "RSA_3072_SHA256"
    algorithm = "sha256_rsa"

    def new_key(self) -> PrivateKey:
        """Makes a key, which takes a while."""
        return rsa.generate_private_key(public_exponent=65537, key_size=3072)

    def sign(self, key: PrivateKey, content: bytes) -> bytes:
        """Signs."""
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("The key is not of this suite.")
        return key.sign(content, padding.PKCS1v15(), hashes.SHA256())


ECDSA_P256_SHA256: Suite = EcdsaP256Sha256()
RSA_3072_SHA256: Suite = Rsa3072Sha256()
SUITES = {suite.name: suite for suite in (ECDSA_P256_SHA256, RSA_3072_SHA256)}

_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def suite_of(key: PrivateKey) -> Suite:
    """Returns the suite that signs with such a key."""
    is_elliptic = isinstance(key, ec.EllipticCurvePrivateKey)
    return ECDSA_P256_SHA256 if is_elliptic else RSA_3072_SHA256


def digest(algorithm: str, content: bytes) -> bytes:
    """Returns a digest; raises Broken for an algorithm that proves nothing any more."""
    if algorithm not in _HASHES:
        raise Broken(f"The digest {algorithm} is not accepted.")
    return hashlib.new(algorithm, content).digest()


def verify(key: PublicKeyTypes, algorithm: str, signature: bytes, content: bytes) -> None:
    """Raises Broken unless the signature, over the named digest, is the key's."""
    if algorithm not in _HASHES:
        raise Broken(f"The digest {algorithm} is not accepted.")
    hashed = _HASHES[algorithm]()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), hashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(hashed))
        else:
            raise Broken("The certificate's key is of no accepted kind.")
    except InvalidSignature:
        raise Broken("The signature is not of this content, or not by this key.") from None
