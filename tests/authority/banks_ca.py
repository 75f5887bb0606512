"""The bank's certificate authority: it issues what it is asked for, or spoils it by hand."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fingertip_server.authority.suite import PrivateKey

_DAY = timedelta(days=1)
_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)

Hashed = hashes.SHA224 | hashes.SHA384
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
Extensions = list[x509.Extension[x509.ExtensionType]]


def extension(
    value: x509.ExtensionType, *, critical: bool = True
) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, critical, value)


@dataclass
class BanksCa:
    """An authority with its key, which a server never sees."""

    key: PrivateKey
    certificate: x509.Certificate

    @classmethod
    def root(
        cls,
        name: str = "某银行根",
        *,
        path_length: int | None = None,
        key: PrivateKey | None = None,
        days: tuple[float, float] = (-2, 3650),
    ) -> "BanksCa":
        """Makes a root; with a key of a former one it is that root, renewed."""
        key = key or ec.generate_private_key(ec.SECP384R1())
        return cls(
            key, _issue(_named(name), key.public_key(), _named(name), key, path_length, days)
        )

    def below(self, name: str, *, path_length: int | None = None) -> "BanksCa":
        """Makes an authority below this one."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        issuer = self.certificate.subject
        return BanksCa(key, _issue(_named(name), key.public_key(), issuer, self.key, path_length))

    def issue(
        self,
        request: Path,
        *,
        to: Path | None = None,
        days: tuple[float, float] = (-1, 700),
        changed: Extensions | None = None,
        without: tuple[type[x509.ExtensionType], ...] = (),
        public_key: PublicKey | None = None,
        hashed: Hashed | None = None,
    ) -> Path:
        """Issues what was asked for, but for what is changed, and writes it beside the request."""
        asked = x509.load_pem_x509_csr(request.read_bytes())
        assert asked.is_signature_valid
        key = public_key or asked.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
        extensions = {each.oid: each for each in [*asked.extensions, *(changed or [])]}
        for kind in without:
            del extensions[kind.oid]
        certificate = _signed(
            asked.subject,
            key,
            self.certificate.subject,
            self.key,
            list(extensions.values()),
            days=days,
            hashed=hashed,
        )
        path = to or request.with_suffix(".pem")
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        return path

    def write(self, path: Path) -> Path:
        """Writes its certificate."""
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _issue(
    subject: x509.Name,
    public_key: PublicKey,
    issuer: x509.Name,
    key: PrivateKey,
    path_length: int | None,
    days: tuple[float, float] = (-2, 3650),
) -> x509.Certificate:
    extensions = [
        extension(x509.BasicConstraints(ca=True, path_length=path_length)),
        extension(_CA_USAGE),
    ]
    return _signed(subject, public_key, issuer, key, extensions, days=days)


def _signed(
    subject: x509.Name,
    public_key: PublicKey,
    issuer: x509.Name,
    key: PrivateKey,
    extensions: Extensions,
    *,
    days: tuple[float, float],
    hashed: Hashed | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(public_key)
        .not_valid_before(now + days[0] * _DAY)
        .not_valid_after(now + days[1] * _DAY)
        # By RFC 7093, as authorities do that count with SHA-1 no more.
        .add_extension(_identifier(public_key), critical=False)
        .add_extension(_authority(key.public_key()), critical=False)
    )
    for each in extensions:
        builder = builder.add_extension(each.value, critical=each.critical)
    return builder.sign(key, hashed or hashes.SHA384())


def _identifier(key: PublicKey) -> x509.SubjectKeyIdentifier:
    by_sha1 = x509.SubjectKeyIdentifier.from_public_key(key)
    return x509.SubjectKeyIdentifier(hashlib.sha256(by_sha1.digest).digest()[:20])


def _authority(key: PublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(_identifier(key))
