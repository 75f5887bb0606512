"""What every implementation of `Bank` must keep, as tests to be run against yours.

    import pytest
    from fingertip_core_banking.conformance import BankConformance, Specimen

    class TestOurBank(BankConformance):
        @pytest.fixture
        async def specimen(self):
            yield Specimen(bank=OurBank(...), customer_number="4711", ...)

Needs the extra `conformance` of this distribution. Use a test system of the bank: accounts are
opened in it.
"""
# ruff: noqa: S101 - assert is how pytest tests.

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from google.type.money_pb2 import Money

from fingertip.applications.v1 import identity_pb2 as identity
from fingertip.applications.v1.content_pb2 import ApplicationContent, ReversalContent, SignedForm
from fingertip.customer.v1 import customer_view_pb2 as view
from fingertip.customer.v1.customer_service_pb2 import CustomerRecord
from fingertip.fulfilment.v1.operation_pb2 import BankOperation
from fingertip.fulfilment.v1.work_item_pb2 import ResolveCustomerOrder
from fingertip.screening.v1.screening_service_pb2 import ScreeningEntry
from fingertip_core_banking.bank import (
    Bank,
    Executed,
    IdentityAnswer,
    NeverSeen,
    OutcomeUnknown,
    Refused,
    Unreachable,
)

_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ACCOUNT_NUMBER: Final = re.compile(r"[0-9]{8,32}")
_REFERENCE_LENGTH_MAX: Final = 64
_RECORDS_READ: Final = 500
_PHOTO_BYTES_MAX: Final = 256 * 1024
_KINDS: Final = tuple(kind for kind in view.SectionKind.values() if kind)

FaultSwitch = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Specimen:
    """A bank with what the suite must know of it.

    `customer_number` is a customer's who has `card_number`, `resident_id` and `name`, all of which
    the police's register knows; the unknown ones are nobody's. `list_code` is a screening list that
    has entries. `count_accounts` counts the accounts that the bank ever opened for that customer,
    and `use_account` moves money on one. Within `answers_lost`, the bank acts but its answer to
    execute and to reverse is lost; within `unreachable`, nothing reaches it. Tests of what is
    absent are skipped. `with_amount` makes an approved application, for an operation, whose work
    moves or grants money, and says how much. The bank's business days are those of `time_zone`.
    """

    bank: Bank
    customer_number: str
    unknown_customer_number: str
    card_number: str
    unknown_card_number: str
    resident_id: str
    name: str
    unknown_resident_id: str
    list_code: str
    count_accounts: Callable[[], Awaitable[int]]
    answers_lost: FaultSwitch | None = None
    unreachable: FaultSwitch | None = None
    use_account: Callable[[str], Awaitable[None]] | None = None
    with_amount: Callable[[UUID], tuple[ApplicationContent, Money]] | None = None
    time_zone: str = "Asia/Shanghai"


def content_of(customer_number: str, operation_id: UUID) -> ApplicationContent:
    """Returns an approved application as the server hands it over."""
    signed_form = SignedForm(form_code="debit_card_account", form_version=1).SerializeToString()
    return ApplicationContent(
        application_id=str(operation_id),
        revision=1,
        work_kind="core.open_account",
        branch_id="0101",
        maker_id="100103",
        customer_number=customer_number,
        signed_form=signed_form,
        form_hash=hashlib.sha256(signed_form).digest(),
    )


def reversal_of(
    customer_number: str, undone_operation_id: UUID, undone: Executed | None = None
) -> ReversalContent:
    """Returns an approved reversal as the server hands it over."""
    return ReversalContent(
        reversal_id=str(uuid4()),
        work_kind="core.reverse",
        branch_id="0101",
        maker_id="100104",
        customer_number=customer_number,
        reason="客户信息录入有误",
        undone_work_kind="core.open_account",
        undone_operation_id=str(undone_operation_id),
        undone_core_reference=undone.core_reference if undone else "",
        account_number=undone.account_number if undone else "",
    )


