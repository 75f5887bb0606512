"""What the simulated bank can do beyond the promises of every bank."""

import json
import os
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from fingertip.customer.v1 import customer_view_pb2 as view
from fingertip_core_banking.bank import NeverSeen, OutcomeUnknown, Refused, Unreachable
from fingertip_core_banking.conformance import content_of
from fingertip_core_banking.simulated import accounts, faults, sections
from fingertip_core_banking.simulated.customers import CustomerFile, CustomerFileFault
from fingertip_core_banking.simulated.faults import Fate, FaultPlan, Faults, Timeout
from tests.core_banking.specimens import CARD_BIN, record, simulated_bank, write_customers
from tests.fulfilment.queue import until

CUSTOMER = "T000001"


@pytest.mark.parametrize(
    ("body", "digit"),
    [("622588141420743", "0"), ("622700720012089779", "0"), ("7992739871", "3"), ("0", "0")],
)
def test_the_check_digit_is_that_of_the_standard(body: str, digit: str) -> None:
    assert accounts.check_digit(body) == digit


def test_an_account_number_follows_from_its_operation() -> None:
    operation_id = UUID("6a2f0a52-2f4e-4a6c-9f0e-0d6c8f1f7a11")
    number = accounts.account_number(CARD_BIN, operation_id)
    assert number == accounts.account_number(CARD_BIN, operation_id)
    assert number != accounts.account_number(CARD_BIN, operation_id, attempt=1)
    assert len(number) == 19
    assert number.startswith(CARD_BIN)
    assert number[-1] == accounts.check_digit(number[:-1])


def test_a_taken_account_number_is_not_given_out_again(tmp_path: Path) -> None:
    _, ledger = simulated_bank(tmp_path)
    operation_id, other = uuid4(), uuid4()
    first = ledger.book(operation_id, "core.open_account", CUSTOMER, "aa", 0.0)
    # As if another operation's number were the same by chance.
    with ledger._opened() as books:  # noqa: SLF001 - the chance is one in 10 ** 12.
        books.execute(
            "UPDATE booking SET account_number = ?", (accounts.account_number(CARD_BIN, other),)
        )
    second = ledger.book(other, "core.open_account", CUSTOMER, "aa", 0.0)
    assert second.account_number == accounts.account_number(CARD_BIN, other, attempt=1)
    assert len({booking.core_reference for booking in (first, second)}) == 2


async def test_the_books_outlive_the_bank(tmp_path: Path) -> None:
    operation_id = uuid4()
    bank, _ = simulated_bank(tmp_path)
    opened = await bank.execute(operation_id, content_of(CUSTOMER, operation_id))
    successor, _ = simulated_bank(tmp_path)
    assert await successor.inquire(operation_id) == opened


async def test_an_operation_with_other_content_is_refused(tmp_path: Path) -> None:
    bank, ledger = simulated_bank(tmp_path)
    operation_id = uuid4()
    await bank.execute(operation_id, content_of(CUSTOMER, operation_id))
    with pytest.raises(Refused, match="OPERATION_REUSED"):
        await bank.execute(operation_id, content_of("T000002", operation_id))
    assert len(ledger.bookings()) == 1


async def test_a_bank_that_acts_late_is_silent_until_then(tmp_path: Path) -> None:
    late = Faults(timeout_rate=1.0, timeout=Timeout.ACTS_LATE, late_s=0.3)
    bank, _ = simulated_bank(tmp_path, late)
    operation_id = uuid4()
    with pytest.raises(OutcomeUnknown):
        await bank.execute(operation_id, content_of(CUSTOMER, operation_id))
    successor, _ = simulated_bank(tmp_path)
    assert await successor.inquire(operation_id) == NeverSeen()

    async def has_acted() -> bool:
        return await successor.inquire(operation_id) != NeverSeen()

    await until(has_acted, seconds=5)


async def test_a_request_that_is_lost_leaves_no_trace(tmp_path: Path) -> None:
    bank, ledger = simulated_bank(tmp_path, Faults(timeout_rate=1.0, timeout=Timeout.NEVER_ACTS))
    operation_id = uuid4()
    with pytest.raises(OutcomeUnknown):
        await bank.execute(operation_id, content_of(CUSTOMER, operation_id))
    assert ledger.bookings() == []


