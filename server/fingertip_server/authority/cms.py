"""Signatures in CMS (RFC 5652) with the attributes of CAdES (ETSI EN 319 122-1).

A signature is made over a digest and never holds what it signs, unless it is a time-stamp.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from fingertip_server.authority import chains, suite
from fingertip_server.authority.certificates import Signer
from fingertip_server.authority.errors import Broken

_TOKEN = "signature_time_stamp_token"  # noqa: S105 - the name of an attribute (RFC 3161, A)


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that is its certificate's; whether that is to be trusted is another question."""

    certificate: x509.Certificate
    certificates: Sequence[x509.Certificate]
    signature: bytes


@dataclass(frozen=True, slots=True)
class Started:
    """A signature of which a time-stamp may be asked for: `value` is what it is about."""

    kind: str
    signer: Signer
    attributes: cms.CMSAttributes
    value: bytes


def start(content_sha256: bytes, signer: Signer, kind: str = "data") -> Started:
    """Signs a content of a kind."""
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", kind),
            _attribute("message_digest", content_sha256),
            _attribute("signing_certificate_v2", _certificate_named(signer.certificate)),
        ]
    )
    # What is signed is the set as such, without the tag that it has in its place.
    value = suite.suite_of(signer.key).sign(signer.key, attributes.dump())
    return Started(kind, signer, attributes, value)


def finish(
    started: Started,
    chain: Sequence[x509.Certificate],
    *,
    token: bytes | None = None,
    held: bytes | None = None,
) -> bytes:
    """Returns a signature in DER, with its time-stamp, or with the content that it holds."""
    signer = started.signer
    certificate = _converted(signer.certificate)
    number = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    signer_info: dict[str, object] = {
        "version": "v1",
        "sid": cms.SignerIdentifier({"issuer_and_serial_number": number}),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": suite.DIGEST}),
        "signed_attrs": started.attributes,
        "signature_algorithm": algos.SignedDigestAlgorithm(
            {"algorithm": suite.suite_of(signer.key).algorithm}
        ),
        "signature": started.value,
    }
    if token is not None:
        # Of the attributes, the one that nobody signed.
        signer_info["unsigned_attrs"] = [_attribute(_TOKEN, cms.ContentInfo.load(token))]
    content: dict[str, object] = {"content_type": started.kind}
    if held is not None:
        content["content"] = core.ParsableOctetString(held)
    signed = cms.SignedData(
        {
            "version": "v1" if started.kind == "data" else "v3",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": suite.DIGEST})],
            "encap_content_info": content,
            "certificates": [_converted(each) for each in (signer.certificate, *chain)],
            "signer_infos": [cms.SignerInfo(signer_info)],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def token_of(signature: bytes) -> bytes:
    """Returns the time-stamp of a signature; raises Broken where there is none."""
    with _reading():
        for attribute in _signer_info(_signed_data(signature))["unsigned_attrs"] or ():
            if attribute["type"].native == _TOKEN:
                return bytes(attribute["values"][0].dump())
    raise Broken("The signature has no time-stamp.")


def value_of(signature: bytes) -> bytes:
    """Returns what a time-stamp of a signature is about: the signature's own bytes."""
    with _reading():
        return bytes(_signer_info(_signed_data(signature))["signature"].native)


def stamped_in(token: bytes) -> bytes:
    """Returns what a time-stamp says, a TSTInfo in DER; raises Broken where it says nothing."""
    with _reading():
        return bytes(_signed_data(token)["encap_content_info"]["content"].contents)


def verify(signature: bytes, content: bytes, *, kind: str = "data") -> Verified:
    """Returns who signed a content; raises Broken unless the signature is exactly of it."""
    with _reading():
        signed = _signed_data(signature)
        signer_info = _signer_info(signed)
        attributes = {
            each["type"].native: each["values"][0] for each in signer_info["signed_attrs"]
        }
        kinds = {signed["encap_content_info"]["content_type"].native}
        if {attributes["content_type"].native, *kinds} != {kind}:
            raise Broken("The signature is of another kind of content.")
        digest = suite.digest(signer_info["digest_algorithm"]["algorithm"].native, content)
        if attributes["message_digest"].native != digest:
            raise Broken("The signature is of another content.")
        certificates = [
            x509.load_der_x509_certificate(each.chosen.dump()) for each in signed["certificates"]
        ]
        certificate = _named_by(signer_info, certificates)
        _require_named(attributes, certificate)
        value = bytes(signer_info["signature"].native)
        algorithm = signer_info["signature_algorithm"].hash_algo
        untagged = signer_info["signed_attrs"].untag().dump()
        suite.verify(certificate.public_key(), algorithm, value, untagged)
        return Verified(certificate, certificates, value)


@contextmanager
def _reading() -> Iterator[None]:
    """Says of bytes over which a parser stumbles, in whatever way, that they are no signature."""
    try:
        yield
    except Broken:
        raise
    except Exception as error:
        raise Broken("The signature cannot be read.") from error


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def _certificate_named(certificate: x509.Certificate) -> tsp.SigningCertificateV2:
    """Names the certificate that is meant, so that none with the same key takes its place."""
    named = tsp.ESSCertIDv2({"cert_hash": chains.fingerprint(certificate)})
    return tsp.SigningCertificateV2({"certs": [named]})


def _named_by(
    signer_info: cms.SignerInfo, certificates: Sequence[x509.Certificate]
) -> x509.Certificate:
    """Returns the signer's certificate among those that came along."""
    sid = signer_info["sid"]
    if sid.name == "issuer_and_serial_number":
        serial = sid.chosen["serial_number"].native
        issuer = sid.chosen["issuer"].dump()
        found = [
            each
            for each in certificates
            if each.serial_number == serial and each.issuer.public_bytes() == issuer
        ]
    else:
        found = [each for each in certificates if _key_identifier(each) == sid.chosen.native]
    if not found:
        raise Broken("The signer's certificate is not there.")
    return found[0]


def _key_identifier(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier
        ).value.digest
    except x509.ExtensionNotFound:
        return b""


def _require_named(attributes: dict[str, core.Asn1Value], certificate: x509.Certificate) -> None:
    """Raises Broken when what was signed names another certificate (RFC 5035, RFC 2634)."""
    if "signing_certificate_v2" in attributes:
        named = attributes["signing_certificate_v2"]["certs"][0]
        algorithm = named["hash_algorithm"]["algorithm"].native
        digest = suite.digest(algorithm, certificate.public_bytes(serialization.Encoding.DER))
    elif "signing_certificate" in attributes:
        # What the time-stamps of older authorities name theirs with is SHA-1.
        named = attributes["signing_certificate"]["certs"][0]
        digest = _converted(certificate).sha1
    else:
        raise Broken("What was signed names no certificate.")
    if named["cert_hash"].native != digest:
        raise Broken("What was signed names another certificate.")


def _signed_data(signature: bytes) -> cms.SignedData:
    parsed = cms.ContentInfo.load(signature, strict=True)
    if parsed["content_type"].native != "signed_data":
        raise Broken("This is no signature.")
    return parsed["content"]


def _signer_info(signed: cms.SignedData) -> cms.SignerInfo:
    signers = signed["signer_infos"]
    if len(signers) != 1:
        raise Broken("The signature is not of one signer.")
    return signers[0]


def _converted(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
