"""Time-stamps (RFC 3161): asked for, given, and verified."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from asn1crypto import algos, tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from fingertip_server.authority import chains, cms, suite
from fingertip_server.authority.certificates import Signer
from fingertip_server.authority.errors import Broken, StampRefused

# What the built-in authority promises is its operator's to say; the name is ours alone (2.25: a
# UUID as an object identifier, ITU-T X.667).
_POLICY = "2.25.321969255041176408705954391810237878837"
_NUMBER_BITS = 64
_GRANTED = frozenset({"granted", "granted_with_mods"})


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time-stamp that was verified."""

    time: datetime
    serial: str
    certificate: x509.Certificate


class TimeStamps(Protocol):
    """Whoever stamps the time: ourselves, or the bank's authority."""

    @property
    def anchors(self) -> Sequence[x509.Certificate]:
        """The certificates that its stamps are trusted by."""

    async def stamp(self, content: bytes, now: datetime) -> bytes:
        """Returns a time-stamp of a content; raises StampRefused."""


class OwnTimeStamps:
    """Stamps with a key of the authority's file, by the clock of the database."""

    def __init__(self, signer: Signer, chain: Sequence[x509.Certificate]) -> None:
        self._signer = signer
        self._chain = chain
        self.anchors = chain[-1:]

    async def stamp(self, content: bytes, now: datetime) -> bytes:
        """Returns a time-stamp of a content."""
        said = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": _POLICY,
                "message_imprint": _imprint(content),
                "serial_number": secrets.randbits(_NUMBER_BITS),
                "gen_time": now,
                "accuracy": tsp.Accuracy({"seconds": 1}),
            }
        )
        held = bytes(said.dump())
        started = cms.start(suite.digest(suite.DIGEST, held), self._signer, "tst_info")
        return cms.finish(started, self._chain, held=held)


@dataclass(frozen=True, slots=True)
class Question:
    """A request for a time-stamp, with what its answer has to repeat."""

    nonce: int
    content: bytes

    @classmethod
    def about(cls, content: bytes) -> "Question":
        """Makes a question of which there is no other."""
        return cls(secrets.randbits(_NUMBER_BITS), content)

    def encoded(self) -> bytes:
        """Returns the TimeStampReq."""
        return bytes(
            tsp.TimeStampReq(
                {
                    "version": "v1",
                    "message_imprint": _imprint(self.content),
                    "nonce": self.nonce,
                    "cert_req": True,
                }
            ).dump()
        )

    def token_in(self, answer: bytes) -> bytes:
        """Returns the time-stamp of a TimeStampResp; raises StampRefused or Broken."""
        try:
            parsed = tsp.TimeStampResp.load(answer, strict=True)
            status = parsed["status"]["status"].native
            if status not in _GRANTED:
                raise StampRefused(f"The time-stamp authority answered {status}.")
            token = bytes(parsed["time_stamp_token"].dump())
            said = tsp.TSTInfo.load(cms.stamped_in(token))
            nonce = said["nonce"].native
        except (TypeError, ValueError) as error:
            raise Broken("The time-stamp authority's answer cannot be read.") from error
        if nonce != self.nonce:
            raise Broken("The time-stamp answers another question.")
        return token


def verify(token: bytes, content: bytes, anchors: Sequence[x509.Certificate]) -> Stamp:
    """Returns what a time-stamp says; raises Broken unless it is of the content and trusted."""
    info = cms.stamped_in(token)
    signed = cms.verify(token, info, kind="tst_info")
    try:
        said = tsp.TSTInfo.load(info, strict=True)
        imprint = said["message_imprint"]
        algorithm = imprint["hash_algorithm"]["algorithm"].native
        hashed = imprint["hashed_message"].native
        time = said["gen_time"].native
        serial = said["serial_number"].native
    except (TypeError, ValueError) as error:
        raise Broken("The time-stamp cannot be read.") from error
    if suite.digest(algorithm, content) != hashed:
        raise Broken("The time-stamp is of another content.")
    require_stamper(signed.certificate)
    chains.follow(signed.certificate, signed.certificates, anchors, time)
    return Stamp(time, f"{serial:x}", signed.certificate)


def require_stamper(certificate: x509.Certificate) -> None:
    """Raises Broken unless the certificate is for time-stamps alone (RFC 3161, 2.3)."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise Broken("The time-stamp's certificate is for no time-stamps.") from None
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise Broken("The time-stamp's certificate is for no time-stamps.")


def _imprint(content: bytes) -> tsp.MessageImprint:
    return tsp.MessageImprint(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": suite.DIGEST}),
            "hashed_message": suite.digest(suite.DIGEST, content),
        }
    )
