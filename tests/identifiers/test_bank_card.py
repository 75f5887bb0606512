"""Bank card numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingertip_server.identifiers import bank_card
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

numbers = st.text("0123456789", min_size=15, max_size=18).map(
    lambda body: body + bank_card.check_digit(body)
)


@pytest.mark.parametrize("number", ["6225881414207430", "6227007200120897790"])
def test_a_valid_card_number_is_returned_as_it_is(number: str) -> None:
    assert bank_card.normalise(number) == number


@pytest.mark.parametrize(
    "written", ["6225 8814 1420 7430", "6225-8814-1420-7430", "\uff16225881414207430\u3000"]
)
def test_grouped_and_full_width_digits_are_stored_alike(written: str) -> None:
    assert bank_card.normalise(written) == "6225881414207430"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", FaultKind.EMPTY),
        ("622588141420743", FaultKind.LENGTH),
        ("62270072001208977900", FaultKind.LENGTH),
        ("622588141420743X", FaultKind.CHARACTERS),
        ("622588141420743\u0660", FaultKind.CHARACTERS),
        ("6225881414207430\n", FaultKind.CHARACTERS),
        ("6225881414207431", FaultKind.CHECK_DIGIT),
        # A company's settlement account number is no card number.
        ("1100101300005300212", FaultKind.CHECK_DIGIT),
    ],
)
def test_what_is_no_card_number_is_refused(value: str, kind: FaultKind) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        bank_card.normalise(value)
    assert refusal.value.kind == kind
    assert "7431" not in str(refusal.value)


@pytest.mark.parametrize(
    ("number", "union_pay"),
    [("6225881414207430", True), ("6011111111111117", True), ("4111111111111111", False)],
)
def test_union_pay_is_known_by_its_ranges(number: str, *, union_pay: bool) -> None:
    assert bank_card.is_union_pay(bank_card.normalise(number)) is union_pay


@given(numbers)
def test_every_constructed_number_validates(number: str) -> None:
    assert bank_card.normalise(number) == number


@given(numbers, st.integers(min_value=0, max_value=18), st.sampled_from("0123456789"))
def test_every_change_of_one_digit_is_caught(number: str, place: int, other: str) -> None:
    place %= len(number)
    changed = number[:place] + other + number[place + 1 :]
    if changed == number:
        return
    with pytest.raises(IdentifierFault):
        bank_card.normalise(changed)
