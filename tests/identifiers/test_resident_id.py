"""Resident identity numbers, GB 11643-1999."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingertip_server.identifiers import resident_id
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

TODAY = date(2026, 3, 1)

numbers = st.builds(
    lambda region, born, sequence: f"{region:06d}{born:%Y%m%d}{sequence:03d}",
    st.integers(min_value=0, max_value=999_999),
    st.dates(min_value=date(1000, 1, 1), max_value=TODAY),
    st.integers(min_value=0, max_value=999),
).map(lambda body: body + resident_id.check_character(body))


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",
        "440524188001010014",
        "34052419800101001X",
        "110101195001010113",
        "11010120040229021X",
        "11010119850615006X",
    ],
)
def test_a_valid_number_is_returned_as_it_is(number: str) -> None:
    assert resident_id.normalise(number, today=TODAY) == number


@pytest.mark.parametrize(
    "written",
    [
        "11010519491231002x",
        " 110105 19491231 002x ",
        "110105-19491231-002X",
        "110105194912310\uff10\uff12\uff38",
        "\u300011010519491231002\uff58",
    ],
)
def test_the_ways_of_writing_a_number_are_stored_alike(written: str) -> None:
    assert resident_id.normalise(written, today=TODAY) == "11010519491231002X"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", FaultKind.EMPTY),
        (" - ", FaultKind.EMPTY),
        ("11010519491231002", FaultKind.LENGTH),
        ("110105194912310021X", FaultKind.LENGTH),
        ("110105491231002", FaultKind.LENGTH),
        ("1" * 10_000, FaultKind.LENGTH),
        ("1101051949123100X2", FaultKind.CHARACTERS),
        ("11010519491231002Y", FaultKind.CHARACTERS),
        ("11010519491231002\u0425", FaultKind.CHARACTERS),
        ("1101051949123100\u0662X", FaultKind.CHARACTERS),
        ("11010519491231002\x00", FaultKind.CHARACTERS),
        ("11010519491231\u200b02X", FaultKind.CHARACTERS),
        ("110101202302290210", FaultKind.DATE),
        ("110101190002290210", FaultKind.DATE),
        ("110101198513010060", FaultKind.DATE),
        ("110101000001010060", FaultKind.DATE),
        ("110101202603020060", FaultKind.FUTURE_DATE),
        ("110101999912310060", FaultKind.FUTURE_DATE),
        ("110105194912310021", FaultKind.CHECK_DIGIT),
    ],
)
def test_a_wrong_number_is_refused_with_its_kind(value: str, kind: FaultKind) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        resident_id.normalise(value, today=TODAY)
    assert refusal.value.kind == kind


def test_a_refusal_never_repeats_the_number() -> None:
    with pytest.raises(IdentifierFault) as refusal:
        resident_id.normalise("110105194912310021", today=TODAY)
    assert "1101" not in str(refusal.value) + repr(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_child_born_today_has_a_number() -> None:
    body = f"110101{TODAY:%Y%m%d}001"
    resident_id.normalise(body + resident_id.check_character(body), today=TODAY)


@pytest.mark.parametrize(
    ("region", "document"),
    [
        ("810000", resident_id.Document.HONG_KONG_RESIDENCE_PERMIT),
        ("820000", resident_id.Document.MACAU_RESIDENCE_PERMIT),
        ("830000", resident_id.Document.TAIWAN_RESIDENCE_PERMIT),
        ("110101", resident_id.Document.RESIDENT_ID_CARD),
        ("999999", resident_id.Document.RESIDENT_ID_CARD),
    ],
)
def test_residence_permits_are_told_from_identity_cards(
    region: str, document: resident_id.Document
) -> None:
    body = f"{region}19900307901"
    number = resident_id.normalise(body + resident_id.check_character(body), today=TODAY)
    assert resident_id.document(number) == document


@pytest.mark.parametrize(
    ("number", "born", "sex", "age"),
    [
        ("11010519491231002X", date(1949, 12, 31), resident_id.Sex.FEMALE, 76),
        ("440524188001010014", date(1880, 1, 1), resident_id.Sex.MALE, 146),
        ("34052419800101001X", date(1980, 1, 1), resident_id.Sex.MALE, 46),
        ("11010120040229021X", date(2004, 2, 29), resident_id.Sex.MALE, 22),
        ("11010119850615006X", date(1985, 6, 15), resident_id.Sex.FEMALE, 40),
    ],
)
def test_birth_date_sex_and_age_are_read_from_the_number(
    number: str, born: date, sex: resident_id.Sex, age: int
) -> None:
    assert resident_id.birth_date(number) == born
    assert resident_id.sex(number) == sex
    assert resident_id.age(number, today=TODAY) == age


@pytest.mark.parametrize(
    ("today", "age"),
    [(date(2022, 2, 27), 17), (date(2022, 2, 28), 18), (date(2024, 2, 28), 19)],
)
def test_a_leap_day_child_grows_older_on_the_last_of_february(today: date, age: int) -> None:
    assert resident_id.age("11010120040229021X", today=today) == age


def test_a_legacy_number_is_upgraded_for_display() -> None:
    assert resident_id.upgrade_legacy("110105491231002") == "11010519491231002X"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("11010549123100", FaultKind.CHARACTERS),
        ("11010549123100X", FaultKind.CHARACTERS),
        ("110105490229002", FaultKind.DATE),
    ],
)
def test_a_wrong_legacy_number_is_refused(value: str, kind: FaultKind) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        resident_id.upgrade_legacy(value)
    assert refusal.value.kind == kind


@given(numbers)
def test_every_constructed_number_validates(number: str) -> None:
    assert resident_id.normalise(number, today=TODAY) == number
    assert resident_id.normalise(number.lower(), today=TODAY) == number


@given(numbers, st.integers(min_value=0, max_value=17), st.sampled_from("0123456789X"))
def test_every_change_of_one_character_is_caught(number: str, place: int, other: str) -> None:
    changed = number[:place] + other + number[place + 1 :]
    if changed == number:
        return
    with pytest.raises(IdentifierFault):
        resident_id.normalise(changed, today=TODAY)


@given(numbers, st.integers(min_value=0, max_value=16))
def test_every_swap_of_neighbours_is_caught(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped == number:
        return
    with pytest.raises(IdentifierFault):
        resident_id.normalise(swapped, today=TODAY)


@given(st.text(max_size=40))
def test_any_text_is_normalised_or_refused_and_normal_forms_stay(value: str) -> None:
    try:
        number = resident_id.normalise(value, today=TODAY)
    except IdentifierFault:
        return
    assert resident_id.normalise(number, today=TODAY) == number
