"""What the rest of the server calls to have something signed or verified; one per process."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

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
        own = OwnTimeStamps(keys.stamper, [keys.root.certificate])
        self._keys = keys
        self._once = once
        self._stamps: TimeStamps = time_stamps or own
        self._customer_chain = [keys.issuer.certificate, keys.root.certificate]
        # Stamps of before the bank named its own authority are still as good.
        self._stamp_anchors = [*keys.anchors, *self._stamps.anchors]

    @property
    def fingerprint(self) -> str:
        """What the database remembers of the authority."""
        return chains.fingerprint(self._keys.root.certificate).hex()

    def knows(self, fingerprint: str) -> bool:
        """Tells whether what the authority with this fingerprint signed is trusted here."""
        return fingerprint in {chains.fingerprint(each).hex() for each in self._keys.anchors}

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
        started = await asyncio.to_thread(cms.start, content_sha256, keys.document_signer)
        token = await self._stamps.stamp(started.value, now)
        return cms.finish(started, [keys.root.certificate], token=token)

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
        chains.follow(certificate, verified.certificates, self._keys.anchors, stamp.time)

    def _signed_once(self, content: bytes, occasion: Occasion) -> Started:
        signer = certificates.make_customer(occasion, self._keys.issuer, self._once.new_key())
        return cms.start(suite.digest(suite.DIGEST, content), signer)
