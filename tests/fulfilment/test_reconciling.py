"""The bank's list of its operations against what is known here: every difference, once."""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    ExplainDifferenceRequest,
    FailWorkItemRequest,
    ListDifferencesRequest,
    ListOperationsRequest,
    ListOperationsResponse,
    ReportOperationsRequest,
)
from fingertip.fulfilment.v1.operation_pb2 import (
    BankOperation,
    OperationDifference,
    OperationsDay,
)
from fingertip.fulfilment.v1.work_item_pb2 import WorkItem
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from fingertip_server.fulfilment import operations
from fingertip_server.fulfilment.hooks import Booked
from fingertip_server.rpc.drafts import WorkItemDraft
from tests.authorization.screen import screen
from tests.conftest import Clock
from tests.fulfilment.queue import (
    ACCOUNT,
    ACT,
    CONTENT_HASH,
    Owner,
    Queue,
    act,
    failed,
    is_inquiry,
    lease,
    lease_one,
    opened,
    unknown,
)
from tests.fulfilment.test_operating import park
from tests.world import World, refused

Kind, State = OperationDifference.Kind, OperationDifference.State
BOOKED = Booked(CONTENT_HASH, "C1", "CORE-1", ACCOUNT)


class Books:
    """The bank's books as an adapter reports them."""

    def __init__(self, adapter: Caller, day: date) -> None:
        self.adapter = adapter
        self.day = day

    def piece(
        self, listed: Sequence[BankOperation], *, list_id: str = "", position: int = 0, **more: bool
    ) -> ReportOperationsRequest:
        """Returns a piece of a list, by default the whole of a new one."""
        day = Date(year=self.day.year, month=self.day.month, day=self.day.day)
        return ReportOperationsRequest(
            request_id=new_request_id(),
            source="core",
            business_day=day,
            list_id=list_id or str(uuid4()),
            position=position,
            operations=listed,
            **{"is_last": True, **more},
        )

    async def report(self, *listed: BankOperation) -> OperationsDay:
        """Sends a whole list in one piece."""
        response = await self.adapter.fulfilment.ReportOperations(self.piece(listed))
        return response.day


def operation(operation_id: UUID, **changed: object) -> BankOperation:
    """Returns what the bank has booked for an operation of these tests."""
    fields: dict[str, object] = {
        "operation_id": str(operation_id),
        "work_kind": ACT,
        "core_reference": "CORE-1",
        "customer_number": "C1",
        "account_number": ACCOUNT,
        "content_hash": CONTENT_HASH,
    }
    booked = BankOperation(**(fields | changed))  # type: ignore[arg-type]
    booked.book_time.FromSeconds(1_800_000_000)
    return booked


@pytest.fixture
async def books(queue: Queue, adapter: Caller) -> Books:
    [row] = await queue.database.as_owner(
        "SELECT (fingertip_now() AT TIME ZONE 'Asia/Shanghai')::date AS day"
    )
    return Books(adapter, row["day"])


async def done(queue: Queue, adapter: Caller, owner: Owner) -> UUID:
    """Has an operation done, and returns its id."""
    draft = act()
    await queue.ask(draft)
    owner.books[draft.operation_id] = BOOKED
    await adapter.fulfilment.CompleteWorkItem(opened(await lease_one(adapter)))
    return draft.operation_id


async def asked(queue: Queue, owner: Owner) -> WorkItemDraft:
    """Has an operation asked for, and returns it."""
    draft = act()
    await queue.ask(draft)
    owner.books[draft.operation_id] = Booked(CONTENT_HASH, "C1", "", "")
    return draft


async def differences(
    caller: Caller, *states: OperationDifference.State.ValueType
) -> list[OperationDifference]:
    response = await caller.fulfilment.ListDifferences(ListDifferencesRequest(states=states))
    return list(response.differences)


async def kinds(world: World) -> set[OperationDifference.Kind.ValueType]:
    return {each.kind for each in await differences(world.operations, State.STATE_OPEN)}


async def test_books_that_agree_have_no_difference(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books, clock: Clock
) -> None:
    operation_id = await done(queue, adapter, owner)
    day = await books.report(operation(operation_id))
    assert (day.closed, day.operation_count) == (True, 1)
    await clock.advance(0)
    assert await differences(world.operations) == []
    listed = await list_day(world.operations, books)
    assert listed.day == day
    [shown] = listed.operations
    assert (shown.core_reference, shown.account_number) == ("CORE-1", "629990*********0004")


