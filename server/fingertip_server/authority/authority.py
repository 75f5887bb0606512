"""What the rest of the server calls to have something signed or verified; one per process."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from fingertip_server.authority import certificates, chains, cms, stamps, suite
from fingertip_server.authority.certificates import Occasion
from fingertip_server.authority.cms import Started, Verified
from fingertip_server.authority.errors import Broken, StampRefused
from fingertip_server.authority.keyfile import Keys
from fingertip_server.authority.stamps import OwnTimeStamps, Stamp, TimeStamps
from fingertip_server.authority.suite import ECDSA_P256_SHA256, Suite


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature with its time-stamp, in CMS, and what names its certificate and its stamp."""

    cms: bytes
    certificate_sha256: bytes
    token_sha256: bytes


class Authority:
    """Signs and verifies with one file of keys.

    Every signature of a customer has a key of its own, which is made, used once and forgotten.
    """

    def __init__(
        self, keys: Keys, time_stamps: TimeStamps | None = None, once: Suite = ECDSA_P256_SHA256
    ) -> None:
        own = OwnTimeStamps(keys.stamper, keys.above)
        self._keys = keys
        self._once = once
        self._stamps: TimeStamps = time_stamps or own
        self._customer_chain = [keys.issuer.certificate, *keys.above]
        # Stamps of before the bank named its own authority are still as good.
        self._stamp_anchors = [*keys.anchors, *self._stamps.anchors]

    @property
    def fingerprint(self) -> str:
        """What the database remembers of the authority: its root, and below a bank's its issuer."""
        root = chains.fingerprint(self._keys.root).hex()
        if self._keys.is_root_here:
            return root
        return f"{root}:{_key_named(self._keys.issuer.certificate)}"

    def knows(self, fingerprint: str) -> bool:
        """Tells whether what the authority with this fingerprint signed is trusted here."""
        root, _, issuer = fingerprint.partition(":")
        former = self._keys.former_roots
        if root in {chains.fingerprint(each).hex() for each in former}:
            return True
        issuers = {_key_named(each) for each in (self._keys.issuer.certificate, *former)}
        is_root = root == chains.fingerprint(self._keys.root).hex()
        return is_root and (not issuer or issuer in issuers)

    async def sign(self, content: bytes, occasion: Occasion) -> Signature:
        """Signs a content with a key made for it; raises StampRefused."""
        started = await asyncio.to_thread(self._signed_once, content, occasion)
        token = await self._stamps.stamp(started.value, occasion.time)
        stamped = cms.finish(started, self._customer_chain, token=token)
        try:
            verified = await asyncio.to_thread(self.verify, stamped, content)
        except Broken as broken:
            # Clocks that are apart, for one: nobody could prove anything with it later.
            raise StampRefused(f"The signature would prove nothing: {broken}") from None
        return Signature(
            cms=stamped,
            certificate_sha256=chains.fingerprint(verified.certificate),
            token_sha256=suite.digest(suite.DIGEST, token),
        )

    async def sign_document(self, content_sha256: bytes, now: datetime) -> bytes:
        """Signs as the bank, by the digest of a document; raises StampRefused."""
        keys = self._keys
        try:
            # One whose time is over deceives nobody, but no reader accepts what it signs.
            chains.follow(keys.document_signer.certificate, keys.above, [keys.root], now)
        except Broken as broken:
            raise StampRefused(f"The document would prove nothing: {broken}") from None
        started = await asyncio.to_thread(cms.start, content_sha256, keys.document_signer)
        token = await self._stamps.stamp(started.value, now)
        return cms.finish(started, keys.above, token=token)

    def verify(self, signature: bytes, content: bytes) -> Verified:
        """Returns who signed a content, and when; raises Broken where the signature proves nothing.

        Whoever wants to know which link broke asks for them one by one.
        """
        verified = cms.verify(signature, content)
        self.require_trusted(verified, content, self.stamp_of(signature))
        return verified

    def stamp_of(self, signature: bytes) -> Stamp:
        """Returns when a signature was there; raises Broken unless its time-stamp is trusted."""
        token = cms.token_of(signature)
        return stamps.verify(token, cms.value_of(signature), self._stamp_anchors)

    def require_trusted(self, verified: Verified, content: bytes, stamp: Stamp) -> None:
        """Raises Broken unless the certificate is for this content, ours, and was valid then."""
        certificate = verified.certificate
        uri = certificates.content_uri(suite.digest(suite.DIGEST, content))
        if certificates.content_uris(certificate) != [uri]:
            raise Broken("The certificate is for another content.")
        chain = chains.follow(certificate, verified.certificates, self._keys.anchors, stamp.time)
        # Below a bank's root there are other authorities, which certify no customer here. By the
        # key, because the issuer's certificate may have been renewed meanwhile.
        issuer = self._keys.issuer.certificate.public_key()
        above = [each.public_key() for each in chain[1:2]]
        if chain[-1] == self._keys.root and above != [issuer]:
            raise Broken("The certificate was issued by another authority.")

    def _signed_once(self, content: bytes, occasion: Occasion) -> Started:
        signer = certificates.make_customer(occasion, self._keys.issuer, self._once.new_key())
        return cms.start(suite.digest(suite.DIGEST, content), signer)


def _key_named(certificate: x509.Certificate) -> str:
    """Names a key by its digest, which stays when its certificate is renewed."""
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return suite.digest(suite.DIGEST, key).hex()
