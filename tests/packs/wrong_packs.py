"""Ways to get a pack wrong, each with the fault that must be told."""

from typing import NamedTuple

FORM = "forms/debit_card_account.v2.yaml"
SCENE = "scenes/debit_card_account.yaml"
LOAN = "forms/consumer_loan.v1.yaml"
LOAN_SCENE = "scenes/consumer_loan.yaml"
REVERSAL = "scenes/reversal.yaml"
AGREEMENT = "agreements/debit_card_account.v2.yaml"


class Wrong(NamedTuple):
    """A change of the demo pack, a part of the message, and how far below the change it points."""

    file: str
    old: str
    new: str
    message: str
    below: int = 0


SHAPE = [
    Wrong("bank.yaml", "code: DEMO", "motto: x\ncode: DEMO", "motto: Extra inputs"),
    Wrong("bank.yaml", "name: 金卡客户, ", "", "tiers.1.name: Field required"),
    Wrong("bank.yaml", "Asia/Shanghai", "Asia/Peking", "no time zone"),
    Wrong("bank.yaml", "Asia/Shanghai", "../../etc/passwd", "no time zone"),
    Wrong("bank.yaml", "name: 示范银行", "name:", "valid string"),
    Wrong("bank.yaml", "rank: 3", "rank: many", "valid integer"),
    Wrong("branches.yaml", "kind: centre", "kind: shop", "'head_office'"),
    Wrong("branches.yaml", '"08:30"', '"8:30"', "written as 09:00"),
    Wrong("branches.yaml", '"17:30"', '"24:00"', "written as 09:00"),
    Wrong("branches.yaml", '"17:30"', '"08:30"', "opens before it closes", -6),
    Wrong("roles.yaml", "- lobby.read", "- lobby read", "pattern"),
    Wrong("staff.yaml", "林晓梅", "林<b>梅", "begins with a letter"),
    Wrong("staff.yaml", "林晓梅", "林晓梅\n    password: x", "password: Extra inputs", 1),
    Wrong("staff.yaml", "roles: [auditor]", "roles: []", "at least 1 item"),
    Wrong("staff.yaml", "customer_number: DEMO", "customer_number: demo", "pattern"),
    Wrong("staff.yaml", "person_id: ", "person_id: x", "valid UUID"),
    Wrong("service_lines.yaml", "last_number: 999", "last_number: 1000", "equal to 999"),
    Wrong("service_lines.yaml", "first_number: 1", "first_number: 0", "equal to 1"),
    Wrong("service_lines.yaml", "last_number: 999", "last_number: 0x10", "valid integer"),
    Wrong("vouchers.yaml", "serial_digits: 8", "serial_digits: 19", "equal to 18"),
    Wrong("vouchers.yaml", "kind: blank_card", "kind: security_device", "nothing else has", -2),
    Wrong("policies.yaml", "value: 90\n", "value: soon\n", "not a duration"),
    Wrong("policies.yaml", "value: 10000.00\n", "value: 1.001\n", "not an amount"),
    Wrong("policies.yaml", "value: 10000.00\n", "value: NaN\n", "not an amount"),
    Wrong("policies.yaml", "value: 10000.00\n", "value: -1\n", "not an amount"),
    Wrong("policies.yaml", "value: 1\n", "value: -1\n", "not a whole number"),
    Wrong("policies.yaml", "value: false", "value: no", "true or false"),
    Wrong("policies.yaml", "unit: times", "unit: ounces", "pattern"),
    Wrong(FORM, "type: mobile", "type: telepathy", "'uscc'"),
    Wrong(FORM, "data_class: C2", "data_class: C3", "'C1' or 'C2'"),
    Wrong(FORM, "length_max: 60", "# none", "have a length_max", -4),
    Wrong(FORM, "type: mobile", "type: choice", "A choice has choices", -2),
    Wrong(FORM, "minimum: 0.00", "minimum: 600000", "not above the maximum", -5),
    Wrong(FORM, "key: employer", "key: card_pin", "a secret"),
    Wrong(FORM, "[image/jpeg, image/png]", "[image/svg+xml]", "'image/png'"),
    Wrong(FORM, "max: 5242880", "max: 99999999", "equal to 20971520"),
    Wrong(FORM, "attachments: [customer_photo]", "attachments: []", "1 item"),
    Wrong(SCENE, "claim_lease: 60 s", "claim_lease: 60", "not a duration"),
    Wrong(SCENE, "claim_lease: 60 s", "claim_lease: 0 s", "not between"),
    Wrong(SCENE, "claim_lease: 60 s", f"claim_lease: {'9' * 30} d", "not between"),
    Wrong(SCENE, "evidence: [customer", "evidences: [customer", "evidences: Extra inputs"),
]

