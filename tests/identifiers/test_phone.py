"""Mobile phone numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingertip_server.identifiers import phone
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

numbers = st.from_regex(r"\A1[3-9][0-9]{9}\Z")


@pytest.mark.parametrize(
    "written",
    [
        "13812345678",
        "+8613812345678",
        "+86 138-1234-5678",
        "008613812345678",
        "8613812345678",
        "138 1234 5678",
        "138\u20131234\u00a05678",
        "\uff0b\uff18\uff16\u3000\uff11\uff13\uff18\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
    ],
)
def test_the_ways_of_writing_a_number_are_stored_alike(written: str) -> None:
    assert phone.normalise(written) == "13812345678"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", FaultKind.EMPTY),
        ("+86", FaultKind.LENGTH),
        ("1381234567", FaultKind.LENGTH),
        ("138123456789", FaultKind.LENGTH),
        ("+868613812345678", FaultKind.LENGTH),
        ("+85291234567", FaultKind.LENGTH),
        ("12812345678", FaultKind.CHARACTERS),
        ("23812345678", FaultKind.CHARACTERS),
        ("1381234567a", FaultKind.CHARACTERS),
        ("1381234567\u0968", FaultKind.CHARACTERS),
        ("\u202d13812345678\u202c", FaultKind.LENGTH),
    ],
)
def test_what_is_no_mobile_number_is_refused(value: str, kind: FaultKind) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        phone.normalise(value)
    assert refusal.value.kind == kind


@given(numbers, st.sampled_from(["", "+86", "0086", "86", "+86 "]))
def test_every_number_validates_with_and_without_country_code(number: str, prefix: str) -> None:
    assert phone.normalise(prefix + number) == number


@given(st.text(max_size=30))
def test_any_text_is_normalised_or_refused_and_normal_forms_stay(value: str) -> None:
    try:
        number = phone.normalise(value)
    except IdentifierFault:
        return
    assert phone.normalise(number) == number
