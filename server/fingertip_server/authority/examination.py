"""What is wrong with a certificate of a bank's authority, in sentences for whoever issues it."""

from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from fingertip_server.authority import chains, stamps
from fingertip_server.authority.certificates import Profile
from fingertip_server.authority.errors import Broken

_RSA_BITS_MIN = 2048
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
# With which readers of PDF accept a signer of documents, the last one by RFC 9336.
_FOR_DOCUMENTS = frozenset(
    {
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),
    }
)


def key_of(certificate: x509.Certificate) -> PublicKeyTypes | None:
    """Returns a certificate's key; nothing for one of a kind that nobody knows here."""
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def faults_of_any(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    """Tells what is wrong with any certificate below the root: its time and its algorithms."""
    yield from faults_of_time_and_key(certificate, now)
    try:
        hashed = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        hashed = None
    if not isinstance(hashed, _HASHES):
        yield "it is signed with an algorithm that is not accepted; SHA-256 or longer is"


def faults_of_time_and_key(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    """Tells what is wrong with a root too, whose own signature proves nothing anyway."""
    if now > certificate.not_valid_after_utc:
        yield f"it was valid until {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC only"
    if now < certificate.not_valid_before_utc:
        yield f"it is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC only"
    key = key_of(certificate)
    is_strong = isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS_MIN
    if not (is_strong or isinstance(key, ec.EllipticCurvePublicKey)):
        yield f"its key is not accepted; RSA from {_RSA_BITS_MIN} bits and elliptic curves are"


def faults_of_issuer(certificate: x509.Certificate) -> Iterator[str]:
    """Tells why a certificate may issue none."""
    try:
        chains.require_issuer(certificate, below=0)
    except Broken:
        yield (
            "it may issue no certificates: its basic constraints have to say CA,"
            " and its key usage keyCertSign"
        )


def faults_of_profile(certificate: x509.Certificate, profile: Profile) -> Iterator[str]:
    """Tells how a certificate differs from what was asked for, where that matters."""
    try:
        constraints, usage, purposes = (
            _found(certificate, kind)
            for kind in (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage)
        )
    except (ValueError, x509.DuplicateExtension):
        yield "its extensions cannot be read"
        return
    asked = {type(extension): extension for extension, _ in profile.extensions}
    if profile.issues:
        yield from faults_of_issuer(certificate)
    else:
        if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
            yield "it may issue certificates: its basic constraints must not say CA"
        if usage != asked[x509.KeyUsage]:
            yield (
                "its key usage has to be digitalSignature and contentCommitment"
                " (nonRepudiation), and nothing else"
            )
    if profile.purpose == ExtendedKeyUsageOID.TIME_STAMPING:
        try:
            stamps.require_stamper(certificate)
        except Broken:
            yield "its extended key usage has to be timeStamping alone, and critical"
    elif isinstance(purposes, x509.ExtendedKeyUsage) and not _FOR_DOCUMENTS & set(purposes):
        yield "its extended key usage does not allow to sign documents; it needs none"


def _found(
    certificate: x509.Certificate, kind: type[x509.ExtensionType]
) -> x509.ExtensionType | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
