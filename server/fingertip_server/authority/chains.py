"""Follows a certificate to one that is trusted."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from fingertip_server.authority.errors import Broken

# Ours has three; a bank's own may have a few more.
_LENGTH_MAX = 8


def fingerprint(certificate: x509.Certificate) -> bytes:
    """Tells a certificate from any other."""
    return certificate.fingerprint(hashes.SHA256())


def follow(
    leaf: x509.Certificate,
    given: Iterable[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    moment: datetime,
) -> list[x509.Certificate]:
    """Returns the chain from a leaf to an anchor; raises Broken where it breaks.

    `given` are certificates that came along and are believed nothing by themselves. All of the
    chain must have been valid at the moment.
    """
    trusted = {fingerprint(anchor) for anchor in anchors}
    # One that was renewed for the same key is there twice; whichever was valid then comes first.
    known = sorted([*anchors, *given], key=lambda each: not _is_valid(each, moment))
    chain = [leaf]
    while True:
        certificate = chain[-1]
        if not _is_valid(certificate, moment):
            raise Broken(f"A certificate was not valid at {moment.isoformat()}.")
        if fingerprint(certificate) in trusted:
            return chain
        issuer = next((each for each in known if is_issued(certificate, each)), None)
        if issuer is None or issuer in chain or len(chain) == _LENGTH_MAX:
            raise Broken("The certificates lead to none that is trusted.")
        require_issuer(issuer, below=len(chain) - 1)
        chain.append(issuer)


def _is_valid(certificate: x509.Certificate, moment: datetime) -> bool:
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tells whether one certificate was signed by another's key, in its name."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def require_issuer(issuer: x509.Certificate, *, below: int) -> None:
    """Raises Broken unless a certificate may issue others, with so many issuers below itself."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        raise Broken("A certificate in the chain may issue none.") from None
    if not constraints.ca or not usage.key_cert_sign:
        raise Broken("A certificate in the chain may issue none.")
    if constraints.path_length is not None and below > constraints.path_length:
        raise Broken("A certificate in the chain may issue none to issuers.")
