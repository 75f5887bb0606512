"""In what the bank's books and ours may differ."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fingertip_server.fulfilment.comparing import Kind, Ours, Theirs, compare
from fingertip_server.fulfilment.hooks import Booked
from fingertip_server.fulfilment.states import State

BOOKED = Booked(b"h" * 32, "C1", "CORE-1", "6299900000000000004")
OURS = Ours(State.DONE, "test.act", BOOKED)
THEIRS = Theirs("test.act", BOOKED)
YUAN = ("CNY", Decimal(100))


def other(**changed: object) -> Theirs:
    return replace(THEIRS, booked=replace(BOOKED, **changed))  # type: ignore[arg-type]


ASKED = replace(
    OURS, state=State.UNKNOWN, booked=replace(BOOKED, core_reference="", account_number="")
)
WITH_AMOUNT = replace(OURS, booked=replace(BOOKED, amount=YUAN))


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        (OURS, [THEIRS], set()),
        (None, [THEIRS], {Kind.NOT_ASKED}),
        (None, [], set()),
        (None, [THEIRS, other(core_reference="2")], {Kind.NOT_ASKED, Kind.BOOKED_TWICE}),
        *[
            (replace(ASKED, state=state), [THEIRS], {Kind.NOT_DONE})
            for state in State
            if state is not State.DONE
        ],
        (replace(OURS, booked=None), [other(customer_number="C2")], set()),
        (OURS, [replace(THEIRS, work_kind="test.other")], {Kind.WORK_KIND}),
        (OURS, [other(content_hash=b"x" * 32)], {Kind.CONTENT}),
        (OURS, [other(customer_number="C2")], {Kind.CUSTOMER}),
        (OURS, [other(account_number="6299900000000000012")], {Kind.ACCOUNT}),
        (OURS, [other(account_number="")], {Kind.ACCOUNT}),
        (OURS, [other(core_reference="CORE-2")], {Kind.REFERENCE}),
        (WITH_AMOUNT, [other(amount=YUAN)], set()),
        (WITH_AMOUNT, [other(amount=("CNY", Decimal("100.01")))], {Kind.AMOUNT}),
        (WITH_AMOUNT, [other(amount=("USD", Decimal(100)))], {Kind.AMOUNT}),
        (WITH_AMOUNT, [THEIRS], {Kind.AMOUNT}),
        # Nobody here knows an amount.
        (OURS, [other(amount=YUAN)], set()),
        # Of two bookings one is the right one, and what was asked for is wrong in the other.
        (OURS, [THEIRS, other(core_reference="2")], {Kind.BOOKED_TWICE}),
        (
            OURS,
            [THEIRS, other(core_reference="2", customer_number="C2")],
            {Kind.BOOKED_TWICE, Kind.CUSTOMER},
        ),
        (ASKED, [other(customer_number="C2")], {Kind.NOT_DONE, Kind.CUSTOMER}),
    ],
)
def test_every_kind_is_found(ours: Ours | None, theirs: list[Theirs], found: set[Kind]) -> None:
    assert compare(ours, theirs) == found
    assert compare(ours, theirs, is_due=True) == found


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("is_due", [True, False])
def test_what_is_done_is_missed_when_the_lists_should_have_it(state: State, is_due: bool) -> None:
    lacks = {Kind.NOT_AT_BANK} if state is State.DONE and is_due else set()
    assert compare(replace(OURS, state=state), [], is_due=is_due) == lacks
