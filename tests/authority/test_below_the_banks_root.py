"""The bank's own authority stands above: it issues by requests, and its root's key stays there."""

import asyncio
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from typer.testing import CliRunner, Result

from fingertip_server import cli
from fingertip_server.authority import certificates, cms, keyfile, subordination
from fingertip_server.authority.authority import Authority
from fingertip_server.authority.certificates import Occasion
from fingertip_server.authority.errors import AuthorityError, Broken, StampRefused
from fingertip_server.authority.suite import ECDSA_P256_SHA256
from tests.authority.banks_ca import BanksCa, extension

_CONTENT = "申请人自愿申请开立个人银行结算账户。".encode()
_OTHER_KEY = ec.generate_private_key(ec.SECP256R1()).public_key()


def _occasion() -> Occasion:
    return Occasion(
        pseudonym="e5ca446a-9ce4-522d-ad47-180132000f10",
        organisation="示范银行",
        content_sha256=hashlib.sha256(_CONTENT).digest(),
        time=datetime.now(UTC),
        valid_for=timedelta(minutes=10),
    )


@dataclass
class Asked:
    """An authority that asked the bank's for its certificates."""

    file: Path
    issuer: Path
    stamper: Path
    document_signer: Path

    @property
    def requests(self) -> list[Path]:
        """Returns them in the order of the profiles."""
        return [self.issuer, self.stamper, self.document_signer]


def _ask(file: Path, name: str = "") -> Asked:
    return Asked(file, *subordination.request(file, name, ECDSA_P256_SHA256))


@pytest.fixture
def root() -> BanksCa:
    return BanksCa.root()


@pytest.fixture
def root_file(root: BanksCa, tmp_path: Path) -> Path:
    return root.write(tmp_path / "root.pem")


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return _ask(tmp_path / "authority.json", "某银行")


def _complete(asked: Asked, ca: BanksCa, root_file: Path) -> keyfile.Keys:
    return subordination.complete(
        asked.file, root_file, [ca.issue(request) for request in asked.requests]
    )


def _command(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["authority", *map(str, arguments)])


def test_the_whole_way_at_the_command_line(root: BanksCa, root_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "authority.json"
    requested = _command("request", file, "--name", "某银行")
    assert requested.exit_code == 0, requested.stderr
    requests = [Path(line) for line in requested.stdout.splitlines()]
    assert [each.name for each in requests] == [
        "authority-issuer.csr",
        "authority-stamper.csr",
        "authority-document-signer.csr",
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AuthorityError, match="not in it yet"):
        keyfile.load(file)
    issued = [root.issue(each) for each in requests]
    half = _command("complete", file, "--root", root_file, issued[0])
    assert half.exit_code == 1
    told = "cannot be completed: stamper: no certificate for its key was given"
    assert told in " ".join(half.stderr.split())
    completed = _command("complete", file, "--root", root_file, *issued)
    assert completed.exit_code == 0, completed.stderr
    assert completed.stdout.count(" until ") == 3
    assert file.stat().st_mode & 0o777 == 0o600
    assert not json.loads(file.read_text())["root"]["key"]
    printed = _command("root", file)
    assert printed.stdout == root_file.read_text()
    authority = Authority(keyfile.load(file))
    signature = asyncio.run(authority.sign(_CONTENT, _occasion()))
    authority.verify(signature.cms, _CONTENT)


def test_the_requests_ask_for_what_the_built_in_authority_issues(
    asked: Asked, authority: Path
) -> None:
    built_in = keyfile.load(authority)
    for request, name in zip(asked.requests, certificates.PROFILES, strict=True):
        wanted = x509.load_pem_x509_csr(request.read_bytes())
        made = built_in.signers[name].certificate
        assert list(wanted.extensions) == [
            each
            for each in made.extensions
            if not isinstance(each.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier)
        ]
    assert (
        "某银行时间戳"
        in x509.load_pem_x509_csr(asked.stamper.read_bytes()).subject.rfc4514_string()
    )


async def test_openssl_verifies_by_the_banks_root_through_an_authority_between(
    root: BanksCa, root_file: Path, asked: Asked, tmp_path: Path
) -> None:
    between = root.below("某银行业务", path_length=1)
    bundle = tmp_path / "between.pem"
    bundle.write_bytes(
        b"".join(each.certificate.public_bytes(Encoding.PEM) for each in (between, root))
    )
    issued = [between.issue(request) for request in asked.requests]
    keys = subordination.complete(asked.file, root_file, [*issued, bundle])
    assert keys.intermediates == (between.certificate,)
    authority = Authority(keyfile.load(asked.file))
    signature = await authority.sign(_CONTENT, _occasion())
    (tmp_path / "content").write_bytes(_CONTENT)
    (tmp_path / "signature").write_bytes(signature.cms)
    (tmp_path / "value").write_bytes(cms.value_of(signature.cms))
    (tmp_path / "token").write_bytes(cms.token_of(signature.cms))
    for arguments in (
        (
            "cms -verify -binary -inform DER -purpose any -cades -CAfile root.pem"
            " -in signature -content content -out out"
        ),
        "ts -verify -data value -token_in -in token -CAfile root.pem",
    ):
        verified = await asyncio.to_thread(
            subprocess.run,
            ["openssl", *arguments.split()],
            check=False,
            capture_output=True,
            cwd=tmp_path,
        )
        assert verified.returncode == 0, verified.stderr


_NO_CA = extension(x509.BasicConstraints(ca=False, path_length=None))
_CA = extension(x509.BasicConstraints(ca=True, path_length=0))
_SERVERS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
_STAMPS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])