NAMES = [
    Wrong("bank.yaml", "code: private", "code: gold", "in line"),
    Wrong("bank.yaml", "rank: 2", "rank: 1", "in line"),
    Wrong("branches.yaml", 'code: "0102"', 'code: "0101"', "in line"),
    Wrong("roles.yaml", "- customer.view", "- lobby.read", "'lobby.read' stands in line"),
    Wrong("staff.yaml", 'staff_number: "100102"', 'staff_number: "100101"', "in line"),
    Wrong("staff.yaml", "[account_opening]", "[account_opening, account_opening]", "already"),
    Wrong("staff.yaml", 'branch: "0101"', 'branch: "0199"', "no branch '0199'"),
    Wrong("staff.yaml", "[auditor]", "[spy]", "no role 'spy'"),
    Wrong("staff.yaml", "[account_opening]", "[juggling]", "no skill group 'juggling'"),
    Wrong("service_lines.yaml", "[platinum, private]", "[royal]", "no tier 'royal'"),
    Wrong("service_lines.yaml", 'branch: "0101"', 'branch: "0199"', "no branch '0199'"),
    Wrong("products.yaml", '"629990"', '"629991"', "no card BIN '629991'"),
    Wrong("products.yaml", "account.v2", "account.v9", "no form 'debit_card_account.v9'"),
    Wrong("vouchers.yaml", "code: security_device", "code: debit_card", "in line"),
    Wrong("vouchers.yaml", '"629990"', '"629991"', "no card BIN '629991'"),
    Wrong(SCENE, "type: debit_card", "type: cheque", "no voucher type 'cheque'"),
    Wrong("policies.yaml", "lobby.recallable_tickets", "lobby.no_show_recalls", "already"),
    Wrong(FORM, "key: employer", "key: mobile", "'mobile' stands in line"),
    Wrong(FORM, "value: male", "value: female", "'female' stands in line"),
    Wrong(FORM, "kind: id_back", "kind: id_front", "'id_front' stands in line"),
    Wrong(FORM, "kind: signature", "kind: applicant", "'applicant' stands in line"),
    Wrong(FORM, "account.v2]", "account.v9]", "no agreement 'debit_card_account.v9'"),
    Wrong(SCENE, "group: account_opening", "group: juggling", "no skill group 'juggling'"),
    Wrong(SCENE, "[C001]", "[C002]", "no branch 'C002'"),
    Wrong(SCENE, "account.v2", "account.v9", "no form 'debit_card_account.v9'"),
    Wrong(SCENE, "id: document_valid", "id: same_person", "'same_person' stands in line"),
]

RULES = [
    Wrong(LOAN, "kind: not_after", "kind: not_above", "rules.7: Input tag 'not_above'"),
    Wrong(LOAN, "subject: interview_date", "subject: wedding", "The form has no field 'wedding'"),
    Wrong(LOAN, "subject: interview_date", "subject: loan_term", "'loan_term' is no date"),
    Wrong(LOAN, "subject: purpose_document", "subject: diary", "no attachment 'diary'"),
    Wrong(LOAN, "other: repayment_account", "other: wallet", "The form has no field 'wallet'"),
    Wrong(LOAN, "other: monthly_income", "other: employer", "'employer' is no amount"),
    Wrong(LOAN, "values: [entrusted]\n    when", "values: [cash]\n    when", "no answer 'cash'"),
    Wrong(LOAN, "above: loans.own", "values: [x], above: loans.own", "either answers or a policy"),
    Wrong("policies.yaml", "loans.consumer_max", "loans.dream", "reads a policy 'loans.dream'"),
]

