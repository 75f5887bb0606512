"""The key ring and its file: private, complete, never replaced, readable after any rotation."""

import json
import re
import threading
from pathlib import Path

import pytest

from fingertip_server.protection import keyfile
from fingertip_server.protection.errors import KeyRingError, Unreadable
from fingertip_server.protection.keyring import KeyRing, Purpose
from fingertip_server.protection.sealing import Sealer
from fingertip_server.protection.suite import AES_256_GCM_SHA256, SM4_GCM_SM3


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a key ring was just made."""
    keyfile.create(tmp_path / "keyring.json")
    return tmp_path / "keyring.json"


def rewrite(path: Path, **changes: object) -> None:
    """Changes a key-ring file by hand."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def entry(path: Path, **changes: object) -> dict[str, object]:
    """Returns the first version of a key-ring file, changed."""
    first: dict[str, object] = json.loads(path.read_text())["versions"][0]
    return first | changes


def test_a_created_ring_is_private_and_reads_back_the_same(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    ring = keyfile.load(path)
    assert ring.active.number == 1
    assert len(ring.active.master) == 32
    assert ring.fingerprint() == keyfile.load(path).fingerprint()
    assert list(path.parent.iterdir()) == [path]


def test_two_rings_have_different_keys(path: Path, tmp_path: Path) -> None:
    other = keyfile.create(tmp_path / "other.json")
    assert other.active.master != keyfile.load(path).active.master
    assert other.fingerprint() != keyfile.load(path).fingerprint()


def test_an_existing_ring_is_never_replaced(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(KeyRingError, match="never replaced"):
        keyfile.create(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_ring_that_others_may_read_is_refused(path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(KeyRingError, match=re.escape("others may use it (mode 0640")):
        keyfile.load(path)


def test_an_absent_ring_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match="No such file"):
        keyfile.load(tmp_path / "keyring.json")


def test_all_faults_are_told_at_once_and_none_tells_a_key(path: Path) -> None:
    key = entry(path)["key"]
    assert isinstance(key, str)
    path.chmod(0o644)
    rewrite(
        path,
        active=0,
        pin="0000",
        versions=[
            entry(path, suite="ROT13"),
            entry(path, version=2, key=key[:-8]),
            entry(path, version=3, create_time="yesterday"),
        ],
    )
    with pytest.raises(KeyRingError) as caught:
        keyfile.load(path)
    said = str(caught.value)
    for fault in ("mode 0644", "active", "pin", "unknown suite", "not 32 bytes", "create_time"):
        assert fault in said
    assert key[:8] not in said
    assert key[:8] not in repr(caught.value.__cause__)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"active": 2}, "active or the lookup version is not there"),
        ({"lookup": 2}, "active or the lookup version is not there"),
        ({"versions": []}, "active or the lookup version is not there"),
        ({"format": 2}, "format"),
        ({"active": 65536}, "less than or equal to 65535"),
    ],
)
def test_a_ring_that_does_not_hold_together_is_refused(
    path: Path, changes: dict[str, object], fault: str
) -> None:
    rewrite(path, **changes)
    with pytest.raises(KeyRingError, match=fault):
        keyfile.load(path)


def test_a_version_that_is_there_twice_is_refused(path: Path) -> None:
    rewrite(path, versions=[entry(path), entry(path)])
    with pytest.raises(KeyRingError, match="twice"):
        keyfile.load(path)


def test_half_a_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(KeyRingError, match="Invalid JSON"):
        keyfile.load(path)


def test_no_key_shows_in_the_representation_of_a_ring(path: Path) -> None:
    ring = keyfile.load(path)
    assert repr(ring.active.master) not in repr(ring)


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key(path: Path) -> None:
    old = Sealer(keyfile.load(path), Purpose.FIELD).seal(b"place", b"value")
    rotated = keyfile.rotate(path)
    assert path.stat().st_mode & 0o777 == 0o600
    sealer = Sealer(rotated, Purpose.FIELD)
    new = sealer.seal(b"place", b"value")
    assert sealer.open(b"place", old) == sealer.open(b"place", new) == b"value"
    assert (old[:3], new[:3]) == (b"\x01\x00\x01", b"\x01\x00\x02")


def test_a_server_that_has_the_new_version_early_reads_what_others_make_with_it(path: Path) -> None:
    early = keyfile.rotate(path, activate=False)
    assert early.active.number == 1
    activated = keyfile.activate(path, 2)
    made = Sealer(activated, Purpose.FIELD).seal(b"place", b"value")
    assert Sealer(early, Purpose.FIELD).open(b"place", made) == b"value"
    with pytest.raises(KeyRingError, match="no version 3"):
        keyfile.activate(path, 3)


def test_a_rotation_changes_to_the_national_suite(path: Path) -> None:
    old = Sealer(keyfile.load(path), Purpose.FIELD).seal(b"place", b"value")
    ring = keyfile.rotate(path, SM4_GCM_SM3)
    sealer = Sealer(ring, Purpose.FIELD)
    new = sealer.seal(b"place", b"value")
    assert (old[0], new[0]) == (AES_256_GCM_SHA256.number, SM4_GCM_SM3.number)
    assert sealer.open(b"place", old) == sealer.open(b"place", new) == b"value"


def test_what_was_made_with_a_version_that_is_not_here_does_not_open(path: Path) -> None:
    before = keyfile.load(path)
    new = Sealer(keyfile.rotate(path), Purpose.FIELD).seal(b"place", b"value")
    with pytest.raises(Unreadable, match="version 2"):
        Sealer(before, Purpose.FIELD).open(b"place", new)


def test_rotations_at_the_same_time_take_turns(path: Path) -> None:
    threads = [threading.Thread(target=keyfile.rotate, args=(path,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ring = keyfile.load(path)
    assert sorted(ring.versions) == list(range(1, 10))
    assert ring.active.number == 9


def test_the_database_keeps_trusting_a_ring_that_has_grown(path: Path) -> None:
    remembered = keyfile.load(path).fingerprint()
    assert keyfile.rotate(path).mismatches(remembered) == []
    assert keyfile.load(path).mismatches("") == []


def test_the_database_refuses_a_ring_with_another_or_without_a_key(
    path: Path, tmp_path: Path
) -> None:
    remembered = keyfile.rotate(path).fingerprint()
    foreign = keyfile.create(tmp_path / "foreign.json")
    assert foreign.mismatches(remembered) == [
        "version 1 of the key ring is another key",
        "version 2 is missing from the key ring",
    ]


def test_the_keys_of_all_purposes_and_versions_differ(path: Path) -> None:
    ring: KeyRing = keyfile.rotate(path, SM4_GCM_SM3)
    keys = [version.key(purpose) for version in ring for purpose in Purpose]
    assert len({*keys, *(version.master for version in ring)}) == 2 * len(Purpose) + 2
