"""Everything that stands between an application and its submission."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from fingertip_server.applications import answers, checks
from fingertip_server.applications.checks import Filled, Master
from fingertip_server.applications.documents import DocumentPolicy
from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.identifiers import resident_id
from fingertip_server.identifiers.validity import ValidityYears
from fingertip_server.packs.schema_forms import Condition, DataClass, FieldType, Form, FormField
from tests.applications import papers
from tests.applications.paper import ANSWERS
from tests.world import read_demo

TODAY = date(2026, 6, 1)
# The specimen of ICAO Doc 9303 part 4.
ZONE = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"
FORM: Form = next(f for f in read_demo().forms if f.reference == "debit_card_account.v2")
WHOLE = Filled(
    form=FORM,
    answers=ANSWERS,
    attachments=frozenset({"id_front", "id_back", "customer_photo", "signature"}),
    sightings=frozenset({"applicant", "original_document", "signature"}),
    is_signed=True,
    master=Master("王若兰", "190102197805209021", "15420260201"),
    documents=DocumentPolicy(expired_accepted=False, years=ValidityYears()),
    today=TODAY,
    limits=papers.LIMITS,
)


def _check(filled: Filled) -> list[tuple[str, FaultKind]]:
    return [(fault.subject, fault.kind) for fault in checks.check(filled)]


def _with(**given: str) -> Filled:
    return replace(WHOLE, answers={**ANSWERS, **given})


def test_a_complete_application_has_no_fault() -> None:
    assert checks.check(replace(WHOLE, master=None)) == []


def test_an_empty_application_has_all_its_faults_at_once() -> None:
    empty = replace(
        WHOLE, answers={}, attachments=frozenset(), sightings=frozenset(), is_signed=False
    )
    found = checks.check(empty)
    required = [field.key for field in FORM.fields if field.required and field.is_asked({})]
    assert [fault.subject for fault in found] == [
        *required,
        "id_front",
        "id_back",
        "customer_photo",
        "sighting.applicant",
        "sighting.original_document",
        "sighting.signature",
        "signature",
    ]
    assert {fault.kind for fault in found} == {FaultKind.MISSING}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"resident_id": "19010219780520902X"}, ("resident_id", FaultKind.CHECK_DIGIT)),
        ({"resident_id": "19010219780230902X"}, ("resident_id", FaultKind.MALFORMED)),
        ({"mobile": "12345678901"}, ("mobile", FaultKind.MALFORMED)),
        ({"applicant_name": "王\u200b若兰"}, ("applicant_name", FaultKind.MALFORMED)),
        ({"employer": "公" * 101}, ("employer", FaultKind.TOO_LONG)),
        ({"residence_address": "一\n二"}, ("residence_address", FaultKind.MALFORMED)),
        ({"account_class": "class_nine"}, ("account_class", FaultKind.NOT_A_CHOICE)),
        ({"text_message_notice": "ja"}, ("text_message_notice", FaultKind.NOT_A_CHOICE)),
        ({"remote_daily_limit": "1e9"}, ("remote_daily_limit", FaultKind.MALFORMED)),
        ({"remote_daily_limit": "500000.01"}, ("remote_daily_limit", FaultKind.MALFORMED)),
        ({"document_issue_date": "2026-02-30"}, ("document_issue_date", FaultKind.MALFORMED)),
        ({"document_issue_date": "2026-06-02"}, ("document_issue_date", FaultKind.CONTRADICTION)),
        ({"document_issue_date": "1970-01-01"}, ("document_issue_date", FaultKind.CONTRADICTION)),
        ({"document_valid_until": "2026-05-31"}, ("document_valid_until", FaultKind.EXPIRED)),
        ({"document_valid_until": "2010-01-01"}, ("document_valid_until", FaultKind.CONTRADICTION)),
        ({"sex": "male"}, ("sex", FaultKind.CONTRADICTION)),
        (
            {"document_type": "taiwan_residence_permit"},
            ("document_type", FaultKind.CONTRADICTION),
        ),
    ],
)
def test_a_wrong_answer_is_named_with_its_kind(
    given: Mapping[str, str], fault: tuple[str, FaultKind]
) -> None:
    assert fault in _check(_with(**given))


def test_the_last_day_of_a_document_still_counts() -> None:
    found = _check(_with(document_valid_until="2026-06-01"))
    assert ("document_valid_until", FaultKind.EXPIRED) not in found


def test_a_validity_that_the_law_does_not_know_is_a_warning_only() -> None:
    found = checks.check(replace(_with(document_valid_until="2031-06-01"), master=None))
    assert [(fault.kind, fault.hinders) for fault in found] == [(FaultKind.WARNING, False)]


def test_an_expired_document_is_a_warning_where_policy_accepts_it() -> None:
    policy = replace(WHOLE.documents, expired_accepted=True)
    found = _check(replace(_with(document_valid_until="2026-05-31"), documents=policy))
    assert ("document_valid_until", FaultKind.EXPIRED) not in found
    assert ("document_valid_until", FaultKind.WARNING) in found


def test_the_customer_master_is_contradicted_by_name_and_number_and_doubted_by_phone() -> None:
    master = Master("王若男", "190102197805209006", "13800138000")
    assert _check(replace(WHOLE, master=master)) == [
        ("applicant_name", FaultKind.CONTRADICTION),
        ("resident_id", FaultKind.CONTRADICTION),
        ("mobile", FaultKind.WARNING),
    ]


def test_a_master_without_a_number_contradicts_nothing() -> None:
    assert _check(replace(WHOLE, master=Master("", "", ""))) == []


@pytest.mark.parametrize("character", ["\ue863", "\U000f0001"])
def test_a_master_with_a_character_of_its_own_is_doubted_and_contradicts_nothing(
    character: str,
) -> None:
    master = Master(f"王{character}兰", "", "")
    assert _check(replace(WHOLE, master=master)) == [("applicant_name", FaultKind.WARNING)]


def test_a_name_with_a_character_of_its_own_is_refused_with_the_way_on() -> None:
    [fault] = checks.check(replace(_with(applicant_name="王\ue863兰"), master=None))
    assert (fault.subject, fault.kind) == ("applicant_name", FaultKind.MALFORMED)
    assert "自造字" in fault.note
    assert "拼音" in fault.note


def _asking_only_students(form: Form) -> Form:
    """Returns the form, which asks students alone for their employer, back image and signature."""
    condition = Condition(field="occupation", values=("student",))
    asked = {"required": True, "only_when": condition}
    return form.model_copy(
        update={
            "sections": tuple(
                section.model_copy(
                    update={
                        "fields": tuple(
                            field.model_copy(update=asked) if field.key == "employer" else field
                            for field in section.fields
                        )
                    }
                )
                for section in form.sections
            ),
            "attachments": tuple(
                rule.model_copy(update=asked) if rule.kind == "id_back" else rule
                for rule in form.attachments
            ),
            "sightings": tuple(
                sighting.model_copy(update={"only_when": condition})
                if sighting.kind == "signature"
                else sighting
                for sighting in form.sightings
            ),
        }
    )


@pytest.mark.parametrize(
    ("occupation", "employer", "expected"),
    [
        (
            "student",
            "",
            [
                ("employer", FaultKind.MISSING),
                ("id_back", FaultKind.MISSING),
                ("sighting.signature", FaultKind.MISSING),
            ],
        ),
        ("retired", "", []),
        ("retired", "示范大学", [("employer", FaultKind.CONTRADICTION)]),
    ],
)
def test_what_a_form_asks_of_some_is_asked_of_no_others(
    occupation: str, employer: str, expected: list[tuple[str, FaultKind]]
) -> None:
    filled = replace(
        WHOLE,
        form=_asking_only_students(FORM),
        answers={**ANSWERS, "occupation": occupation, "employer": employer},
        attachments=WHOLE.attachments - {"id_back"},
        sightings=WHOLE.sightings - {"signature"},
        master=None,
    )
    assert _check(filled) == expected


@pytest.mark.parametrize("region", ["810000", "820000", "830000"])
def test_a_residence_permit_is_as_good_as_a_card(region: str) -> None:
    body = region + "19780520902"
    number = body + resident_id.check_character(body)
    given = {
        "resident_id": number,
        "document_type": resident_id.document(number).value,
        "document_issue_date": "2024-06-01",
        "document_valid_until": "2029-06-01",
    }
    assert checks.check(replace(_with(**given), master=None)) == []


def test_no_fault_repeats_an_answer() -> None:
    given = dict.fromkeys(ANSWERS, "6225881414207430-X")
    notes = " ".join(fault.note for fault in checks.check(_with(**given)))
    assert "6225" not in notes


def test_dates_at_the_end_of_the_calendar_are_faults_and_nothing_worse() -> None:
    found = _check(_with(document_issue_date="9999-12-31", document_valid_until="9999-12-31"))
    assert ("document_issue_date", FaultKind.CONTRADICTION) in found


def _field(kind: FieldType) -> FormField:
    return FormField(key="it", label="它", type=kind, required=True, data_class=DataClass.C2)


def test_a_code_whose_check_digit_is_wrong_is_confirmed_by_a_person() -> None:
    fault = answers.examine(_field(FieldType.USCC), "91350211M0000XUF46", today=TODAY)
    assert fault == Fault("it", FaultKind.WARNING, fault.note if fault else "")


@pytest.mark.parametrize(
    ("kind", "written", "stored"),
    [
        (FieldType.RESIDENT_ID, " 11010519491231002x ", "11010519491231002X"),
        (FieldType.MOBILE, "+86 138-0013-8000", "13800138000"),
        (FieldType.BANK_CARD, "6225 8814 1420 7430", "6225881414207430"),
        (FieldType.DATE, "２０２６-01-31", "2026-01-31"),
        (FieldType.VALIDITY, "2035.06.15", "2035-06-15"),
        (FieldType.VALIDITY, "长期", "长期"),
        (FieldType.AMOUNT, "1000", "1000.00"),
        (FieldType.USCC, "91110000101623741k", "91110000101623741K"),
        (FieldType.PASSPORT, " l898902c3", "L898902C3"),
        (FieldType.HONG_KONG_MACAU_PERMIT, "h1234567802", "H12345678"),
        (FieldType.TAIWAN_PERMIT, "0123 4567", "01234567"),
        (FieldType.MRZ, f"{ZONE[:44]}\r\n{ZONE[44:].lower()}", ZONE),
        # Wrong answers stay as they were typed.
        (FieldType.MOBILE, "138 0013", "138 0013"),
        (FieldType.BANK_CARD, "6225 8814 1420 7431", "6225 8814 1420 7431"),
    ],
)
def test_an_answer_is_stored_in_its_one_spelling(
    kind: FieldType, written: str, stored: str
) -> None:
    assert answers.to_stored(_field(kind), written, today=TODAY) == stored