@dataclass(frozen=True)
class Wrong:
    """What the bank's authority does wrong about one certificate, and what is said of it."""

    name: str
    which: Callable[[Asked], Path]
    issue: Callable[[BanksCa, Path], Path]
    sentence: str


def _issuer(asked: Asked) -> Path:
    return asked.issuer


def _stamper(asked: Asked) -> Path:
    return asked.stamper


def _document_signer(asked: Asked) -> Path:
    return asked.document_signer


WRONG = (
    Wrong(
        "another key",
        _stamper,
        lambda ca, request: ca.issue(request, public_key=_OTHER_KEY),
        r"stamper: no certificate for its key was given \(authority-stamper.pem: of another key\)",
    ),
    Wrong(
        "another root",
        _document_signer,
        lambda _, request: BanksCa.root("某银行根").issue(request),
        r"document_signer \(authority-document-signer.pem\): it does not lead to the given root",
    ),
    Wrong(
        "expired",
        _issuer,
        lambda ca, request: ca.issue(request, days=(-30, -1)),
        r"issuer \(authority-issuer.pem\): it was valid until 20\d\d-",
    ),
    Wrong(
        "not valid yet",
        _issuer,
        lambda ca, request: ca.issue(request, days=(1, 30)),
        r"issuer \(authority-issuer.pem\): it is valid from 20\d\d-",
    ),
    Wrong(
        "an issuer without the CA flag",
        _issuer,
        lambda ca, request: ca.issue(request, changed=[_NO_CA]),
        "it may issue no certificates",
    ),
    Wrong(
        "an issuer without key usage",
        _issuer,
        lambda ca, request: ca.issue(request, without=(x509.KeyUsage,)),
        "it may issue no certificates",
    ),
    Wrong(
        "a signer with the CA flag",
        _document_signer,
        lambda ca, request: ca.issue(request, changed=[_CA]),
        "its basic constraints must not say CA",
    ),
    Wrong(
        "a signer without key usage",
        _document_signer,
        lambda ca, request: ca.issue(request, without=(x509.KeyUsage,)),
        "its key usage has to be digitalSignature and contentCommitment",
    ),
    Wrong(
        "a signer for TLS",
        _document_signer,
        lambda ca, request: ca.issue(request, changed=[extension(_SERVERS)]),
        "does not allow to sign documents",
    ),
    Wrong(
        "a stamper without its purpose",
        _stamper,
        lambda ca, request: ca.issue(request, without=(x509.ExtendedKeyUsage,)),
        "has to be timeStamping alone, and critical",
    ),
    Wrong(
        "a stamper whose purpose is not critical",
        _stamper,
        lambda ca, request: ca.issue(request, changed=[extension(_STAMPS, critical=False)]),
        "has to be timeStamping alone, and critical",
    ),
    Wrong(
        "an old algorithm",
        _stamper,
        lambda ca, request: ca.issue(request, hashed=hashes.SHA224()),
        "signed with an algorithm that is not accepted",
    ),
)