async def list_day(caller: Caller, books: Books, token: str = "") -> ListOperationsResponse:
    request = ListOperationsRequest(
        source="core", business_day=books.piece(()).business_day, page_size=2, page_token=token
    )
    return await caller.fulfilment.ListOperations(request)


async def test_what_nobody_asked_for_is_told_to_the_operators(
    queue: Queue, world: World, books: Books
) -> None:
    async with screen(world.operations, WatchRequest(branch_id="0000")) as shown:
        await books.report(operation(uuid4()))
        event = await shown.until(lambda event: event.HasField("difference"))
    [found] = await differences(world.operations)
    assert event.difference == found
    assert (found.kind, found.work_item_id, found.branch_id) == (Kind.KIND_NOT_ASKED, "", "")
    assert list(found.core_references) == ["CORE-1"]
    assert await differences(world.branch_manager) == []
    # Who comes later finds it in the snapshot.
    async with screen(world.operations, WatchRequest(branch_id="0000")) as shown:
        assert [event.difference for event in shown.shown] == [found]


async def test_what_failed_here_and_not_at_the_bank_is_found(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books
) -> None:
    draft = await asked(queue, owner)
    refusal = failed(await lease_one(adapter), FailWorkItemRequest.FAILURE_PERMANENT, "NO")
    await adapter.fulfilment.FailWorkItem(refusal)
    await books.report(operation(draft.operation_id))
    [found] = await differences(world.branch_manager)
    assert (found.kind, found.item_state) == (Kind.KIND_NOT_DONE, WorkItem.STATE_FAILED)
    assert found.branch_id == "0101"
    assert owner.words == ["failed"]


async def test_what_is_unknown_is_inquired_about_at_once_and_then_settled(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books, clock: Clock
) -> None:
    draft = await asked(queue, owner)
    for _ in range(2):
        await adapter.fulfilment.ReportOutcomeUnknown(unknown(await lease_one(adapter)))
    # The bank itself did not know: it would be asked again when it has settled.
    assert not await lease(adapter)
    await books.report(operation(draft.operation_id))
    await clock.advance(0)
    assert await kinds(world) == {Kind.KIND_NOT_DONE}
    assert owner.words == ["unknown", "unknown"]
    inquiry = await lease_one(adapter)
    assert is_inquiry(inquiry)
    owner.books[draft.operation_id] = BOOKED
    await adapter.fulfilment.CompleteWorkItem(opened(inquiry))
    [found] = await differences(world.operations)
    assert (found.state, found.item_state) == (State.STATE_SETTLED, WorkItem.STATE_DONE)
    assert found.HasField("settle_time")
    await clock.advance(0)
    assert await kinds(world) == set()


async def test_what_is_parked_gets_new_attempts_to_inquire(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books, clock: Clock
) -> None:
    draft = act()
    await park(queue, adapter, clock, draft)
    await books.report(operation(draft.operation_id))
    await clock.advance(0)
    assert is_inquiry(await lease_one(adapter))
    assert owner.words == ["parked", "unknown"]


async def test_what_is_still_in_an_adapters_hands_settles_when_he_reports(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books
) -> None:
    draft = await asked(queue, owner)
    leased = await lease_one(adapter)
    await books.report(operation(draft.operation_id, customer_number="C2"))
    assert await kinds(world) == {Kind.KIND_NOT_DONE, Kind.KIND_CUSTOMER}
    owner.books[draft.operation_id] = BOOKED
    await adapter.fulfilment.CompleteWorkItem(opened(leased))
    # What was asked for is still not what the bank did.
    assert await kinds(world) == {Kind.KIND_CUSTOMER}


async def test_what_is_done_here_and_on_no_list_is_found_when_the_day_is_closed(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books, clock: Clock
) -> None:
    operation_id = await done(queue, adapter, owner)
    await asked(queue, owner)
    first = books.piece((), is_last=False)
    await adapter.fulfilment.ReportOperations(first)
    await clock.advance(0)
    assert await kinds(world) == set()
    last = books.piece((), list_id=first.list_id)
    await adapter.fulfilment.ReportOperations(last)
    await clock.advance(0)
    [found] = await differences(world.operations)
    assert (found.kind, found.operation_id) == (Kind.KIND_NOT_AT_BANK, str(operation_id))
    # A later list has it.
    await books.report(operation(operation_id))
    await clock.advance(0)
    [found] = await differences(world.operations)
    assert found.state == State.STATE_SETTLED
    # And a still later one has not.
    await books.report()
    await clock.advance(0)
    [found] = await differences(world.operations)
    assert (found.state, found.kind) == (State.STATE_OPEN, Kind.KIND_NOT_AT_BANK)


