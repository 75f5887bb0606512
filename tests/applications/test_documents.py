"""What the answers about one person's document say against each other, foreign ones included."""

from dataclasses import replace
from datetime import date

import pytest

from fingertip_server.applications import ages, checks, persons
from fingertip_server.applications.ages import AgePolicy
from fingertip_server.applications.checks import Filled
from fingertip_server.applications.documents import DocumentPolicy
from fingertip_server.applications.faults import FaultKind
from fingertip_server.identifiers import mrz
from fingertip_server.identifiers.validity import ValidityYears
from tests.applications.paper import ANSWERS
from tests.applications.papers import LIMITS
from tests.world import read_demo

_FORM = next(form for form in read_demo().forms if form.reference == "debit_card_account.v2")


def _zone(
    nationality: str = "GBR", sex: str = "F", expiry: str = "300415", birth: str = "740812"
) -> str:
    number = "L898902C3"
    lower = number + mrz.check_digit(number) + nationality + birth + mrz.check_digit(birth) + sex
    lower += expiry + mrz.check_digit(expiry) + "<" * 15
    lower += mrz.check_digit(lower[:10] + lower[13:20] + lower[21:])
    return f"P<{nationality}ERIKSSON<<ANNA<MARIA".ljust(44, "<") + lower


_PASSPORT = {
    **{key: value for key, value in ANSWERS.items() if key != "resident_id"},
    "applicant_name": "ANNA MARIA ERIKSSON",
    "document_type": "passport",
    "passport_number": "L898902C3",
    "passport_mrz": _zone(),
    "birth_date": "1974-08-12",
    "nationality": "gbr",
    "document_issue_date": "2020-04-16",
    "document_valid_until": "2030-04-15",
}
_FOREIGNER = Filled(
    form=_FORM,
    answers=_PASSPORT,
    attachments=frozenset({"id_front", "id_back", "customer_photo", "signature"}),
    sightings=frozenset({"applicant", "original_document", "signature"}),
    is_signed=True,
    master=None,
    documents=DocumentPolicy(expired_accepted=False, years=ValidityYears()),
    today=date(2026, 6, 1),
    limits=LIMITS,
)
_HONG_KONG = {
    **{key: value for key, value in ANSWERS.items() if key != "resident_id"},
    "document_type": "hong_kong_macau_travel_permit",
    "hong_kong_macau_permit": "H12345678",
    "birth_date": "1978-05-20",
}


def _found(**given: str) -> list[tuple[str, FaultKind]]:
    answers = {key: value for key, value in {**_PASSPORT, **given}.items() if value}
    return [
        (fault.subject, fault.kind) for fault in checks.check(replace(_FOREIGNER, answers=answers))
    ]


def test_a_passport_that_agrees_with_its_zone_has_no_fault() -> None:
    assert _found() == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"passport_number": "L898902C4"}, ("passport_number", FaultKind.CONTRADICTION)),
        ({"birth_date": "1974-08-13"}, ("birth_date", FaultKind.CONTRADICTION)),
        ({"sex": "male"}, ("sex", FaultKind.CONTRADICTION)),
        ({"nationality": "usa"}, ("nationality", FaultKind.CONTRADICTION)),
        ({"nationality": "china"}, ("nationality", FaultKind.CONTRADICTION)),
        ({"document_valid_until": "2031-04-15"}, ("document_valid_until", FaultKind.CONTRADICTION)),
        ({"applicant_name": "ANNA ERIKSON"}, ("applicant_name", FaultKind.WARNING)),
        ({"passport_mrz": _zone()[:-1] + "0"}, ("passport_mrz", FaultKind.CHECK_DIGIT)),
        ({"passport_mrz": _zone()[:-1]}, ("passport_mrz", FaultKind.MALFORMED)),
        ({"passport_mrz": ""}, ("passport_mrz", FaultKind.MISSING)),
        ({"passport_number": ""}, ("passport_number", FaultKind.MISSING)),
        ({"birth_date": ""}, ("birth_date", FaultKind.MISSING)),
        # A document that was not shown has no number.
        ({"resident_id": ANSWERS["resident_id"]}, ("resident_id", FaultKind.CONTRADICTION)),
    ],
)
def test_what_contradicts_the_zone_is_named(
    given: dict[str, str], fault: tuple[str, FaultKind]
) -> None:
    assert _found(**given) == [fault]


def test_an_expired_passport_is_expired_by_its_own_zone() -> None:
    zone = _zone(expiry="260531")
    found = _found(passport_mrz=zone, document_valid_until="2026-05-31")
    assert found == [("document_valid_until", FaultKind.EXPIRED)]


@pytest.mark.parametrize(
    ("zone", "nationality"), [("D<<", "deu"), ("CHN", "china"), ("VNM", "vnm")]
)
def test_regions_of_zones_are_those_of_the_form(zone: str, nationality: str) -> None:
    assert _found(passport_mrz=_zone(nationality=zone), nationality=nationality) == []


@pytest.mark.parametrize("name", ["Eriksson, Anna-Maria", "MARIA ANNA ERIKSSON", "安娜"])
def test_a_name_in_another_order_or_script_is_no_other_name(name: str) -> None:
    assert _found(applicant_name=name) == []


def test_a_travel_permit_needs_a_birth_date_and_no_other_number() -> None:
    assert checks.check(replace(_FOREIGNER, answers=_HONG_KONG)) == []
    taiwan = {**_HONG_KONG, "document_type": "taiwan_travel_permit"}
    found = checks.check(replace(_FOREIGNER, answers=taiwan))
    assert [(fault.subject, fault.kind) for fault in found] == [
        ("hong_kong_macau_permit", FaultKind.CONTRADICTION),
        ("taiwan_permit", FaultKind.MISSING),
    ]


@pytest.mark.parametrize("kind", ["temporary_resident_id_card", "household_register"])
def test_every_document_of_a_citizen_bears_his_one_number(kind: str) -> None:
    answers = {**ANSWERS, "document_type": kind}
    if kind == "household_register":
        del answers["document_issue_date"], answers["document_valid_until"]
    assert checks.check(replace(_FOREIGNER, answers=answers)) == []


@pytest.mark.parametrize("birth", ["<<<<<<", "74<<<<"])
def test_where_the_zone_does_not_know_the_birth_date_the_written_one_counts(birth: str) -> None:
    answers = {**_PASSPORT, "passport_mrz": _zone(birth=birth), "birth_date": "2015-08-12"}
    read = replace(_FOREIGNER, answers=answers).read
    [person] = persons.of(read)
    assert person.birth_date == date(2015, 8, 12)
    limits = AgePolicy(guardian_under=16, household_register_under=16, proxy_from=18)
    assert [fault.kind for fault in ages.faults(read, limits)] == [FaultKind.AGE]