@pytest.mark.parametrize("wrong", WRONG, ids=[each.name for each in WRONG])
def test_a_wrong_certificate_is_refused_in_a_sentence_and_nothing_is_changed(
    root: BanksCa, root_file: Path, asked: Asked, wrong: Wrong
) -> None:
    before = asked.file.read_bytes()
    issued = [
        wrong.issue(root, each) if each == wrong.which(asked) else root.issue(each)
        for each in asked.requests
    ]
    with pytest.raises(AuthorityError, match=wrong.sentence) as caught:
        subordination.complete(asked.file, root_file, issued)
    assert "PRIVATE" not in str(caught.value)
    assert len(caught.value.faults) == 1
    assert asked.file.read_bytes() == before


def test_every_fault_is_told_at_once(root: BanksCa, root_file: Path, asked: Asked) -> None:
    issued = [
        root.issue(asked.issuer, changed=[_NO_CA], days=(-3, -2)),
        root.issue(asked.stamper, without=(x509.ExtendedKeyUsage,)),
    ]
    with pytest.raises(AuthorityError) as caught:
        subordination.complete(asked.file, root_file, issued)
    assert len(caught.value.faults) == 4


def test_what_was_given_by_mistake_is_told(
    root: BanksCa, root_file: Path, asked: Asked, tmp_path: Path
) -> None:
    issued = [root.issue(request) for request in asked.requests]
    stray = BanksCa.root("别家").write(tmp_path / "stray.pem")
    with pytest.raises(AuthorityError, match=r"stray.pem: its key is none of those"):
        subordination.complete(asked.file, root_file, [*issued, stray])
    again = root.issue(asked.stamper, to=tmp_path / "again.pem")
    with pytest.raises(AuthorityError, match="two certificates were given"):
        subordination.complete(asked.file, root_file, [*issued, again])
    with pytest.raises(AuthorityError, match="no certificates in PEM"):
        subordination.complete(asked.file, root_file, [*issued, asked.stamper])


def test_a_root_that_is_none_or_lets_nobody_issue_below_is_told(
    asked: Asked, tmp_path: Path
) -> None:
    root = BanksCa.root(path_length=0)
    with pytest.raises(AuthorityError, match="issue none to issuers"):
        _complete(asked, root, root.write(tmp_path / "root.pem"))
    between = BanksCa.root().below("某银行业务")
    with pytest.raises(AuthorityError, match="it is no root: somebody else issued it"):
        _complete(asked, between, between.write(tmp_path / "between.pem"))
    many = tmp_path / "many.pem"
    many.write_bytes(2 * root.certificate.public_bytes(Encoding.PEM))
    with pytest.raises(AuthorityError, match="more than one certificate"):
        _complete(asked, root, many)


async def test_a_renewal_for_the_same_keys_leaves_what_was_signed_before(
    root: BanksCa, root_file: Path, asked: Asked, tmp_path: Path
) -> None:
    before = Authority(_complete(asked, root, root_file))
    signature = await before.sign(_CONTENT, _occasion())
    # One of them alone; the request is the same, written once more.
    asked.stamper.unlink()
    assert _ask(asked.file).requests == asked.requests
    newer = root.issue(asked.stamper, to=tmp_path / "newer.pem", days=(-1, 1000))
    subordination.complete(asked.file, root_file, [newer])
    # Then all, by another authority of the bank's.
    between = root.below("某银行业务")
    issued = [between.issue(request) for request in asked.requests]
    subordination.complete(asked.file, root_file, [*issued, between.write(tmp_path / "b.pem")])
    after = Authority(keyfile.load(asked.file))
    assert after.knows(before.fingerprint)
    assert after.fingerprint == before.fingerprint
    after.verify(signature.cms, _CONTENT)
    after.verify((await after.sign(_CONTENT, _occasion())).cms, _CONTENT)