async def test_what_was_done_after_the_list_was_closed_is_for_the_next_one(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books, clock: Clock
) -> None:
    await books.report()
    await done(queue, adapter, owner)
    await clock.advance(0)
    assert await kinds(world) == set()


async def test_many_that_are_missing_are_found_a_few_at_a_time(
    queue: Queue,
    world: World,
    adapter: Caller,
    owner: Owner,
    books: Books,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "_BATCH", 3)
    ids = {str(await done(queue, adapter, owner)) for _ in range(7)}
    await books.report()
    await clock.advance(0)
    found = await differences(world.operations)
    assert {each.operation_id for each in found} == ids
    assert len(found) == 7


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"account_number": "6299900000000000012"}, Kind.KIND_ACCOUNT),
        ({"customer_number": "C2"}, Kind.KIND_CUSTOMER),
        ({"content_hash": b"x" * 32}, Kind.KIND_CONTENT),
        ({"core_reference": "CORE-2"}, Kind.KIND_REFERENCE),
        ({"amount": Money(currency_code="CNY", units=100, nanos=10_000_000)}, Kind.KIND_AMOUNT),
        ({"work_kind": "test.read"}, Kind.KIND_WORK_KIND),
    ],
)
async def test_each_value_that_differs_is_found(
    queue: Queue,
    world: World,
    adapter: Caller,
    owner: Owner,
    books: Books,
    changed: dict[str, object],
    kind: OperationDifference.Kind.ValueType,
) -> None:
    operation_id = await done(queue, adapter, owner)
    amount = ("CNY", Decimal(100))
    owner.books[operation_id] = Booked(CONTENT_HASH, "C1", "CORE-1", ACCOUNT, amount)
    right = {"amount": Money(currency_code="CNY", units=100)}
    await books.report(operation(operation_id, **(right | changed)))
    assert await kinds(world) == {kind}
    await books.report(operation(operation_id, **right))
    # The wrong reference is no longer listed, once the day was compared.
    if kind != Kind.KIND_REFERENCE:
        assert await kinds(world) == set()


async def test_what_is_booked_twice_is_found_until_the_bank_has_corrected_it(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books, clock: Clock
) -> None:
    operation_id = await done(queue, adapter, owner)
    await books.report(operation(operation_id), operation(operation_id, core_reference="CORE-2"))
    [found] = await differences(world.operations)
    assert found.kind == Kind.KIND_BOOKED_TWICE
    assert list(found.core_references) == ["CORE-1", "CORE-2"]
    await books.report(operation(operation_id))
    await clock.advance(0)
    [found] = await differences(world.operations)
    assert found.state == State.STATE_SETTLED
    assert len((await list_day(world.operations, books)).operations) == 1


async def test_a_list_sent_again_finds_the_same_once_and_forgets_no_explanation(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books, clock: Clock
) -> None:
    missing = await done(queue, adapter, owner)
    foreign = operation(uuid4())
    await books.report(foreign)
    await clock.advance(0)
    first = await differences(world.operations)
    assert {each.kind for each in first} == {Kind.KIND_NOT_ASKED, Kind.KIND_NOT_AT_BANK}
    explained = await explain(world.operations, first[0])
    for _ in range(2):
        await books.report(foreign)
        await clock.advance(0)
    again = await differences(world.operations)
    assert {each.difference_id: each for each in again} == {
        each.difference_id: each for each in (explained, first[1])
    }
    assert str(missing) in {each.operation_id for each in again}


async def test_more_that_comes_to_light_opens_an_explained_one(
    queue: Queue, world: World, books: Books
) -> None:
    foreign = uuid4()
    await books.report(operation(foreign))
    [found] = await differences(world.operations)
    await explain(world.operations, found)
    await books.report(operation(foreign), operation(foreign, core_reference="CORE-2"))
    found = next(
        each
        for each in await differences(world.operations, State.STATE_OPEN)
        if each.kind == Kind.KIND_NOT_ASKED
    )
    assert found.explained_by == "000003"


