"""Machine-readable zones."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingertip_server.identifiers import mrz
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

TODAY = date(2026, 7, 1)
# The specimens of ICAO Doc 9303 parts 4, 5 and 6.
PASSPORT = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10\n"
)
CARD = (
    "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
)
SMALL = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"


@pytest.mark.parametrize(
    ("written", "code", "number"),
    [(PASSPORT, "P", "L898902C3"), (CARD, "I", "D23145890"), (SMALL, "I", "D23145890")],
    ids=["TD3", "TD1", "TD2"],
)
def test_the_specimens_of_the_standard_are_read(written: str, code: str, number: str) -> None:
    zone = mrz.parse(mrz.normalise(written, today=TODAY), today=TODAY)
    assert zone == mrz.Zone(
        document_code=code,
        issuer="UTO",
        document_number=number,
        nationality="UTO",
        birth_date=date(1974, 8, 12),
        sex="female",
        expiry_date=date(2012, 4, 15),
        surname="ERIKSSON",
        given_names="ANNA MARIA",
    )


def test_what_a_keyboard_makes_of_a_zone_is_stored_alike() -> None:
    lower = PASSPORT.lower().replace("\n", " \r\n").replace("<", "\uff1c")
    assert mrz.normalise(lower, today=TODAY) == mrz.normalise(PASSPORT, today=TODAY)


# Of the second line: number, birth, expiry, optional data and the digits over each; the nationality
# and the sex are covered by none, as the standard has it.
@pytest.mark.parametrize("place", [*range(10), *range(13, 20), *range(21, 44)])
def test_each_wrong_digit_is_found(place: int) -> None:
    zone = mrz.normalise(PASSPORT, today=TODAY)
    at = 44 + place
    other = "1" if zone[at] in "0<" else chr(ord(zone[at]) - 1) if zone[at].isdigit() else "7"
    with pytest.raises(IdentifierFault) as refusal:
        mrz.parse(zone[:at] + other + zone[at + 1 :], today=TODAY)
    assert refusal.value.kind in {FaultKind.CHECK_DIGIT, FaultKind.DATE}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", FaultKind.EMPTY),
        ("P<UTO", FaultKind.LENGTH),
        (PASSPORT + "<", FaultKind.LENGTH),
        (PASSPORT.replace("ANNA", "AN-A"), FaultKind.CHARACTERS),
        (PASSPORT.replace("ANNA", "安娜妮雅"), FaultKind.CHARACTERS),
        (PASSPORT.replace("7408122", "7413129"), FaultKind.CHECK_DIGIT),
    ],
)
def test_what_is_no_zone_is_refused_without_repeating_it(value: str, kind: FaultKind) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        mrz.normalise(value, today=TODAY)
    assert refusal.value.kind == kind
    assert "L898" not in str(refusal.value)


def _passport(
    number: str = "L898902C3", birth: str = "740812", expiry: str = "120415", optional: str = ""
) -> str:
    number, optional = number.ljust(9, "<"), optional.ljust(14, "<")
    lower = number + mrz.check_digit(number) + "UTO"
    lower += birth + mrz.check_digit(birth) + "F" + expiry + mrz.check_digit(expiry)
    lower += optional + ("<" if not optional.strip("<") else mrz.check_digit(optional))
    lower += mrz.check_digit(lower[:10] + lower[13:20] + lower[21:])
    return "P<UTOERIKSSON<<ANNA<MARIA".ljust(44, "<") + lower


@pytest.mark.parametrize(
    ("birth", "born"),
    [
        ("260701", date(2026, 7, 1)),
        ("260702", date(1926, 7, 2)),
        ("000229", date(2000, 2, 29)),
        ("7408<<", None),
        ("<<<<<<", None),
    ],
)
def test_a_birth_lies_in_the_past_or_is_not_known(birth: str, born: date | None) -> None:
    assert mrz.parse(_passport(birth=birth), today=TODAY).birth_date == born


@pytest.mark.parametrize(
    ("expiry", "on"),
    [("350101", date(2035, 1, 1)), ("991231", date(1999, 12, 31)), ("750101", date(2075, 1, 1))],
)
def test_an_expiry_is_the_nearer_one(expiry: str, on: date) -> None:
    assert mrz.parse(_passport(expiry=expiry), today=TODAY).expiry_date == on


@pytest.mark.parametrize("birth", ["741301", "740230", "74081A"])
def test_a_day_that_is_none_is_refused(birth: str) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        mrz.parse(_passport(birth=birth), today=TODAY)
    assert refusal.value.kind == FaultKind.DATE


def test_a_long_number_of_a_card_goes_on_in_the_optional_data() -> None:
    # 9303-5: the principal part, a filler in the digit's place, the rest and its digit.
    number = "D23145890734"
    upper = "I<UTO" + number[:9] + "<" + number[9:] + mrz.check_digit(number)
    upper = upper.ljust(30, "<")
    middle = "7408122F1204159UTO" + "<" * 11
    composite = mrz.check_digit(upper[5:] + middle[:7] + middle[8:15] + middle[18:29])
    zone = upper + middle + composite + "ERIKSSON<<ANNA<MARIA".ljust(30, "<")
    assert mrz.parse(zone, today=TODAY).document_number == number


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=9))
def test_every_constructed_zone_is_read(number: str) -> None:
    zone = _passport(number=number, optional="Z1")
    assert mrz.parse(mrz.normalise(zone, today=TODAY), today=TODAY).document_number == number


@given(st.text(max_size=95))
def test_whatever_is_typed_is_a_zone_or_a_fault(value: str) -> None:
    try:
        zone = mrz.normalise(value, today=TODAY)
    except IdentifierFault:
        return
    assert mrz.normalise(zone, today=TODAY) == zone