@pytest.mark.asyncio
class BankConformance:
    """The promises of `Bank`. A subclass gives the fixture `specimen`."""

    async def test_an_account_is_opened(self, specimen: Specimen) -> None:
        """The account number and the reference are what the contract admits."""
        before = await specimen.count_accounts()
        opened = await _open(specimen, uuid4())
        assert _ACCOUNT_NUMBER.fullmatch(opened.account_number)
        assert 1 <= len(opened.core_reference) <= _REFERENCE_LENGTH_MAX
        assert await specimen.count_accounts() == before + 1

    async def test_the_same_operation_again_opens_nothing(self, specimen: Specimen) -> None:
        """The second call returns what the first one opened."""
        operation_id = uuid4()
        first = await _open(specimen, operation_id)
        before = await specimen.count_accounts()
        assert await _open(specimen, operation_id) == first
        assert await specimen.count_accounts() == before

    async def test_simultaneous_twins_open_one_account(self, specimen: Specimen) -> None:
        """Eight calls of one operation at once have one effect and one answer."""
        operation_id = uuid4()
        before = await specimen.count_accounts()
        answers = await asyncio.gather(*(_open(specimen, operation_id) for _ in range(8)))
        assert len(set(answers)) == 1
        assert await specimen.count_accounts() == before + 1

    async def test_operations_are_told_apart(self, specimen: Specimen) -> None:
        """Another operation of the same customer opens another account."""
        first, second = await _open(specimen, uuid4()), await _open(specimen, uuid4())
        assert first.account_number != second.account_number
        assert first.core_reference != second.core_reference

    async def test_an_inquiry_finds_what_was_opened(self, specimen: Specimen) -> None:
        """It returns the same account, and opens none."""
        operation_id = uuid4()
        opened = await _open(specimen, operation_id)
        before = await specimen.count_accounts()
        assert await specimen.bank.inquire(operation_id) == opened
        assert await specimen.count_accounts() == before

    async def test_an_operation_never_seen_is_said_to_be_so(self, specimen: Specimen) -> None:
        """An inquiry makes nothing up, and makes nothing of what it is asked."""
        operation_id = uuid4()
        assert isinstance(await specimen.bank.inquire(operation_id), NeverSeen)
        assert isinstance(await specimen.bank.inquire(operation_id), NeverSeen)

    async def test_an_unknown_customer_is_refused(self, specimen: Specimen) -> None:
        """Nothing was done, which an inquiry confirms."""
        operation_id = uuid4()
        with pytest.raises(Refused) as refused:
            await specimen.bank.execute(
                operation_id, content_of(specimen.unknown_customer_number, operation_id)
            )
        assert _CODE.fullmatch(refused.value.code)
        # A bank may remember that it refused.
        with contextlib.suppress(Refused):
            assert isinstance(await specimen.bank.inquire(operation_id), NeverSeen)

    async def test_a_lost_answer_is_found_by_inquiry(self, specimen: Specimen) -> None:
        """The outcome is unknown, not failed; the same operation then has its one account."""
        if specimen.answers_lost is None:
            pytest.skip("the specimen cannot lose answers")
        operation_id = uuid4()
        before = await specimen.count_accounts()
        async with specimen.answers_lost():
            with pytest.raises(OutcomeUnknown) as unknown:
                await _open(specimen, operation_id)
        assert _CODE.fullmatch(unknown.value.code)
        found = await specimen.bank.inquire(operation_id)
        assert await _open(specimen, operation_id) == found
        assert await specimen.count_accounts() == before + 1

    async def test_what_did_not_reach_the_bank_did_nothing(self, specimen: Specimen) -> None:
        """It is told apart from an unknown outcome, because it may be repeated."""
        if specimen.unreachable is None:
            pytest.skip("the specimen cannot be made unreachable")
        operation_id = uuid4()
        before = await specimen.count_accounts()
        async with specimen.unreachable():
            with pytest.raises(Unreachable) as unreachable:
                await _open(specimen, operation_id)
        assert _CODE.fullmatch(unreachable.value.code)
        assert isinstance(await specimen.bank.inquire(operation_id), NeverSeen)
        assert await specimen.count_accounts() == before

    async def test_what_was_executed_is_reversed_once(self, specimen: Specimen) -> None:
        """The same reversal again is the same, opens nothing, and is found by an inquiry."""
        undone, operation_id = uuid4(), uuid4()
        opened = await _open(specimen, undone)
        before = await specimen.count_accounts()
        content = reversal_of(specimen.customer_number, undone, opened)
        reversed_ = await specimen.bank.reverse(operation_id, content)
        assert 1 <= len(reversed_.core_reference) <= _REFERENCE_LENGTH_MAX
        assert reversed_.core_reference != opened.core_reference
        assert not reversed_.account_number
        assert await specimen.bank.reverse(operation_id, content) == reversed_
        assert await specimen.bank.inquire(operation_id) == reversed_
        assert await specimen.bank.inquire(undone) == opened
        assert await specimen.count_accounts() == before

    async def test_a_second_reversal_of_the_same_is_refused(self, specimen: Specimen) -> None:
        """Of two at once, one is executed and the other refused."""
        undone = uuid4()
        opened = await _open(specimen, undone)
        contents = [reversal_of(specimen.customer_number, undone, opened) for _ in range(2)]
        answers = await asyncio.gather(
            *(specimen.bank.reverse(uuid4(), content) for content in contents),
            return_exceptions=True,
        )
        assert {type(answer) for answer in answers} == {Executed, Refused}

    async def test_what_the_bank_does_not_know_is_not_reversed(self, specimen: Specimen) -> None:
        """Nothing was done, which an inquiry confirms."""
        operation_id = uuid4()
        with pytest.raises(Refused) as refused:
            await specimen.bank.reverse(
                operation_id, reversal_of(specimen.customer_number, uuid4())
            )
        assert _CODE.fullmatch(refused.value.code)
        with contextlib.suppress(Refused):
            assert isinstance(await specimen.bank.inquire(operation_id), NeverSeen)

    async def test_what_was_used_since_is_not_reversed(self, specimen: Specimen) -> None:
        """The money on the account is somebody's by then."""
        if specimen.use_account is None:
            pytest.skip("the specimen cannot use an account")
        undone = uuid4()
        opened = await _open(specimen, undone)
        await specimen.use_account(opened.account_number)
        with pytest.raises(Refused) as refused:
            await specimen.bank.reverse(
                uuid4(), reversal_of(specimen.customer_number, undone, opened)
            )
        assert _CODE.fullmatch(refused.value.code)

    async def test_a_lost_answer_to_a_reversal_is_found_by_inquiry(
        self, specimen: Specimen
    ) -> None:
        """The outcome is unknown, not failed; the same operation then has its one booking."""
        if specimen.answers_lost is None:
            pytest.skip("the specimen cannot lose answers")
        undone, operation_id = uuid4(), uuid4()
        opened = await _open(specimen, undone)
        content = reversal_of(specimen.customer_number, undone, opened)
        async with specimen.answers_lost():
            with pytest.raises(OutcomeUnknown):
                await specimen.bank.reverse(operation_id, content)
        found = await specimen.bank.inquire(operation_id)
        assert await specimen.bank.reverse(operation_id, content) == found

    async def test_a_days_list_has_what_was_booked_and_nothing_else(
        self, specimen: Specimen
    ) -> None:
        """Each booking once, under the operation_id it was asked for, in pieces of any size."""
        undone, reversing, refused = uuid4(), uuid4(), uuid4()
        content = content_of(specimen.customer_number, undone)
        opened = await specimen.bank.execute(undone, content)
        undoing = reversal_of(specimen.customer_number, undone, opened)
        reversed_ = await specimen.bank.reverse(reversing, undoing)
        with contextlib.suppress(Refused):
            unknown = content_of(specimen.unknown_customer_number, refused)
            await specimen.bank.execute(refused, unknown)
        whole = await _operations(specimen, 50)
        assert whole == await _operations(specimen, 1)
        listed = {each.operation_id: each for each in whole}
        assert len(listed) == len(whole)
        assert str(refused) not in listed
        first, second = listed[str(undone)], listed[str(reversing)]
        assert (first.core_reference, first.account_number) == (
            opened.core_reference,
            opened.account_number,
        )
        assert (second.core_reference, second.account_number) == (reversed_.core_reference, "")
        for operation, done in ((first, content), (second, undoing)):
            written = done.SerializeToString(deterministic=True)
            assert operation.content_hash == hashlib.sha256(written).digest()
            assert operation.customer_number == specimen.customer_number
            assert operation.work_kind == done.work_kind
            # Neither the account nor the reversal has an amount.
            assert not operation.HasField("amount")

    async def test_a_days_list_says_what_amount_was_booked(self, specimen: Specimen) -> None:
        """It stays with its operation, also when that is undone."""
        if specimen.with_amount is None:
            pytest.skip("the specimen has no work with an amount")
        operation_id, reversing = uuid4(), uuid4()
        content, amount = specimen.with_amount(operation_id)
        done = await specimen.bank.execute(operation_id, content)
        undoing = reversal_of(content.customer_number, operation_id, done)
        undoing.undone_work_kind = content.work_kind
        await specimen.bank.reverse(reversing, undoing)
        listed = {each.operation_id: each for each in await _operations(specimen, 50)}
        assert listed[str(operation_id)].amount == amount
        assert not listed[str(reversing)].HasField("amount")

    async def test_a_day_without_operations_has_an_empty_list(self, specimen: Specimen) -> None:
        """It is no fault, and has an end like any other."""
        batch = await specimen.bank.operations(date(2001, 1, 1), "", 10)
        assert batch.operations == ()

    @pytest.mark.parametrize("kind", _KINDS, ids=view.SectionKind.Name)
    async def test_each_part_of_a_view_is_what_was_asked_for(
        self, specimen: Specimen, kind: view.SectionKind.ValueType
    ) -> None:
        """Its content is of its kind, and its amounts are well-formed."""
        section = await specimen.bank.view_section(specimen.customer_number, kind)
        name = view.SectionKind.Name(kind).removeprefix("SECTION_KIND_").lower()
        assert section.WhichOneof("content") == name
        amounts = [holding.balance for holding in section.holdings.holdings]
        amounts += [movement.amount for movement in section.transactions.transactions]
        for amount in amounts:
            assert _is_well_formed(amount)

    async def test_the_view_of_an_unknown_customer_is_refused(self, specimen: Specimen) -> None:
        """There is nothing to show, and asking again would not change it."""
        with pytest.raises(Refused) as refused:
            await specimen.bank.view_section(
                specimen.unknown_customer_number, view.SECTION_KIND_PROFILE
            )
        assert _CODE.fullmatch(refused.value.code)

    async def test_a_card_and_a_document_tell_whose_they_are(self, specimen: Specimen) -> None:
        """Nobody's card is nobody's, not an error."""
        resolve = specimen.bank.resolve_customer
        card = ResolveCustomerOrder(card_number=specimen.card_number)
        document = ResolveCustomerOrder(resident_id=specimen.resident_id)
        nobodys = ResolveCustomerOrder(card_number=specimen.unknown_card_number)
        assert await resolve(card) == specimen.customer_number
        assert await resolve(document) == specimen.customer_number
        assert await resolve(nobodys) is None

    async def test_the_register_knows_a_name_and_its_number(self, specimen: Specimen) -> None:
        """A photo comes with the outcome that says so, and is no larger than it may be."""
        said = await specimen.bank.check_identity(specimen.name, specimen.resident_id)
        assert said.outcome in {
            identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO,
            identity.IDENTITY_OUTCOME_CONSISTENT_WITHOUT_PHOTO,
        }
        has_photo = said.outcome == identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO
        assert bool(said.photo) == has_photo
        assert len(said.photo) <= _PHOTO_BYTES_MAX

    async def test_the_register_tells_a_wrong_name_from_a_wrong_number(
        self, specimen: Specimen
    ) -> None:
        """Neither is an error: the customer is asked for other proofs."""
        check = specimen.bank.check_identity
        other = await check(specimen.name + "某", specimen.resident_id)
        assert other == IdentityAnswer(identity.IDENTITY_OUTCOME_NAME_DIFFERS)
        nobodys = await check(specimen.name, specimen.unknown_resident_id)
        assert nobodys == IdentityAnswer(identity.IDENTITY_OUTCOME_NUMBER_UNKNOWN)

    async def test_the_customer_master_is_the_same_in_any_batches(self, specimen: Specimen) -> None:
        """No record is missing or repeated, wherever one goes on."""
        whole = await _first_records(specimen.bank, _RECORDS_READ)
        pieces = await _first_records(specimen.bank, 7)
        assert whole
        assert whole == pieces

    async def test_the_end_of_the_customer_master_stays_where_it_is(
        self, specimen: Specimen
    ) -> None:
        """A batch without records has the position that it was asked with."""
        position = ""
        while (batch := await specimen.bank.customers(position, _RECORDS_READ)).records:
            assert batch.position != position
            position = batch.position
        assert (await specimen.bank.customers(position, _RECORDS_READ)).position == position

    async def test_a_screening_list_is_the_same_in_any_batches(self, specimen: Specimen) -> None:
        """No entry is missing or repeated, and the end stays where it is."""
        read = specimen.bank.screening_entries
        whole = await read(specimen.list_code, "", _RECORDS_READ)
        assert whole.entries
        pieces: list[ScreeningEntry] = []
        position = ""
        while len(pieces) < len(whole.entries):
            limit = min(7, len(whole.entries) - len(pieces))
            batch = await read(specimen.list_code, position, limit)
            assert batch.entries
            pieces += batch.entries
            position = batch.position
        assert tuple(pieces) == whole.entries
        nothing = await read("no_such_list", "", _RECORDS_READ)
        assert not nothing.entries


