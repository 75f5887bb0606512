"""An authority below a bank's: asks for its certificates, and takes those that were issued.

The root's key stays with the bank. Taking newer certificates for the same keys renews them, and
taking them from another root, also in the place of the built-in one, keeps the former root to
verify by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from fingertip_server.authority import certificates, chains, examination, keyfile, written
from fingertip_server.authority.certificates import PROFILES, Occasion, Profile, Signer
from fingertip_server.authority.errors import AuthorityError, Broken
from fingertip_server.authority.keyfile import Keys
from fingertip_server.authority.suite import ECDSA_P256_SHA256, RSA_3072_SHA256, Suite
from fingertip_server.authority.written import Entry, File, Root
from fingertip_server.protection import private_file

_UNUSED = "its key is none of those that were asked for, and it leads none of them to the root"


@dataclass(frozen=True, slots=True)
class _Given:
    """A certificate, and what the operator knows it by."""

    source: str
    certificate: x509.Certificate


@dataclass(slots=True)
class _Completion:
    """What of a completion is known so far, and everything that is wrong with it."""

    root: x509.Certificate
    # Of no key here, so that they lead to the root or are there by mistake.
    others: Sequence[_Given]
    now: datetime
    chosen: dict[str, Signer] = field(default_factory=dict)
    used: list[x509.Certificate] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def fault(self, source: str, *sentences: str) -> None:
        """Adds what is wrong with something."""
        self.faults += [f"{source}: {each}" for each in sentences]


def request(path: Path, name: str = "", suite: Suite = RSA_3072_SHA256) -> list[Path]:
    """Makes keys, and writes a request (PKCS #10) for each beside the file.

    With a file that is there already the same is asked for again, for the keys that it holds; a
    server may go on with it meanwhile. Raises AuthorityError where that file is wrong or has
    another name.
    """
    if path.exists():
        file = written.read(path)
        if name and name != file.name:
            raise AuthorityError(path, [f"it exists already, and its name is {file.name}"])
    else:
        name = name or keyfile.DEFAULT_NAME
        written.require_name(path, name)
        issuer, stamper, document_signer = (
            Entry(key=key) for key in keyfile.new_keys(suite).values()
        )
        file = File(name=name, issuer=issuer, stamper=stamper, document_signer=document_signer)
        written.create(path, file)
    requests = []
    for each, entry in file.entries.items():
        asked = certificates.request_subordinate(PROFILES[each], file.name, entry.key)
        requests.append(path.with_name(f"{path.stem}-{each.replace('_', '-')}.csr"))
        requests[-1].write_bytes(asked.public_bytes(serialization.Encoding.PEM))
    return requests


def complete(
    path: Path,
    root_path: Path,
    certificate_paths: Sequence[Path],
    former_paths: Sequence[Path] = (),
) -> Keys:
    """Takes certificates for the keys of a file, and those between them and the bank's root.

    What is not given again stays as it is in the file. What was signed below a former root or a
    former issuer, of keys that are not in this file any more, is trusted as well. Raises
    AuthorityError with everything that is wrong, and changes nothing then.
    """
    file = written.read(path)
    root = _root(root_path)
    given = _given(certificate_paths, root)
    keys = {each: entry.key.public_key() for each, entry in file.entries.items()}
    held = [_Given(path.name, each) for each in file.intermediates]
    others = [each for each in given if examination.key_of(each.certificate) not in keys.values()]
    completion = _Completion(root, [*others, *held], datetime.now(UTC))
    completion.fault(
        root_path.name,
        *examination.faults_of_time_and_key(root, completion.now),
        *_faults_of_root(root),
    )
    for each, entry in file.entries.items():
        own = [it for it in given if examination.key_of(it.certificate) == keys[each]]
        if not own and entry.certificate:
            own = [_Given(f"{path.name}, {each}", entry.certificate)]
        _choose(completion, each, entry, own)
    if not completion.faults:
        for other in others:
            if other.certificate not in completion.used:
                completion.fault(other.source, _UNUSED)
    if completion.faults:
        raise AuthorityError(path, completion.faults, "completed")
    former = [certificate for each in former_paths for certificate in keyfile.load_anchors(each)]
    return _replace(path, file, completion, former)


def _choose(completion: _Completion, name: str, entry: Entry, own: Sequence[_Given]) -> None:
    if not own:
        strangers = ", ".join(each.source for each in completion.others)
        among = f" ({strangers}: of another key)" if strangers else ""
        completion.fault(name, f"no certificate for its key was given{among}")
        return
    if len(own) > 1:
        completion.fault(name, f"two certificates were given, {own[0].source} and {own[1].source}")
        return
    source, certificate = f"{name} ({own[0].source})", own[0].certificate
    signer = Signer(certificate, entry.key)
    faults = [
        *examination.faults_of_any(certificate, completion.now),
        *examination.faults_of_profile(certificate, PROFILES[name]),
    ]
    completion.fault(source, *faults)
    if faults:
        return
    try:
        between = _between(completion, signer, PROFILES[name])
    except Broken as broken:
        completion.fault(source, f"it does not lead to the given root. {broken}".rstrip("."))
        return
    completion.chosen[name] = signer
    for each in between:
        if each not in completion.used:
            completion.used.append(each)
            known = next(it.source for it in completion.others if it.certificate == each)
            completion.fault(known, *examination.faults_of_any(each, completion.now))


def _between(completion: _Completion, signer: Signer, profile: Profile) -> list[x509.Certificate]:
    """Returns what is between a signer and the root; an issuer's is tried on a customer's."""
    root, now = completion.root, completion.now
    below, given = signer, [each.certificate for each in completion.others]
    if profile.issues:
        occasion = Occasion("-", "-", bytes(32), now, timedelta(minutes=1))
        below = certificates.make_customer(occasion, signer, ECDSA_P256_SHA256.new_key())
        given.insert(0, signer.certificate)
    chain = chains.follow(below.certificate, given, [root], now)
    return [each for each in chain[1:-1] if each != signer.certificate]


def _root(path: Path) -> x509.Certificate:
    found = keyfile.load_anchors(path)
    if len(found) != 1:
        raise AuthorityError(path, ["it holds more than one certificate, and a root is one"])
    return found[0]


def _faults_of_root(root: x509.Certificate) -> Sequence[str]:
    if not chains.is_issued(root, root):
        return ["it is no root: somebody else issued it"]
    return list(examination.faults_of_issuer(root))


def _given(paths: Sequence[Path], root: x509.Certificate) -> list[_Given]:
    """Returns each certificate once; whole chains may have been given, with the root in them."""
    given: dict[bytes, _Given] = {}
    for path in paths:
        for certificate in keyfile.load_anchors(path):
            if certificate != root:
                given.setdefault(chains.fingerprint(certificate), _Given(path.name, certificate))
    return list(given.values())


def _replace(
    path: Path, file: File, completion: _Completion, former: Sequence[x509.Certificate]
) -> Keys:
    if file.root:
        former = [file.root.certificate, *former]
    issuer, stamper, document_signer = (
        Entry(certificate=signer.certificate, key=signer.key)
        for signer in (completion.chosen[each] for each in PROFILES)
    )
    completed = File(
        name=file.name,
        root=Root(certificate=completion.root),
        intermediates=tuple(completion.used),
        issuer=issuer,
        stamper=stamper,
        document_signer=document_signer,
        former_roots=tuple(
            each for each in dict.fromkeys([*file.former_roots, *former]) if each != completion.root
        ),
    )
    private_file.replace(path, completed.text())
    return keyfile.keys_of(path, completed)
