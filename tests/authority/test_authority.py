"""What the authority signs, other programs verify; what is not quite it, nobody does."""

import asyncio
import hashlib
import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fingertip_server.authority import certificates, chains, cms, keyfile, stamps
from fingertip_server.authority.authority import Authority
from fingertip_server.authority.certificates import Occasion, Signer
from fingertip_server.authority.errors import AuthorityError, Broken
from fingertip_server.authority.keyfile import Keys
from fingertip_server.authority.suite import ECDSA_P256_SHA256, RSA_3072_SHA256, Suite

_CONTENT = "申请人自愿申请开立个人银行结算账户。".encode()


def _occasion(content: bytes = _CONTENT) -> Occasion:
    return Occasion(
        pseudonym="e5ca446a-9ce4-522d-ad47-180132000f10",
        organisation="示范银行",
        content_sha256=hashlib.sha256(content).digest(),
        time=datetime.now(UTC),
        valid_for=timedelta(minutes=10),
    )


@pytest.fixture
def keys(authority: Path) -> Keys:
    return keyfile.load(authority)


@pytest.mark.parametrize("suite", [ECDSA_P256_SHA256, RSA_3072_SHA256], ids=lambda each: each.name)
async def test_openssl_verifies_signature_and_time_stamp(
    keys: Keys, tmp_path: Path, suite: Suite
) -> None:
    signature = await Authority(keys, once=suite).sign(_CONTENT, _occasion())
    (tmp_path / "content").write_bytes(_CONTENT)
    (tmp_path / "signature").write_bytes(signature.cms)
    (tmp_path / "value").write_bytes(cms.value_of(signature.cms))
    (tmp_path / "token").write_bytes(cms.token_of(signature.cms))
    (tmp_path / "root").write_text(keyfile.root_in_pem(keys))
    verified = await asyncio.to_thread(
        _openssl,
        tmp_path,
        "cms -verify -binary -inform DER -purpose any -cades -CAfile root"
        " -in signature -content content -out out",
    )
    assert verified.returncode == 0, verified.stderr
    verified = await asyncio.to_thread(
        _openssl, tmp_path, "ts -verify -data value -token_in -in token -CAfile root"
    )
    assert verified.returncode == 0, verified.stderr
    (tmp_path / "content").write_bytes(_CONTENT.replace(b"\xe8\x87\xaa", b"\xe8\x87\xab"))
    verified = await asyncio.to_thread(
        _openssl,
        tmp_path,
        "cms -verify -binary -inform DER -purpose any -CAfile root"
        " -in signature -content content -out out",
    )
    assert verified.returncode != 0


async def test_each_signature_has_a_key_and_a_certificate_of_its_own(keys: Keys) -> None:
    authority = Authority(keys)
    first, second = [await authority.sign(_CONTENT, _occasion()) for _ in range(2)]
    one, other = [cms.verify(each.cms, _CONTENT).certificate for each in (first, second)]
    assert one.public_key() != other.public_key()
    assert one.serial_number != other.serial_number
    assert first.certificate_sha256 == chains.fingerprint(one)


async def test_a_certificate_is_for_one_content_and_for_its_minutes(keys: Keys) -> None:
    authority = Authority(keys)
    signature = await authority.sign(_CONTENT, _occasion())
    verified = cms.verify(signature.cms, _CONTENT)
    stamp = authority.stamp_of(signature.cms)
    authority.require_trusted(verified, _CONTENT, stamp)
    with pytest.raises(Broken, match="another content"):
        authority.require_trusted(verified, _CONTENT + b"!", stamp)
    for off in (timedelta(minutes=11), -timedelta(minutes=2)):
        with pytest.raises(Broken, match="not valid"):
            authority.require_trusted(verified, _CONTENT, replace(stamp, time=stamp.time + off))


async def test_another_authoritys_signature_is_not_trusted(keys: Keys, tmp_path: Path) -> None:
    strangers = keyfile.create(tmp_path / "a.json", suite=ECDSA_P256_SHA256)
    signature = await Authority(strangers).sign(_CONTENT, _occasion())
    with pytest.raises(Broken, match="none that is trusted"):
        Authority(keys).verify(signature.cms, _CONTENT)
    # But for one whose root was here before.
    heir = replace(keys, former_roots=[strangers.root])
    Authority(heir).verify(signature.cms, _CONTENT)
    assert Authority(heir).knows(Authority(strangers).fingerprint)
    assert not Authority(keys).knows(Authority(strangers).fingerprint)


def test_only_an_issuer_issues(keys: Keys) -> None:
    now = datetime.now(UTC)
    anchors = [keys.root]
    for by in (keys.document_signer, keys.stamper):
        forged = certificates.make_customer(_occasion(), by, ECDSA_P256_SHA256.new_key())
        with pytest.raises(Broken, match="may issue none"):
            chains.follow(forged.certificate, [by.certificate], anchors, now)
    below = certificates.make_subordinate(
        certificates.ISSUER, "子", keys.issuer, ECDSA_P256_SHA256.new_key(), now
    )
    forged = certificates.make_customer(_occasion(), below, ECDSA_P256_SHA256.new_key())
    given = [below.certificate, keys.issuer.certificate]
    with pytest.raises(Broken, match="to issuers"):
        chains.follow(forged.certificate, given, anchors, now + timedelta(seconds=1))


def test_a_certificate_of_an_unknown_kind_of_key_issues_nothing(keys: Keys) -> None:
    # As that of a time-stamp authority may be, whose key is for SM2.
    der = keys.issuer.certificate.public_bytes(Encoding.DER)
    foreign = x509.load_der_x509_certificate(
        der.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0209"))
    )
    customer = certificates.make_customer(
        _occasion(), keys.issuer, ECDSA_P256_SHA256.new_key()
    ).certificate
    with pytest.raises(Broken, match="none that is trusted"):
        chains.follow(customer, [foreign], [keys.root], datetime.now(UTC))


async def test_a_time_stamp_is_by_a_certificate_for_time_stamps_alone(keys: Keys) -> None:
    forger = Signer(keys.document_signer.certificate, keys.document_signer.key)
    own = stamps.OwnTimeStamps(forger, [keys.root])
    token = await own.stamp(_CONTENT, datetime.now(UTC))
    with pytest.raises(Broken, match="no time-stamps"):
        stamps.verify(token, _CONTENT, keys.anchors)


def test_the_file_is_its_owners_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "authority.json"
    keyfile.create(path, suite=ECDSA_P256_SHA256)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AuthorityError, match="never replaced"):
        keyfile.create(path, suite=ECDSA_P256_SHA256)
    path.chmod(0o640)
    with pytest.raises(AuthorityError, match="others may use it"):
        keyfile.load(path)


def test_a_wrong_file_is_refused_and_no_key_is_told(tmp_path: Path) -> None:
    path = tmp_path / "authority.json"
    keyfile.create(path, suite=ECDSA_P256_SHA256)
    content = json.loads(path.read_text())
    content["stamper"]["certificate"] = content["root"]["certificate"]
    content["colour"] = "red"
    path.write_text(json.dumps(content))
    with pytest.raises(AuthorityError) as caught:
        keyfile.load(path)
    assert "stamper: is no certificate with its key" in str(caught.value)
    assert "colour" in str(caught.value)
    assert "PRIVATE" not in str(caught.value)
    with pytest.raises(AuthorityError, match="cannot be read"):
        keyfile.load(tmp_path / "absent.json")


def _openssl(folder: Path, arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["openssl", *arguments.split()],  # noqa: S607 - whichever is there
        check=False,
        capture_output=True,
        cwd=folder,
    )