async def _open(specimen: Specimen, operation_id: UUID) -> Executed:
    content = content_of(specimen.customer_number, operation_id)
    return await specimen.bank.execute(operation_id, content)


async def _operations(specimen: Specimen, limit: int) -> list[BankOperation]:
    """Reads what the bank booked today, and the day before: the test may run over midnight."""
    today = datetime.now(ZoneInfo(specimen.time_zone)).date()
    found: list[BankOperation] = []
    for day in (today - timedelta(days=1), today):
        position = ""
        while (batch := await specimen.bank.operations(day, position, limit)).operations:
            found += batch.operations
            position = batch.position
    return found


async def _first_records(bank: Bank, limit: int) -> list[CustomerRecord]:
    """Reads the beginning of the master in batches of up to `limit`."""
    records: list[CustomerRecord] = []
    position = ""
    while len(records) < _RECORDS_READ:
        batch = await bank.customers(position, min(limit, _RECORDS_READ - len(records)))
        if not batch.records:
            break
        records += batch.records
        position = batch.position
    return records


def _is_well_formed(amount: Money) -> bool:
    """Tells whether units and nanos agree in sign and make whole cents."""
    agree = amount.units * amount.nanos >= 0
    return bool(amount.currency_code) and agree and amount.nanos % 10_000_000 == 0