async def test_pieces_follow_one_another_and_lists_are_not_mixed(
    queue: Queue, world: World, adapter: Caller, books: Books
) -> None:
    ids = sorted(uuid4() for _ in range(5))
    report = adapter.fulfilment.ReportOperations
    first = books.piece([operation(each) for each in ids[:2]], is_last=False)
    answer = await report(first)
    assert (answer.next_position, answer.day.closed) == (2, False)
    assert await report(first) == answer
    for position in (0, 1, 3):
        with refused("SYNC_POSITION_MISMATCH") as caught:
            await report(books.piece((), list_id=first.list_id, position=position))
        assert caught.value.metadata == {"position": "2"}
    other = books.piece([operation(ids[4])], is_last=False)
    await report(other)
    with refused("SYNC_POSITION_MISMATCH"):
        await report(books.piece((), list_id=first.list_id, position=2))
    last = books.piece([operation(each) for each in ids[:3]], list_id=other.list_id, position=1)
    assert (await report(last)).day.operation_count == 4
    with refused("SYNC_POSITION_MISMATCH"):
        await report(books.piece((), list_id=other.list_id, position=4))
    pages, token = [], ""
    while True:
        response = await list_day(world.operations, books, token)
        pages.append([each.operation_id for each in response.operations])
        token = response.next_page_token
        if not token:
            break
    assert pages == [[str(ids[0]), str(ids[1])], [str(ids[2]), str(ids[4])]]


async def test_an_adapter_reports_its_own_kinds_of_days_that_have_begun(
    queue: Queue, world: World, adapter: Caller, books: Books
) -> None:
    with refused("WORK_KIND_NOT_ALLOWED"):
        await books.report(operation(uuid4(), work_kind="core.open_account"))
    ahead = books.piece(())
    ahead.business_day.year += 1
    with refused("BUSINESS_DAY_AHEAD"):
        await adapter.fulfilment.ReportOperations(ahead)
    for caller in (world.teller, world.operations):
        with refused("PERMISSION_MISSING"):
            await caller.fulfilment.ReportOperations(books.piece(()))
    for caller in (world.teller, world.branch_manager):
        with refused("PERMISSION_MISSING"):
            await list_day(caller, books)
    assert await differences(world.operations) == []


def explaining(found: OperationDifference) -> ExplainDifferenceRequest:
    return ExplainDifferenceRequest(
        request_id=new_request_id(),
        difference_id=found.difference_id,
        etag=str(found.version),
        purpose="柜面系统补录，已核实",
    )


async def explain(caller: Caller, found: OperationDifference) -> OperationDifference:
    return (await caller.fulfilment.ExplainDifference(explaining(found))).difference


async def test_an_explanation_is_kept_journalled_and_told(
    queue: Queue, world: World, books: Books
) -> None:
    await books.report(operation(uuid4()))
    [found] = await differences(world.operations)
    async with screen(world.second_operations, WatchRequest(branch_id="0000")) as shown:
        request = explaining(found)
        answer = await world.operations.fulfilment.ExplainDifference(request)
        assert await world.operations.fulfilment.ExplainDifference(request) == answer
        await shown.until(lambda event: event.difference == answer.difference)
    assert answer.difference.state == State.STATE_EXPLAINED
    assert answer.difference.explained_by == "000003"
    [entry] = await queue.journal("FulfilmentService/ExplainDifference")
    assert (entry["object_state"], entry["purpose"]) == ("EXPLAINED", "柜面系统补录，已核实")
    with refused("ETAG_MISMATCH"):
        await explain(world.second_operations, found)
    with refused("DIFFERENCE_STATE") as caught:
        await explain(world.second_operations, answer.difference)
    assert caught.value.metadata == {"state": "EXPLAINED"}
    with refused("PERMISSION_MISSING"):
        await explain(world.branch_manager, answer.difference)
    missing = explaining(found)
    missing.difference_id = str(uuid4())
    with refused("DIFFERENCE_NOT_FOUND"):
        await world.operations.fulfilment.ExplainDifference(missing)


async def test_a_report_and_a_list_that_meet_leave_no_difference(
    queue: Queue, world: World, adapter: Caller, owner: Owner, books: Books, clock: Clock
) -> None:
    listed = []
    for _ in range(8):
        draft = await asked(queue, owner)
        listed.append(operation(draft.operation_id))
        leased = await lease_one(adapter)
        owner.books[draft.operation_id] = BOOKED
        await asyncio.gather(
            adapter.fulfilment.CompleteWorkItem(opened(leased)),
            books.report(*listed),
        )
        await clock.advance(0)
        assert await kinds(world) == set()


async def test_differences_are_listed_page_by_page(
    queue: Queue, world: World, books: Books
) -> None:
    await books.report(*(operation(uuid4()) for _ in range(5)))
    whole = await differences(world.operations)
    pages, token = [], ""
    while True:
        response = await world.operations.fulfilment.ListDifferences(
            ListDifferencesRequest(page_size=2, page_token=token)
        )
        pages.append(list(response.differences))
        token = response.next_page_token
        if not token:
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [each for page in pages for each in page] == whole
