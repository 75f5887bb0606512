"""A wrong pack is refused whole, with file, line and reason of every fault."""

from pathlib import Path

import pytest

from fingertip_server.packs import reading
from fingertip_server.packs.faults import Fault, PackRefused
from tests.packs import folders

FORM = "forms/debit_card_account.v1.yaml"
SCENE = "scenes/debit_card_account.yaml"
AGREEMENT = "agreements/debit_card_account.v1.yaml"


def _faults(pack: Path, permissions: set[str] | None = None) -> list[Fault]:
    with pytest.raises(PackRefused) as refusal:
        reading.read_pack(pack, permissions=permissions)
    return refusal.value.faults


# The file, what to replace by what, a text in the line of the one fault, and part of its message.
ONE_FAULT = [
    # Shape.
    ("bank.yaml", "code: DEMO", "code: DEMO\nmotto: x", "motto", "Extra inputs"),
    ("bank.yaml", "code: DEMO\n", "code: DEMO\ncode: DEMO\n", "", "stands here twice"),
    ("bank.yaml", "rank: 1, alert: false", "rank: 1", "gold", "Field required"),
    ("bank.yaml", "Asia/Shanghai", "Asia/Peking", "Asia/Peking", "no time zone"),
    ("bank.yaml", "Asia/Shanghai", "../../etc/passwd", "etc/passwd", "no time zone"),
    ("bank.yaml", '"629990"', '"62999X"', "62999X", "pattern"),
    ("bank.yaml", "rank: 3", "rank: many", "rank: many", "integer"),
    ("branches.yaml", "kind: centre", "kind: callcentre", "callcentre", "kind"),
    ("branches.yaml", '"08:30"', '"8:30"', '"8:30"', "09:00"),
    ("branches.yaml", '"08:30"', '"18:30"', '- code: "0000"', "opens before it closes"),
    ("branches.yaml", '"17:30"', '"25:30"', '"25:30"', "09:00"),
    ("roles.yaml", "- lobby.read", "- lobby read", "lobby read", "pattern"),
    ("staff.yaml", "林晓梅", "林<b>梅", "林<b>梅", "begins with a letter"),
    ("staff.yaml", "roles: [auditor]", "roles: []", "roles: []", "at least 1"),
    ("staff.yaml", "customer_number: DEMO", "customer_number: demo", "demo0", "pattern"),
    ("service_lines.yaml", "last_number: 999", "last_number: 1000", "1000", "999"),
    ("service_lines.yaml", "first_number: 1\n    last_number: 999", "first_number: 9\n    "
     "last_number: 8", 'branch: "0101"', "first number is not above"),
    ("policies.yaml", "value: 90\n", "value: ninety\n", "ninety", "not a duration"),
    ("policies.yaml", "value: 10000.00\n", "value: 10000.001\n", "10000.001", "not an amount"),
    ("policies.yaml", "value: -1\n" if False else "value: 10\n    unit: times",
     "value: -10\n    unit: times", "-10", "whole number"),
    ("policies.yaml", "value: false", "value: no", "value: no", "true or false"),
    ("policies.yaml", "unit: times", "unit: ounces", "ounces", "pattern"),
    (FORM, "type: mobile", "type: telepathy", "telepathy", "type"),
    (FORM, "data_class: C2", "data_class: C3", "C3", "data_class"),
    (FORM, "length_max: 60\n", "", "applicant_name", "length_max"),
    (FORM, "type: resident_id\n", "type: resident_id\n        length_max: 18\n",
     "key: resident_id", "length_max"),
    (FORM, "minimum: 0.00", "minimum: 600000.00", "remote_daily_limit", "not above"),
    (FORM, "key: employer", "key: card_pin", "card_pin", "secret"),
    (FORM, "[image/jpeg, image/png]", "[image/svg+xml]", "svg", "content_types"),
    (FORM, "size_bytes_max: 5242880", "size_bytes_max: 99999999", "99999999", "less than"),
    (FORM, "attachments: [customer_photo]", "attachments: []", "attachments: []", "at least 1"),
    (SCENE, "claim_lease: 60 s", "claim_lease: 60", "claim_lease", "not a duration"),
    (SCENE, "expires_after: 30 min", "expires_after: 0 s", "expires_after", "not between"),
    (SCENE, "expires_after: 30 min", "expires_after: 99999999999 d", "expires_after", "between"),
    (SCENE, "- id: same_person\n    text: 客户现场照与证件人像面为同一人", "- id: same_person",
     "same_person", "Field required"),
    # Names.
    ("bank.yaml", "code: gold", "code: private", "code: private, name: 私人", "line 10 already"),
    ("bank.yaml", "rank: 2", "rank: 3", "rank: 3, alert: true }", ""),
    ("branches.yaml", 'code: "0102"', 'code: "0101"', "", ""),
    ("roles.yaml", "- customer.view", "- customer.look_up", "", "stands in line"),
    ("staff.yaml", '"100102"', '"100101"', "", "stands in line"),
    ("staff.yaml", 'branch: "0101"', 'branch: "0199"', "0199", "no branch '0199'"),
    ("staff.yaml", "roles: [auditor]", "roles: [spy]", "spy", "no role 'spy'"),
    ("staff.yaml", "skills: [account_opening]", "skills: [juggling]", "juggling", "no skill"),
    ("service_lines.yaml", "[platinum, private]", "[platinum, royal]", "royal", "no tier"),
    ("products.yaml", '"629990"', '"629991"', "629991", "no card BIN"),
    ("products.yaml", "debit_card_account.v1", "debit_card_account.v2", "v2", "no form"),
    ("policies.yaml", "key: lobby.recallable_tickets", "key: lobby.no_show_recalls", "", ""),
    (FORM, "key: employer", "key: mobile", "", "stands in line"),
    (FORM, "value: male", "value: female", "", "stands in line"),
    (FORM, "agreements: [debit_card_account.v1]", "agreements: [small_print.v1]", "small_print",
     "no agreement"),
    (SCENE, "skill_group: account_opening", "skill_group: juggling", "juggling", "no skill group"),
    (SCENE, "centres: [C001]", "centres: [C002]", "C002", "no branch 'C002'"),
    (SCENE, "form: debit_card_account.v1", "form: debit_card_account.v9", "v9", "no form"),
    (SCENE, "id: document_valid", "id: same_person", "", "stands in line"),
    # Consistency.
    ("service_lines.yaml", "code: B", "code: A", "", "has a line A already"),
    ("service_lines.yaml", "[standard, gold]", "[standard, private]", "[standard, private]",
     "another line for the tier private"),
    ("service_lines.yaml", 'branch: "0103"\n    code: C', 'branch: "C001"\n    code: C', "C001",
     "serves no customers"),
    ("staff.yaml", "name: 周文博", "name: 周文搏", "name: 周文博", "called 周文搏 elsewhere"),
    (FORM, "kind: id_back", "kind: mobile", "kind: mobile", "is called 'mobile'"),
    (FORM, "kind: id_back", "kind: signature", "kind: signature", "is called 'signature'"),
    (FORM, "attachments: [signature, customer_photo]", "attachments: [selfie]", "selfie",
     "no attachment 'selfie'"),
    (FORM, "version: 1", "version: 2", "code: debit", "the file is forms/debit_card_account.v2"),
    (AGREEMENT, "version: 1", "version: 2", "code: debit", "debit_card_account.v2.yaml"),
    (SCENE, "code: debit_card_account", "code: card", "code: card", "scenes/card.yaml"),
    (SCENE, "centres: [C001]", 'centres: ["0101"]', "0101", "is no centre"),
    (SCENE, "evidence: [customer_photo, id_front]", "evidence: [selfie]", "selfie", "'selfie'"),
    (SCENE, "sighting.applicant", "sighting.relative", "sighting.relative", "sighting.relative"),
    ("policies.yaml", "lobby.no_show_recalls", "lobby.bells", "", ""),
    ("policies.yaml", "value: 3\n    unit: times", "value: 3\n    unit: min", "unit: min", ""),
    ("policies.yaml", "unit: CNY", "unit: USD", "unit: USD", "currency is CNY"),
    # Files.
    ("bank.yaml", "code: DEMO", "code: &a DEMO", "&a", "no anchors"),
    ("bank.yaml", "code: DEMO", "code: *a", "*a", "no aliases"),
    ("bank.yaml", "code: DEMO", "code: !!str DEMO", "!!str", "no tags"),
    ("bank.yaml", "code: DEMO", "code: [", "", "not YAML"),
    ("bank.yaml", "code: DEMO", "code: " + "[" * 5000 + "]" * 5000, "code", "nests deeper"),
    ("bank.yaml", "code: DEMO", "? [a]\n: b\ncode: DEMO", "? [a]", "key is a word"),
    ("bank.yaml", "示范银行", "示范\u202e银行", "银行", "nobody sees"),
    ("bank.yaml", "示范银行", "示范\u200b银行", "银行", "nobody sees"),
    ("bank.yaml", "code: DEMO", "---\ncode: DEMO", "---", "not YAML"),
]
