"""What adapters report, and what becomes of the work and of those who asked for it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from fingertip.customer.v1.customer_view_pb2 import Preferences, SectionContent
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    FailWorkItemRequest,
    ReportOutcomeUnknownRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import (
    ExecutedApplication,
    LeasedWorkItem,
    ResolvedCustomer,
    WorkItem,
    WorkResult,
)
from fingertip_client.caller import Caller
from tests.conftest import Clock
from tests.fulfilment.queue import (
    ACCOUNT,
    CONTENT_HASH,
    Owner,
    Queue,
    act,
    completed,
    failed,
    is_inquiry,
    lease,
    lease_one,
    never_seen,
    opened,
    profile,
    read,
    unknown,
)
from tests.world import World, refused


async def test_a_result_ends_the_item_and_reaches_who_asked(
    queue: Queue, adapter: Caller, owner: Owner
) -> None:
    journey_id, draft = uuid4(), act()
    await queue.ask(draft, journey_id=journey_id)
    leased = await lease_one(adapter)
    response = await adapter.fulfilment.CompleteWorkItem(opened(leased))
    item = response.work_item
    assert item.state == WorkItem.STATE_DONE
    assert item.end_time.ToDatetime() >= item.create_time.ToDatetime()
    assert item.version > leased.work_item.version
    [(word, told, result)] = owner.told
    assert word == "done"
    assert told.operation_id == draft.operation_id
    assert told.order == draft.order
    assert told.journey_id == journey_id
    assert isinstance(result, WorkResult)
    assert result.executed_application.account_number == ACCOUNT
    assert await lease(adapter) == []


async def test_a_report_is_journalled_on_the_branch_of_the_item(
    queue: Queue, adapter: Caller
) -> None:
    journey_id = uuid4()
    await queue.ask(act(), journey_id=journey_id)
    leased = await lease_one(adapter)
    await adapter.fulfilment.CompleteWorkItem(opened(leased))
    [entry] = await queue.journal("FulfilmentService/CompleteWorkItem")
    assert (entry["chain"], entry["outcome"]) == ("0101", "DONE")
    assert (entry["object_kind"], entry["object_state"]) == ("work_item", "DONE")
    assert entry["object_id"] == leased.work_item.work_item_id
    assert entry["journey_id"] == journey_id
    assert entry["actor_kind"] == "ADAPTER"
    assert not any(ACCOUNT in str(value) for value in entry.values())


async def test_the_same_report_again_changes_nothing(
    queue: Queue, adapter: Caller, owner: Owner
) -> None:
    await queue.ask(act())
    report = opened(await lease_one(adapter))
    answers = await asyncio.gather(*(adapter.fulfilment.CompleteWorkItem(report) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert owner.words == ["done"]
    other = opened(await _again(queue, adapter))
    other.request_id = report.request_id
    with refused("REQUEST_ID_REUSED"):
        await adapter.fulfilment.CompleteWorkItem(other)


async def _again(queue: Queue, adapter: Caller) -> LeasedWorkItem:
    await queue.ask(act())
    return await lease_one(adapter)


async def test_another_report_on_an_item_that_ended_is_refused(
    queue: Queue, adapter: Caller, owner: Owner
) -> None:
    await queue.ask(act())
    leased = await lease_one(adapter)
    await adapter.fulfilment.CompleteWorkItem(opened(leased))
    for report in (opened(leased), failed(leased), unknown(leased)):
        with refused("WORK_ITEM_STATE") as caught:
            await _send(adapter, report)
        assert caught.value.metadata == {"state": "DONE"}
    assert owner.words == ["done"]


async def _send(
    adapter: Caller,
    report: CompleteWorkItemRequest | FailWorkItemRequest | ReportOutcomeUnknownRequest,
) -> WorkItem:
    if isinstance(report, CompleteWorkItemRequest):
        return (await adapter.fulfilment.CompleteWorkItem(report)).work_item
    if isinstance(report, FailWorkItemRequest):
        return (await adapter.fulfilment.FailWorkItem(report)).work_item
    return (await adapter.fulfilment.ReportOutcomeUnknown(report)).work_item


async def test_a_stale_fence_changes_nothing(
    queue: Queue, adapters: Sequence[Caller], clock: Clock, owner: Owner
) -> None:
    draft = act()
    await queue.ask(draft)
    asleep = await lease_one(adapters[0])
    await clock.advance(16)
    inquiring = await lease_one(adapters[1])
    assert is_inquiry(inquiring)
    assert inquiring.fence > asleep.fence
    before = await queue.row(draft.operation_id)
    for report in (opened(asleep), failed(asleep), unknown(asleep)):
        with refused("LEASE_LOST") as caught:
            await _send(adapters[0], report)
        assert caught.value.metadata == {"fence": str(inquiring.fence)}
    assert await queue.row(draft.operation_id) == before
    assert owner.words == ["unknown"]
    # Nor does the right fence in the wrong hands.
    with refused("LEASE_LOST"):
        await _send(adapters[0], opened(inquiring))
    await _send(adapters[1], opened(inquiring))
    assert owner.words == ["unknown", "done"]


async def test_not_even_its_own_former_lease_is_good_for_a_report(
    queue: Queue, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    draft = act()
    await queue.ask(draft)
    former = await lease_one(adapter)
    await clock.advance(16)
    inquiring = await lease_one(adapter)
    for report in (opened(former), failed(former), unknown(former)):
        with refused("LEASE_LOST"):
            await _send(adapter, report)
    assert (await queue.row(draft.operation_id))["state"] == "LEASED"
    await _send(adapter, opened(inquiring))
    assert owner.words == ["unknown", "done"]


async def test_a_report_after_the_lease_and_before_anybody_noticed_is_believed(
    queue: Queue, adapter: Caller, owner: Owner
) -> None:
    await queue.ask(act())
    leased = await lease_one(adapter)
    await queue.database.as_owner("DELETE FROM timer WHERE kind = 'fulfilment.sweep'")
    await queue.database.as_owner("UPDATE work_item SET lease_until = fingertip_now()")
    await adapter.fulfilment.CompleteWorkItem(opened(leased))
    assert owner.words == ["done"]


@pytest.mark.parametrize(
    "result",
    [
        WorkResult(resolved_customer=ResolvedCustomer(customer_number="C1")),
        WorkResult(section=SectionContent(preferences=Preferences())),
    ],
    ids=["another kind of work", "another part of the view"],
)
async def test_a_result_of_another_kind_is_refused(
    queue: Queue, adapter: Caller, owner: Owner, result: WorkResult
) -> None:
    await queue.ask(read())
    leased = await lease_one(adapter)
    with refused("RESULT_KIND") as caught:
        await adapter.fulfilment.CompleteWorkItem(completed(leased, result))
    assert caught.value.metadata == {"kind": "test.read"}
    assert owner.words == []
    await adapter.fulfilment.CompleteWorkItem(profile(leased))
    assert owner.words == ["done"]


async def test_executing_something_else_than_was_approved_is_noticed(
    queue: Queue, adapter: Caller, owner: Owner
) -> None:
    await queue.ask(act())
    leased = await lease_one(adapter)
    account = ExecutedApplication(
        account_number=ACCOUNT, core_reference="R", content_hash=b"\x01" * 32
    )
    with refused("CONTENT_CHANGED") as caught:
        await adapter.fulfilment.CompleteWorkItem(
            completed(leased, WorkResult(executed_application=account))
        )
    assert caught.value.metadata == {"content_hash": CONTENT_HASH.hex()}
    assert owner.words == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_number", "12-34"),
        ("account_number", "1" * 33),
        ("core_reference", ""),
        ("core_reference", "x" * 65),
        ("content_hash", b"short"),
    ],
)
async def test_a_malformed_result_is_refused_with_its_field(
    queue: Queue, adapter: Caller, field: str, value: object
) -> None:
    await queue.ask(act())
    report = opened(await lease_one(adapter))
    setattr(report.result.executed_application, field, value)
    with refused("INVALID_REQUEST") as caught:
        await adapter.fulfilment.CompleteWorkItem(report)
    fields = {violation.field for violation in caught.value.violations}
    assert fields == {f"result.executed_application.{field}"}


async def test_what_did_not_reach_the_bank_backs_off_and_is_executed_again(
    queue: Queue, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    draft = act()
    await queue.ask(draft)
    leased = await lease_one(adapter)
    item = (await adapter.fulfilment.FailWorkItem(failed(leased))).work_item
    assert (item.state, item.failure_code) == (WorkItem.STATE_READY, "BUSY")
    assert await lease(adapter) == []
    await clock.advance(2)
    again = await lease_one(adapter)
    assert not is_inquiry(again)
    assert again.work_item.operation_id == str(draft.operation_id)
    assert again.work_item.attempts == 2
    assert owner.words == []


async def test_attempts_back_off_further_each_time_and_end_with_a_person(
    queue: Queue, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    await queue.ask(act())
    pauses = []
    for _ in range(4):
        leased = await lease_one(adapter)
        leased_at = leased.lease_expire_time.ToDatetime() - timedelta(seconds=15)
        item = await _send(adapter, failed(leased))
        assert item.state == WorkItem.STATE_READY
        pauses.append((item.ready_time.ToDatetime() - leased_at).total_seconds())
        await clock.advance(40)
    item = await _send(adapter, failed(await lease_one(adapter)))
    assert item.state == WorkItem.STATE_PARKED
    assert [2 ** (n - 1) <= pause <= 2**n + 0.5 for n, pause in enumerate(pauses, 1)] == [True] * 4
    assert owner.words == ["parked"]
    await clock.advance(3600)
    assert await lease(adapter) == []


async def test_a_refusal_of_the_bank_ends_the_item(
    queue: Queue, adapter: Caller, owner: Owner
) -> None:
    await queue.ask(act())
    leased = await lease_one(adapter)
    report = failed(leased, FailWorkItemRequest.FAILURE_PERMANENT, "CUSTOMER_BLOCKED")
    item = (await adapter.fulfilment.FailWorkItem(report)).work_item
    assert (item.state, item.failure_code) == (WorkItem.STATE_FAILED, "CUSTOMER_BLOCKED")
    [(word, _, code)] = owner.told
    assert (word, code) == ("failed", "CUSTOMER_BLOCKED")


async def test_an_unknown_outcome_is_inquired_about_and_never_repeated_blindly(
    queue: Queue, adapter: Caller, owner: Owner
) -> None:
    draft = act()
    await queue.ask(draft)
    item = await _send(adapter, unknown(await lease_one(adapter)))
    assert (item.state, item.purpose) == (WorkItem.STATE_UNKNOWN, WorkItem.PURPOSE_INQUIRE)
    inquiry = await lease_one(adapter)
    assert is_inquiry(inquiry)
    assert inquiry.work_item.operation_id == str(draft.operation_id)
    item = (await adapter.fulfilment.CompleteWorkItem(opened(inquiry))).work_item
    assert item.state == WorkItem.STATE_DONE
    assert owner.words == ["unknown", "done"]


async def test_never_seen_is_refused_until_the_bank_has_settled(
    queue: Queue, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    draft = act()
    await queue.ask(draft)
    await _send(adapter, unknown(await lease_one(adapter)))
    inquiry = await lease_one(adapter)
    with refused("NOT_SETTLED") as caught:
        await _send(adapter, never_seen(inquiry))
    settled_at = datetime.fromisoformat(caught.value.metadata["retry_time"])
    # The refusal left the item with the adapter, which then cannot tell.
    item = await _send(adapter, unknown(inquiry, "NOT_SETTLED"))
    assert item.state == WorkItem.STATE_UNKNOWN
    assert abs(item.ready_time.ToDatetime(settled_at.tzinfo) - settled_at).total_seconds() < 0.001
    assert await lease(adapter) == []
    await clock.advance(30)
    item = await _send(adapter, never_seen(await lease_one(adapter)))
    assert (item.state, item.purpose) == (WorkItem.STATE_READY, WorkItem.PURPOSE_EXECUTE)
    again = await lease_one(adapter)
    assert not is_inquiry(again)
    assert again.work_item.operation_id == str(draft.operation_id)
    assert owner.words == ["unknown", "unknown"]


async def test_never_seen_answers_no_execution(queue: Queue, adapter: Caller) -> None:
    await queue.ask(act())
    with refused("WORK_ITEM_STATE"):
        await _send(adapter, never_seen(await lease_one(adapter)))


async def test_an_item_that_is_not_there_is_not_found(queue: Queue, adapter: Caller) -> None:
    await queue.ask(act())
    leased = await lease_one(adapter)
    report = opened(leased)
    report.work_item_id = str(uuid4())
    with refused("WORK_ITEM_NOT_FOUND"):
        await adapter.fulfilment.CompleteWorkItem(report)


async def test_nobody_but_an_adapter_reports(
    queue: Queue, adapter: Caller, world: World, owner: Owner
) -> None:
    await queue.ask(act())
    leased = await lease_one(adapter)
    for caller in (world.teller, world.operations, world.ticket_machine):
        for report in (opened(leased), failed(leased), unknown(leased)):
            with refused("PERMISSION_MISSING"):
                await _send(caller, report)
    assert owner.words == []


async def test_a_refused_report_is_journalled(queue: Queue, adapter: Caller) -> None:
    await queue.ask(act())
    with refused("WORK_ITEM_STATE"):
        await _send(adapter, never_seen(await lease_one(adapter)))
    [entry] = await queue.journal("FulfilmentService/FailWorkItem")
    assert (entry["outcome"], entry["reason"]) == ("REFUSED", "WORK_ITEM_STATE")
