"""The authority as a file: its keys and certificates in JSON, readable by its owner alone.

Without it nobody can sign, and what was signed is proved by its root certificate alone; so a copy
is kept, and the root certificate is handed to whoever is to verify.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from fingertip_server.authority import certificates
from fingertip_server.authority.certificates import Signer
from fingertip_server.authority.errors import AuthorityError
from fingertip_server.authority.suite import ECDSA_P256_SHA256, RSA_3072_SHA256, Suite
from fingertip_server.protection import private_file

DEFAULT_NAME = "指尖内置签名机构"
_NAME_CHARACTERS_MAX = 40


@dataclass(frozen=True, slots=True)
class Keys:
    """The authority's keys with their certificates, each issued by the root."""

    name: str
    root: Signer
    issuer: Signer
    stamper: Signer
    document_signer: Signer
    former_roots: Sequence[x509.Certificate]

    @property
    def anchors(self) -> list[x509.Certificate]:
        """Returns the certificates that signatures made here are trusted by."""
        return [self.root.certificate, *self.former_roots]


class _Entry(BaseModel):
    """A key and its certificate as they are written, in PEM."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    certificate: str
    key: str = Field(repr=False)

    @classmethod
    def of(cls, signer: Signer) -> Self:
        """Returns what is written of a signer."""
        key = signer.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return cls(certificate=_pem(signer.certificate), key=key.decode())

    # Reading a key checks it, which takes a while: once is enough.
    _signer: Signer = PrivateAttr()

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        try:
            certificate = x509.load_pem_x509_certificate(self.certificate.encode())
            key = serialization.load_pem_private_key(self.key.encode(), password=None)
        except (ValueError, TypeError):
            raise PydanticCustomError("key", "is no certificate with its key") from None
        if (
            not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
            or certificate.public_key() != key.public_key()
        ):
            raise PydanticCustomError("key", "is no certificate with its key")
        self._signer = Signer(certificate, key)
        return self

    @property
    def signer(self) -> Signer:
        """Returns the signer."""
        return self._signer


class _File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal[1] = 1
    name: str = Field(min_length=1, max_length=_NAME_CHARACTERS_MAX)
    root: _Entry
    issuer: _Entry
    stamper: _Entry
    document_signer: _Entry
    former_roots: tuple[str, ...] = ()

    def keys(self) -> Keys:
        """Returns what the file holds; raises ValueError for a former root that is none."""
        return Keys(
            name=self.name,
            root=self.root.signer,
            issuer=self.issuer.signer,
            stamper=self.stamper.signer,
            document_signer=self.document_signer.signer,
            former_roots=[
                x509.load_pem_x509_certificate(former.encode()) for former in self.former_roots
            ],
        )


def load(path: Path) -> Keys:
    """Reads an authority; raises AuthorityError with everything that is wrong with the file."""
    try:
        content, faults = private_file.read(path)
    except private_file.Unusable as unusable:
        raise AuthorityError(path, [str(unusable)]) from None
    try:
        keys = _File.model_validate_json(content).keys()
    except ValidationError as error:
        # Neither the input nor the cause may be shown: they hold keys.
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            place = ".".join(str(part) for part in fault["loc"])
            faults.append(f"{place}: {fault['msg']}" if place else fault["msg"])
        raise AuthorityError(path, faults) from None
    except ValueError:
        raise AuthorityError(path, [*faults, "former_roots: is no certificate"]) from None
    if faults:
        raise AuthorityError(path, faults)
    return keys


def create(path: Path, name: str = DEFAULT_NAME, suite: Suite = RSA_3072_SHA256) -> Keys:
    """Makes an authority; raises AuthorityError when there is one already.

    `suite` is that of the keys which readers of PDF meet; customers' certificates, one for each
    signature, are issued by a quicker one. For the embedded mode only: elsewhere an operator makes
    the file and keeps a copy of it.
    """
    if not 1 <= len(name) <= _NAME_CHARACTERS_MAX:
        limits = f"its name has 1 to {_NAME_CHARACTERS_MAX} characters"
        raise AuthorityError(path, [limits])
    now = datetime.now(UTC)
    root = certificates.make_root(name, suite.new_key(), now)
    file = _File(
        name=name,
        root=_Entry.of(root),
        issuer=_Entry.of(certificates.make_issuer(name, root, ECDSA_P256_SHA256.new_key(), now)),
        stamper=_Entry.of(certificates.make_stamper(name, root, suite.new_key(), now)),
        document_signer=_Entry.of(
            certificates.make_document_signer(name, root, suite.new_key(), now)
        ),
    )
    try:
        private_file.create(path, file.model_dump_json(indent=2) + "\n")
    except private_file.Unusable as unusable:
        raise AuthorityError(path, [str(unusable)]) from None
    return file.keys()


def load_anchors(path: Path) -> list[x509.Certificate]:
    """Reads certificates in PEM that somebody else's signatures are trusted by."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise AuthorityError(path, ["it holds no certificates in PEM that can be read"]) from None


def root_in_pem(keys: Keys) -> str:
    """Returns the root certificate, to hand to whoever is to verify."""
    return _pem(keys.root.certificate)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
