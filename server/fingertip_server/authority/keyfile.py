"""The authority as a file: its keys and certificates in JSON, readable by its owner alone.

Without it nobody can sign, and what was signed is proved by its root certificate alone; so a copy
is kept, and the root certificate is handed to whoever is to verify.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from fingertip_server.authority import certificates, written
from fingertip_server.authority.certificates import PROFILES, Signer
from fingertip_server.authority.errors import AuthorityError
from fingertip_server.authority.suite import (
    ECDSA_P256_SHA256,
    RSA_3072_SHA256,
    PrivateKey,
    Suite,
)
from fingertip_server.authority.written import Entry, File, Root

DEFAULT_NAME = "指尖内置签名机构"


@dataclass(frozen=True, slots=True)
class Keys:
    """The authority's keys with their certificates, each issued by the root or by one below it."""

    name: str
    root: x509.Certificate
    # Not so below a bank's root, of which the certificate alone is here.
    is_root_here: bool
    intermediates: Sequence[x509.Certificate]
    issuer: Signer
    stamper: Signer
    document_signer: Signer
    former_roots: Sequence[x509.Certificate]

    @property
    def above(self) -> list[x509.Certificate]:
        """Returns what a signature made here takes along, up to the root."""
        return [*self.intermediates, self.root]

    @property
    def anchors(self) -> list[x509.Certificate]:
        """Returns the certificates that signatures made here are trusted by."""
        return [self.root, *self.former_roots]

    @property
    def signers(self) -> dict[str, Signer]:
        """Returns whatever signs, by the names of the file."""
        return {
            "issuer": self.issuer,
            "stamper": self.stamper,
            "document_signer": self.document_signer,
        }


def load(path: Path) -> Keys:
    """Reads an authority; raises AuthorityError with everything that is wrong with the file."""
    return keys_of(path, written.read(path))


def keys_of(path: Path, file: File) -> Keys:
    """Returns what a file holds; raises AuthorityError while there are no certificates in it."""
    issuer, stamper, document_signer = (written.signer(each) for each in file.entries.values())
    if not (file.root and issuer and stamper and document_signer):
        waiting = "the bank's certificates are not in it yet (fingertip authority complete)"
        raise AuthorityError(path, [waiting])
    return Keys(
        name=file.name,
        root=file.root.certificate,
        is_root_here=file.root.key is not None,
        intermediates=file.intermediates,
        issuer=issuer,
        stamper=stamper,
        document_signer=document_signer,
        former_roots=file.former_roots,
    )


def create(path: Path, name: str = DEFAULT_NAME, suite: Suite = RSA_3072_SHA256) -> Keys:
    """Makes an authority; raises AuthorityError when there is one already.

    For the embedded mode only: elsewhere an operator makes the file and keeps a copy of it.
    """
    written.require_name(path, name)
    now = datetime.now(UTC)
    root = certificates.make_root(name, suite.new_key(), now)
    issuer, stamper, document_signer = (
        Entry(
            certificate=certificates.make_subordinate(
                PROFILES[each], name, root, key, now
            ).certificate,
            key=key,
        )
        for each, key in new_keys(suite).items()
    )
    file = File(
        name=name,
        root=Root(certificate=root.certificate, key=root.key),
        issuer=issuer,
        stamper=stamper,
        document_signer=document_signer,
    )
    written.create(path, file)
    return keys_of(path, file)


def new_keys(suite: Suite) -> dict[str, PrivateKey]:
    """Makes the keys that a server needs, by their names, in the order of the profiles.

    `suite` is that of the keys which readers of PDF meet; customers' certificates, one for each
    signature, are issued by a quicker one.
    """
    return {
        each: (ECDSA_P256_SHA256 if profile.issues else suite).new_key()
        for each, profile in PROFILES.items()
    }


def load_anchors(path: Path) -> list[x509.Certificate]:
    """Reads certificates in PEM that somebody else's signatures are trusted by."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise AuthorityError(path, ["it holds no certificates in PEM that can be read"]) from None


def root_in_pem(keys: Keys) -> str:
    """Returns the root certificate, to hand to whoever is to verify."""
    return written.pem(keys.root)
