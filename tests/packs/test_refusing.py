"""A wrong pack is refused whole, with file, line and reason of every fault."""

import os
import re
import shutil
from pathlib import Path

import pytest

from fingertip_server.packs import DEMO, reading
from fingertip_server.packs.faults import Fault, PackRefused
from tests.packs import folders, wrong_packs
from tests.packs.wrong_packs import FORM, SCENE, Wrong


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return folders.copy_demo(tmp_path)


def _faults(pack: Path) -> list[Fault]:
    with pytest.raises(PackRefused) as refusal:
        reading.read_pack(pack)
    return refusal.value.faults


def _must_tell(pack: Path, wrong: Wrong) -> None:
    line = folders.change(pack, wrong.file, wrong.old, wrong.new) + wrong.below
    faults = _faults(pack)
    assert any(
        fault.file == wrong.file and fault.line == line and wrong.message in fault.message
        for fault in faults
    ), f"expected line {line} of {wrong.file} among:\n" + "\n".join(map(str, faults))


@pytest.mark.parametrize("wrong", wrong_packs.SHAPE, ids=lambda wrong: wrong.new[:40])
def test_a_value_of_the_wrong_shape_is_told(pack: Path, wrong: Wrong) -> None:
    _must_tell(pack, wrong)
    assert len(_faults(pack)) <= 2


@pytest.mark.parametrize("wrong", wrong_packs.NAMES, ids=lambda wrong: wrong.new[:40])
def test_a_name_given_twice_or_not_at_all_is_told(pack: Path, wrong: Wrong) -> None:
    _must_tell(pack, wrong)


@pytest.mark.parametrize("wrong", wrong_packs.CONSISTENCY, ids=lambda wrong: wrong.new[:40])
def test_a_contradiction_is_told(pack: Path, wrong: Wrong) -> None:
    _must_tell(pack, wrong)


@pytest.mark.parametrize("wrong", wrong_packs.RULES, ids=lambda wrong: wrong.new[:40])
def test_a_rule_that_its_form_cannot_keep_is_told(pack: Path, wrong: Wrong) -> None:
    _must_tell(pack, wrong)


@pytest.mark.parametrize("wrong", wrong_packs.YAML, ids=lambda wrong: wrong.new[:40])
def test_what_a_pack_does_not_use_of_yaml_is_told(pack: Path, wrong: Wrong) -> None:
    _must_tell(pack, wrong)
    assert len({(fault.file, fault.line) for fault in _faults(pack)}) == 1


def test_every_fault_of_every_file_is_told_at_once(pack: Path) -> None:
    changes = [
        ("bank.yaml", "Asia/Shanghai", "Asia/Peking"),
        ("branches.yaml", "kind: centre", "kind: shop"),
        ("staff.yaml", "skills: [account_opening]", "skills: [juggling]\n    shoe_size: 44"),
        ("staff.yaml", "roles: [auditor]", "roles: [spy]"),
        ("policies.yaml", "value: 90\n", "value: soon\n"),
        (FORM, "data_class: C2", "data_class: C3"),
        (FORM, "value: male", "value: female"),
        (SCENE, "skill_group: account_opening", "skill_group: juggling"),
        ("products.yaml", "card_bin:", "card_bins:"),
    ]
    lines = {(file, folders.change(pack, file, old, new)) for file, old, new in changes}
    lines.add(("staff.yaml", folders.change(pack, "staff.yaml", "shoe_size", "shoe_size")))
    faults = _faults(pack)
    assert lines <= {(fault.file, fault.line) for fault in faults}
    assert len(faults) == len(lines)


def test_a_bad_entry_still_shows_its_dangling_names(pack: Path) -> None:
    folders.change(pack, "staff.yaml", "roles: [auditor]", "roles: [spy]\n    shoe_size: 44")
    messages = [fault.message for fault in _faults(pack)]
    assert any("no role 'spy'" in message for message in messages)
    assert any("shoe_size" in message for message in messages)


def test_a_key_given_twice_hides_no_other_fault(pack: Path) -> None:
    folders.change(pack, "staff.yaml", "roles: [auditor]", "roles: [spy]\n    roles: [auditor]")
    messages = [fault.message for fault in _faults(pack)]
    assert messages == ["There is no role 'spy'.", "The key 'roles' stands here twice."]


def test_what_an_unreadable_file_would_have_given_is_not_held_against_others(pack: Path) -> None:
    for file in ("roles.yaml", "branches.yaml", FORM, SCENE):
        (pack / file).write_text("a: [")
    faults = _faults(pack)
    assert {fault.file for fault in faults} == {"roles.yaml", "branches.yaml", FORM, SCENE}
    assert all("not YAML" in fault.message for fault in faults)


def test_a_folder_without_a_bank_is_no_pack(tmp_path: Path) -> None:
    [fault] = _faults(tmp_path)
    assert (fault.file, fault.message) == (
        "bank.yaml",
        f"{tmp_path} is no pack: it has no bank.yaml.",
    )