CONSISTENCY = [
    Wrong("service_lines.yaml", "code: B", "code: A", "Branch 0101 has a line A already"),
    Wrong("service_lines.yaml", "[standard, gold]", "[private]", "another line for the tier"),
    Wrong("service_lines.yaml", 'branch: "0103"', 'branch: "C001"', "serves no customers"),
    Wrong(
        "staff.yaml",
        'name: 周文博\n    branch: "C001"',
        'name: 周文搏\n    branch: "C001"',
        "called 周文博 elsewhere",
    ),
    Wrong(FORM, "kind: id_back", "kind: mobile", "Something else in the form is called 'mobile'"),
    Wrong(FORM, "kind: id_back", "kind: signature", "is called 'signature'"),
    Wrong(FORM, "[signature, customer_photo]", "[selfie]", "no attachment 'selfie'"),
    Wrong(
        FORM,
        "key: employer",
        "key: employer\n        only_when: { field: mobile, values: [a] }",
        "no choice 'mobile'",
        1,
    ),
    Wrong(
        FORM,
        "kind: id_back",
        "kind: id_back\n    only_when: { field: occupation, values: [student, astronaut] }",
        "occupation is never 'astronaut'",
        1,
    ),
    Wrong(
        FORM,
        "kind: applicant",
        "kind: applicant\n    only_when: { field: text_message_notice, values: [maybe] }",
        "text_message_notice is never 'maybe'",
        1,
    ),
    Wrong(FORM, "version: 2", "version: 9", "is forms/debit_card_account.v9.yaml", -1),
    Wrong(AGREEMENT, "version: 2", "version: 9", "is agreements/debit_card_account.v9.yaml", -1),
    Wrong(SCENE, "code: debit_card_account", "code: card", "is scenes/card.yaml"),
    Wrong(SCENE, "[C001]", '["0101"]', "The office 0101 is no centre"),
    Wrong(SCENE, "[customer_photo, id_front]", "[selfie]", "has no 'selfie'"),
    Wrong(SCENE, "form: debit_card_account.v2\n", "", "debit_card_account needs a form", -2),
    Wrong(SCENE, "field: remote_daily_limit", "field: employer", "asks for no amount 'employer'"),
    Wrong(LOAN_SCENE, "booked_amount_field: loan_amount", "booked_amount_field: employer", "no am"),
    Wrong(REVERSAL, "[reason]", "[selfie]", "The content of reversal has no 'selfie'"),
    Wrong(REVERSAL, "code: reversal", "code: reversal\nform: debit_card_account.v2", "has no form"),
    Wrong(SCENE, "[sighting.applicant,", "[sighting.relative,", "has no 'sighting.relative'"),
    Wrong("policies.yaml", "lobby.no_show_recalls", "lobby.bells", "Nothing reads a policy"),
    Wrong("policies.yaml", "unit: times", "unit: min", "is a count, not a duration"),
    Wrong("policies.yaml", "unit: CNY", "unit: USD", "The bank's currency is CNY"),
]

YAML = [
    Wrong("bank.yaml", "code: DEMO", "code: DEMO\ncode: DEMO", "stands here twice", 1),
    Wrong("bank.yaml", "code: DEMO", "code: &a DEMO", "no anchors"),
    Wrong("bank.yaml", "code: DEMO", "code: *a", "no aliases"),
    Wrong("bank.yaml", "code: DEMO", "code: !!str DEMO", "no tags"),
    Wrong("bank.yaml", "code: DEMO", "code: !!python/name:os.system ''", "no tags"),
    Wrong("bank.yaml", "code: DEMO", "? [a]\n: b\ncode: DEMO", "A key is a word"),
    Wrong("bank.yaml", "code: DEMO", "---\ncode: DEMO", "not YAML"),
    Wrong("bank.yaml", "code: DEMO", "\tcode: DEMO", "nobody sees"),
    Wrong("bank.yaml", "code: DEMO", "code: 'DEMO", "not YAML", 16),
    Wrong("bank.yaml", "code: DEMO", f"code: {'[' * 5000}{']' * 5000}", "nests deeper"),
    Wrong("bank.yaml", "示范银行", "示范\u202e银行", "nobody sees"),
    Wrong("bank.yaml", "示范银行", "示范\u200b银行", "nobody sees"),
    Wrong("bank.yaml", "示范银行", "示范\x00银行", "nobody sees"),
    Wrong("bank.yaml", "示范银行", "示范\uffff银行", "control character"),
    Wrong("bank.yaml", "示范银行", r'"\u202e行银"', "nobody sees"),
    Wrong("bank.yaml", "示范银行", r'"\ud800"', "nobody sees"),
    Wrong("bank.yaml", "示范银行", r'"示范\0"', "nobody sees"),
    Wrong("bank.yaml", "示范银行", r'"\UFFFFFFFF"', "no long escapes"),
    Wrong("bank.yaml", "code: DEMO", "code: |99\n  DEMO", "not YAML"),
]