async def test_a_root_renewed_for_its_key_leaves_what_was_signed_before_it_was(
    root: BanksCa, root_file: Path, asked: Asked, tmp_path: Path
) -> None:
    before = Authority(_complete(asked, root, root_file))
    earlier = datetime.now(UTC) - timedelta(hours=1)
    signature = await before.sign(_CONTENT, replace(_occasion(), time=earlier))
    newer = BanksCa.root(key=root.key, days=(-0.01, 7000))
    keys = subordination.complete(asked.file, newer.write(tmp_path / "newer.pem"), [])
    assert keys.former_roots == (root.certificate,)
    after = Authority(keyfile.load(asked.file))
    assert after.knows(before.fingerprint)
    after.verify(signature.cms, _CONTENT)
    after.verify((await after.sign(_CONTENT, _occasion())).cms, _CONTENT)


async def test_another_root_is_taken_with_all_its_certificates_and_the_former_is_kept(
    root: BanksCa, root_file: Path, asked: Asked, tmp_path: Path
) -> None:
    before = Authority(_complete(asked, root, root_file))
    signature = await before.sign(_CONTENT, _occasion())
    newer = BanksCa.root()
    newer_file = newer.write(tmp_path / "newer.pem")
    issued = [newer.issue(request) for request in asked.requests]
    with pytest.raises(AuthorityError, match=r"document_signer.*does not lead"):
        subordination.complete(asked.file, newer_file, issued[:2])
    subordination.complete(asked.file, newer_file, issued)
    after = Authority(keyfile.load(asked.file))
    assert after.knows(before.fingerprint)
    assert after.fingerprint != before.fingerprint
    after.verify(signature.cms, _CONTENT)


async def test_a_built_in_authority_goes_below_the_banks_root_with_its_keys(
    root: BanksCa, root_file: Path, authority: Path, tmp_path: Path
) -> None:
    built_in = Authority(keyfile.load(authority))
    signature = await built_in.sign(_CONTENT, _occasion())
    file = tmp_path / "authority.json"
    shutil.copy(authority, file)
    with pytest.raises(AuthorityError, match="its name is 示范银行"):
        _ask(file, "某银行")
    asked = _ask(file)
    assert keyfile.load(file).root == keyfile.load(authority).root
    keys = _complete(asked, root, root_file)
    assert keys.former_roots == (keyfile.load(authority).root,)
    after = Authority(keyfile.load(file))
    assert after.knows(built_in.fingerprint)
    after.verify(signature.cms, _CONTENT)


async def test_another_authority_below_the_same_root_is_another_one_unless_it_was_here(
    root: BanksCa, root_file: Path, asked: Asked, tmp_path: Path
) -> None:
    ours = Authority(_complete(asked, root, root_file))
    (tmp_path / "new").mkdir()
    replacing = _ask(tmp_path / "new" / "authority.json", "某银行")
    new = Authority(_complete(replacing, root, root_file))
    signature = await ours.sign(_CONTENT, _occasion())
    with pytest.raises(Broken, match="by another authority"):
        new.verify(signature.cms, _CONTENT)
    assert not new.knows(ours.fingerprint)
    issuer = asked.issuer.with_suffix(".pem")
    heir = Authority(subordination.complete(replacing.file, root_file, [], [issuer]))
    assert heir.knows(ours.fingerprint)
    heir.verify(signature.cms, _CONTENT)
    assert Authority(keyfile.load(replacing.file)).knows(new.fingerprint)


async def test_nothing_is_signed_with_a_certificate_whose_time_is_over(
    root: BanksCa, root_file: Path, asked: Asked
) -> None:
    authority = Authority(_complete(asked, root, root_file))
    late = datetime.now(UTC) + timedelta(days=800)
    with pytest.raises(StampRefused, match="not valid"):
        await authority.sign_document(hashlib.sha256(_CONTENT).digest(), late)