def test_a_bank_alone_lacks_every_other_file(tmp_path: Path, pack: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(pack / "bank.yaml", alone)
    faults = [fault for fault in _faults(alone) if "missing" in fault.message]
    assert [fault.file for fault in faults] == [
        "branches.yaml",
        "error_categories.yaml",
        "policies.yaml",
        "products.yaml",
        "roles.yaml",
        "service_lines.yaml",
        "skill_groups.yaml",
        "staff.yaml",
        "vouchers.yaml",
    ]
    assert {(fault.line, fault.message) for fault in faults} == {(0, "The file is missing.")}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("loans.yaml", b"a: b", "no such file"),
        ("forms/old/loan.v1.yaml", b"a: b", "no such file"),
        ("questionnaires/risk.yaml", b"a: b", "no such file"),
        ("staff.xlsx", b"PK", ".yaml files"),
        ("scenes/empty.yaml", b"", "empty"),
        ("scenes/comment.yaml", b"# nothing\n", "empty"),
        ("scenes/latin.yaml", b"a: b\ntitle: \xe9", "not UTF-8"),
        ("scenes/huge.yaml", b"a" * (1024 * 1024 + 1), "larger than"),
    ],
)
def test_a_file_that_is_no_part_of_a_pack_is_told(
    pack: Path, name: str, content: bytes, message: str
) -> None:
    (pack / name).parent.mkdir(parents=True, exist_ok=True)
    (pack / name).write_bytes(content)
    (fault,) = _faults(pack)
    assert fault.file == name
    assert message in fault.message


@pytest.mark.parametrize("content", ["[]", "text", "- code: x"])
def test_a_file_that_is_no_mapping_is_told(pack: Path, content: str) -> None:
    (pack / "products.yaml").write_text(content)
    (fault,) = _faults(pack)
    assert (fault.file, fault.line) == ("products.yaml", 1)


def test_a_branch_without_a_service_line_is_told(pack: Path) -> None:
    text = (pack / "service_lines.yaml").read_text()
    (pack / "service_lines.yaml").write_text(text[: text.index('  - branch: "0103"')])
    (fault,) = _faults(pack)
    assert fault.file == "branches.yaml"
    assert "Branch 0103 has no service line" in fault.message


def test_a_form_without_a_scene_is_told(pack: Path) -> None:
    (pack / SCENE).unlink()
    faults = _faults(pack)
    assert [fault.file for fault in faults] == ["forms/debit_card_account.v1.yaml", FORM]
    assert all("No scene" in fault.message for fault in faults)


def test_two_scenes_for_one_form_are_told(pack: Path) -> None:
    text = (pack / SCENE).read_text().replace("code: debit_card_account", "code: transfer")
    (pack / "scenes/transfer.yaml").write_text(text)
    (fault,) = _faults(pack)
    assert fault.file == "scenes/transfer.yaml"
    assert "already" in fault.message


def test_a_missing_policy_is_told(pack: Path) -> None:
    text = (pack / "policies.yaml").read_text()
    cut = re.sub(r"  - key: lobby\.no_show_recalls\n(    .*\n)+", "", text)
    assert cut != text
    (pack / "policies.yaml").write_text(cut)
    (fault,) = _faults(pack)
    assert "The policy lobby.no_show_recalls is missing." in fault.message


@pytest.mark.parametrize(
    ("right", "misspelt"),
    [
        ("lobby.tickets.issue", "lobby.ticket.issue"),
        ("lobby.arrivals.alerted", "lobby.arrivals.alarmed"),
        ("authorization.tasks.oversee", "authorization.oversee"),
    ],
)
def test_a_permission_that_the_contract_does_not_name_is_told(
    pack: Path, right: str, misspelt: str
) -> None:
    line = folders.change(pack, "roles.yaml", f"- {right}\n", f"- {misspelt}\n")
    faults = [fault for fault in _faults(pack) if "permission" in fault.message]
    assert faults == [Fault("roles.yaml", line, f"There is no permission {misspelt!r}.")]


def test_the_refusal_reads_as_file_line_and_reason(pack: Path) -> None:
    line = folders.change(pack, "bank.yaml", "Asia/Shanghai", "Asia/Peking")
    with pytest.raises(PackRefused) as refusal:
        reading.read_pack(pack)
    assert str(refusal.value).startswith(f"bank.yaml:{line}: time_zone: 'Asia/Peking' is no time")


def test_the_hash_follows_names_and_bytes_and_nothing_else(pack: Path, tmp_path: Path) -> None:
    original = reading.read_pack(pack)
    assert original.sha256 == reading.read_pack(DEMO).sha256
    os.utime(pack / "bank.yaml", (0, 0))
    (pack / ".notes").write_text("left out")
    (pack / "README.md").write_text("left out as well")
    assert reading.read_pack(pack) == original
    folders.change(pack, "bank.yaml", "# The bank", "# A bank")
    assert reading.read_pack(pack).sha256 != original.sha256


def test_numbers_and_words_stay_what_was_written(pack: Path) -> None:
    folders.change(pack, "branches.yaml", 'code: "0101"', "code: 0101")
    folders.change(pack, "branches.yaml", "name: 示范银行总行", "name: 0755")
    head_office, branch, *_ = reading.read_pack(pack).branches
    assert (head_office.name, branch.code) == ("0755", "0101")


def test_files_from_another_system_are_read(pack: Path) -> None:
    text = (pack / "bank.yaml").read_text()
    (pack / "bank.yaml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert reading.read_pack(pack).bank == reading.read_pack(DEMO).bank
