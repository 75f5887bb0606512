"""Issues the authority's certificates (RFC 5280)."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fingertip_server.authority.suite import PrivateKey

# How long the authority's own certificates are valid (our default): what they prove is kept for
# ten years and more, and a new file is made long before.
_ROOT_VALID = timedelta(days=30 * 365)
_OWN_VALID = timedelta(days=20 * 365)
# A reader whose clock is a little behind still finds a new certificate valid.
_BACKDATED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Signer:
    """A key with its certificate."""

    certificate: x509.Certificate
    key: PrivateKey


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a certificate for one signature says: whose, of which bank, and of what.

    The content is named by its SHA-256, so that the certificate can be used for nothing else.
    """

    pseudonym: str
    organisation: str
    content_sha256: bytes
    time: datetime
    valid_for: timedelta


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate below the root is for, whoever issues it.

    `purpose` is the one extended key usage that it has; without one it has none.
    """

    what: str
    issues: bool = False
    purpose: x509.ObjectIdentifier | None = None

    @property
    def extensions(self) -> list[tuple[x509.ExtensionType, bool]]:
        """Returns what makes it fit for that, each with whether it is critical."""
        if self.issues:
            return _issuing(0)
        if self.purpose is None:
            return _signing()
        return [*_signing(), (x509.ExtendedKeyUsage([self.purpose]), True)]


# The key that issues the certificates for single signatures.
ISSUER = Profile("签名证书机构", issues=True)
# The key that stamps the time, and does nothing else (RFC 3161).
STAMPER = Profile("时间戳", purpose=ExtendedKeyUsageOID.TIME_STAMPING)
# The key with which the bank signs what it hands out.
DOCUMENT_SIGNER = Profile("电子凭证")
# By the names that the authority's file has for them.
PROFILES = {"issuer": ISSUER, "stamper": STAMPER, "document_signer": DOCUMENT_SIGNER}


def make_root(name: str, key: PrivateKey, now: datetime) -> Signer:
    """Makes the certificate that all others go back to."""
    return _issue(_named(name, "根证书"), key, None, now, _ROOT_VALID, _issuing(1))


def make_subordinate(
    profile: Profile, name: str, root: Signer, key: PrivateKey, now: datetime
) -> Signer:
    """Makes a certificate below a root of our own."""
    return _issue(_named(name, profile.what), key, root, now, _OWN_VALID, profile.extensions)


def request_subordinate(
    profile: Profile, name: str, key: PrivateKey
) -> x509.CertificateSigningRequest:
    """Asks a bank's authority for the same certificate (PKCS #10, RFC 2986)."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_named(name, profile.what))
    for extension, is_critical in profile.extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(key, hashes.SHA256())


def make_customer(occasion: Occasion, issuer: Signer, key: PrivateKey) -> Signer:
    """Makes a customer's certificate for one signature, by the URI of its content (RFC 6920)."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, occasion.organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, "客户签名"),
            x509.NameAttribute(NameOID.PSEUDONYM, occasion.pseudonym),
        ]
    )
    names = x509.SubjectAlternativeName(
        [x509.UniformResourceIdentifier(content_uri(occasion.content_sha256))]
    )
    extensions = [*_signing(), (names, False)]
    return _issue(subject, key, issuer, occasion.time, occasion.valid_for, extensions)


def content_uri(sha256: bytes) -> str:
    """Names a content by its SHA-256: ni:///sha-256;… (RFC 6920)."""
    return "ni:///sha-256;" + base64.urlsafe_b64encode(sha256).rstrip(b"=").decode()


def content_uris(certificate: x509.Certificate) -> list[str]:
    """Returns what a certificate says it is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


_Extensions = list[tuple[x509.ExtensionType, bool]]


def _issue(
    subject: x509.Name,
    key: PrivateKey,
    by: Signer | None,
    now: datetime,
    valid_for: timedelta,
    extensions: _Extensions,
) -> Signer:
    public = key.public_key()
    signing = by.key if by else key
    builder = (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .issuer_name(by.certificate.subject if by else subject)
        .subject_name(subject)
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + valid_for)
        .public_key(public)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_identifier(by.certificate if by else None, signing), critical=False)
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return Signer(builder.sign(signing, hashes.SHA256()), key)


def _identifier(issuer: x509.Certificate | None, key: PrivateKey) -> x509.AuthorityKeyIdentifier:
    """Names the issuer's key as its certificate does: a bank's authority may count otherwise."""
    try:
        if issuer is not None:
            named = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(named)
    except x509.ExtensionNotFound:
        pass
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _named(name: str, what: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name}{what}"),
        ]
    )


def _issuing(path_length: int) -> _Extensions:
    return [
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
        (_usage(issues=True), True),
    ]


def _signing() -> _Extensions:
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(issues=False), True),
    ]


def _usage(*, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issues,
        content_commitment=not issues,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )
