"""Validity of identity documents, 居民身份证法 art. 5."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingertip_server.identifiers import anniversaries, validity
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault
from fingertip_server.identifiers.validity import LONG_TERM

ISSUED = date(2020, 6, 15)


@pytest.mark.parametrize(
    ("born", "expiry"),
    [
        (date(2020, 6, 15), date(2025, 6, 15)),
        (date(2004, 6, 16), date(2025, 6, 15)),
        (date(2004, 6, 15), date(2030, 6, 15)),
        (date(1994, 6, 16), date(2030, 6, 15)),
        (date(1994, 6, 15), date(2040, 6, 15)),
        (date(1974, 6, 16), date(2040, 6, 15)),
        (date(1974, 6, 15), LONG_TERM),
        (date(1920, 1, 1), LONG_TERM),
    ],
)
def test_the_age_at_issue_decides_how_long_a_card_is_valid(
    born: date, expiry: validity.Expiry
) -> None:
    assert validity.expiry_by_law(born, ISSUED) == expiry


def test_a_card_issued_on_a_leap_day_ends_on_the_last_of_february() -> None:
    assert validity.expiry_by_law(date(2010, 1, 1), date(2024, 2, 29)) == date(2029, 2, 28)


def test_the_numbers_of_the_law_can_be_a_policy() -> None:
    years = validity.ValidityYears(under_16=3, from_16_to_25=4, from_26_to_45=6)
    assert validity.expiry_by_law(date(2010, 1, 1), ISSUED, years=years) == date(2023, 6, 15)
    assert validity.expiry_by_law(date(2000, 1, 1), ISSUED, years=years) == date(2024, 6, 15)
    assert validity.expiry_by_law(date(1990, 1, 1), ISSUED, years=years) == date(2026, 6, 15)


def test_a_card_older_than_its_holder_is_refused() -> None:
    with pytest.raises(IdentifierFault) as refusal:
        validity.expiry_by_law(date(2020, 6, 16), ISSUED)
    assert refusal.value.kind == FaultKind.DATE


@pytest.mark.parametrize(
    ("expiry", "expired"),
    [(date(2020, 6, 14), True), (date(2020, 6, 15), False), (LONG_TERM, False)],
)
def test_the_last_day_still_counts_and_long_term_never_ends(
    expiry: validity.Expiry, *, expired: bool
) -> None:
    assert validity.is_expired(expiry, today=ISSUED) is expired


@pytest.mark.parametrize(
    ("written", "expiry"),
    [
        ("长期", LONG_TERM),
        (" 长期 ", LONG_TERM),
        ("2035.06.15", date(2035, 6, 15)),
        ("2035-06-15", date(2035, 6, 15)),
        ("20350615", date(2035, 6, 15)),
        ("\uff12\uff10\uff13\uff15/06/15", date(2035, 6, 15)),
    ],
)
def test_what_stands_on_a_card_is_read(written: str, expiry: validity.Expiry) -> None:
    assert validity.parse_expiry(written) == expiry
    assert validity.parse_expiry(validity.format_expiry(expiry)) == expiry


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("", FaultKind.EMPTY),
        ("2035", FaultKind.CHARACTERS),
        ("2035-06.15", FaultKind.CHARACTERS),
        ("长期有效期", FaultKind.CHARACTERS),
        ("2035-02-29", FaultKind.DATE),
        ("0000-01-01", FaultKind.DATE),
    ],
)
def test_what_is_no_end_of_validity_is_refused(written: str, kind: FaultKind) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        validity.parse_expiry(written)
    assert refusal.value.kind == kind


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(min_value=0, max_value=150))
def test_years_are_complete_on_their_anniversary_and_not_before(start: date, years: int) -> None:
    day = anniversaries.anniversary(start, years)
    assert anniversaries.completed_years(start, day) == years
    eve = date.fromordinal(max(day.toordinal() - 1, 1))
    assert anniversaries.completed_years(start, eve) < years or day == date.min
