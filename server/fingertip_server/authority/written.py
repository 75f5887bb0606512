"""The authority's file as it is written: keys and certificates in PEM, in JSON.

Its root is the built-in one, with its key, or a bank's, of which the certificate alone is here.
What a bank's authority was asked for and has not issued yet is a key without a certificate.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from fingertip_server.authority.certificates import Signer
from fingertip_server.authority.errors import AuthorityError
from fingertip_server.authority.suite import PrivateKey
from fingertip_server.protection import private_file

_NAME_CHARACTERS_MAX = 40


def pem(certificate: x509.Certificate) -> str:
    """Returns a certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _certificate(written: object) -> x509.Certificate:
    if isinstance(written, x509.Certificate):
        return written
    try:
        return x509.load_pem_x509_certificate(str(written).encode())
    except ValueError:
        raise PydanticCustomError("certificate", "is no certificate") from None


def _key(written: object) -> PrivateKey:
    key = written
    if isinstance(written, str):
        try:
            # Reading a key checks it, which takes a while: once is enough.
            key = serialization.load_pem_private_key(written.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise PydanticCustomError("key", "is no key that signs here")
    return key


def _key_in_pem(key: PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


_Certificate = Annotated[x509.Certificate, PlainValidator(_certificate), PlainSerializer(pem)]
_Key = Annotated[PrivateKey, PlainValidator(_key), PlainSerializer(_key_in_pem)]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Root(_Written):
    """The root's certificate; its key, which nothing here is signed with, if it was made here."""

    certificate: _Certificate
    key: _Key | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.key is not None:
            _require_own(self.certificate, self.key)
        return self


class Entry(_Written):
    """A key, and its certificate once it was issued."""

    certificate: _Certificate | None = None
    key: _Key = Field(repr=False)

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.certificate is not None:
            _require_own(self.certificate, self.key)
        return self


class File(_Written):
    """The whole file."""

    format: Literal[1] = 1
    name: str = Field(min_length=1, max_length=_NAME_CHARACTERS_MAX)
    root: Root | None = None
    # Between the root and the three.
    intermediates: tuple[_Certificate, ...] = ()
    issuer: Entry
    stamper: Entry
    document_signer: Entry
    # What was signed below them is trusted still; issuers of the same root are among them.
    former_roots: tuple[_Certificate, ...] = ()

    @property
    def entries(self) -> dict[str, Entry]:
        """Returns the keys that a server needs, by their names."""
        return {
            "issuer": self.issuer,
            "stamper": self.stamper,
            "document_signer": self.document_signer,
        }

    def text(self) -> str:
        """Returns what is written."""
        return self.model_dump_json(indent=2) + "\n"


def signer(entry: Entry) -> Signer | None:
    """Returns a key with its certificate; nothing while it has none."""
    return None if entry.certificate is None else Signer(entry.certificate, entry.key)


def require_name(path: Path, name: str) -> None:
    """Raises AuthorityError for a name that certificates cannot have."""
    if not 1 <= len(name) <= _NAME_CHARACTERS_MAX:
        limits = f"its name has 1 to {_NAME_CHARACTERS_MAX} characters"
        raise AuthorityError(path, [limits])


def read(path: Path) -> File:
    """Reads a file; raises AuthorityError with everything that is wrong with it."""
    try:
        content, faults = private_file.read(path)
    except private_file.Unusable as unusable:
        raise AuthorityError(path, [str(unusable)]) from None
    try:
        file = File.model_validate_json(content)
    except ValidationError as error:
        # Neither the input nor the cause may be shown: they hold keys.
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            place = ".".join(str(part) for part in fault["loc"])
            faults.append(f"{place}: {fault['msg']}" if place else fault["msg"])
        raise AuthorityError(path, faults) from None
    if faults:
        raise AuthorityError(path, faults)
    return file


def create(path: Path, file: File) -> None:
    """Makes a file; raises AuthorityError when there is one already."""
    try:
        private_file.create(path, file.text())
    except private_file.Unusable as unusable:
        raise AuthorityError(path, [str(unusable)]) from None


def _require_own(certificate: x509.Certificate, key: PrivateKey) -> None:
    try:
        is_own = certificate.public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        is_own = False
    if not is_own:
        raise PydanticCustomError("key", "is no certificate with its key")