async def test_faults_are_switched_while_the_bank_runs(tmp_path: Path) -> None:
    control_file = tmp_path / "faults.json"
    bank, _ = simulated_bank(tmp_path, control_file=control_file)
    await bank.view_section(CUSTOMER, view.SECTION_KIND_PROFILE)
    control_file.write_text(json.dumps({"view_section": {"failure_rate": 1}}))
    with pytest.raises(Unreachable):
        await bank.view_section(CUSTOMER, view.SECTION_KIND_PROFILE)
    renamed = tmp_path / "faults.new"
    renamed.write_text(json.dumps({"*": {"refusal_rate": 1}, "view_section": {}}))
    os.replace(renamed, control_file)  # noqa: PTH105 - what an operator does.
    await bank.view_section(CUSTOMER, view.SECTION_KIND_PROFILE)
    with pytest.raises(Refused):
        await bank.customers("", 1)


def test_fates_come_at_their_rates_and_in_the_same_order_every_time() -> None:
    faulty = Faults(failure_rate=0.2, refusal_rate=0.1, timeout_rate=0.3)
    fates = [
        [plan.fate("execute") for _ in range(2_000)]
        for plan in (FaultPlan(faulty), FaultPlan(faulty), FaultPlan(faulty, seed="other"))
    ]
    assert fates[0] == fates[1]
    assert fates[0] != fates[2]
    counted = [fates[0].count(fate) for fate in Fate]
    assert counted == pytest.approx([800, 400, 200, 600], rel=0.2)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"execute": {"latency": 1}}',
        '{"execute": 1}',
        '{"*": {"failure_rate": 2}}',
        '{"*": {"late_s": -1}}',
        '{"*": {"timeout": "sometimes"}}',
    ],
)
def test_a_wrong_control_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        faults.parse(text)


def test_sections_follow_from_the_customer() -> None:
    today = date(2026, 3, 31)
    for kind in view.SectionKind.values()[1:]:
        one = sections.section("T000001", kind, CARD_BIN, today)
        assert one == sections.section("T000001", kind, CARD_BIN, today)
    holdings = [
        sections.section(f"T{index}", view.SECTION_KIND_HOLDINGS, CARD_BIN, today).holdings.holdings
        for index in range(100)
    ]
    assert len({str(held) for held in holdings}) == 100
    for held in holdings:
        values = [(holding.balance.units, holding.balance.nanos) for holding in held]
        assert values == sorted(values, reverse=True)


def test_transactions_are_recent_and_newest_first() -> None:
    today = date(2026, 3, 31)
    content = sections.section("T000001", view.SECTION_KIND_TRANSACTIONS, CARD_BIN, today)
    days = [
        date(t.booking_date.year, t.booking_date.month, t.booking_date.day)
        for t in content.transactions.transactions
    ]
    assert len(days) >= 5
    assert days == sorted(days, reverse=True)
    assert all(0 <= (today - day).days < 90 for day in days)


def test_a_later_line_changes_a_customer(tmp_path: Path) -> None:
    path = tmp_path / "customers.jsonl"
    write_customers(path, 3)
    file = CustomerFile(path)
    assert file.customers().number_by_card["6299900000000001"] == CUSTOMER
    with path.open("a", encoding="utf-8") as lines:
        changed = record(1, version=2, card_numbers=["6299920000000001"], resident_id="")
        gone = {"customer_number": "T000002", "version": 2, "deleted": True}
        lines.write(json.dumps(changed) + "\n" + json.dumps(gone) + "\n")
    customers = file.customers()
    assert len(customers.records) == 5
    assert set(customers.by_number) == {"T000001", "T000003"}
    assert customers.number_by_card.get("6299920000000001") == CUSTOMER
    assert "6299900000000001" not in customers.number_by_card
    assert "000101199001010001" not in customers.number_by_resident_id


def test_a_damaged_line_is_named_and_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "customers.jsonl"
    write_customers(path, 2)
    with path.open("a", encoding="utf-8") as lines:
        lines.write('{"customer_number": "T9", "resident": "110101199003070011"}\n')
    with pytest.raises(CustomerFileFault, match=r":3 is not a customer record") as fault:
        CustomerFile(path).customers()
    assert "110101199003070011" not in str(fault.value)
    assert fault.value.__suppress_context__
