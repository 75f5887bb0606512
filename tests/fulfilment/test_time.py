"""What happens to work by time alone."""

from collections.abc import Sequence

from fingertip.fulfilment.v1.work_item_pb2 import WorkItem
from fingertip_client.caller import Caller
from tests.conftest import Clock
from tests.fulfilment.queue import (
    Owner,
    Queue,
    act,
    failed,
    is_inquiry,
    lease,
    lease_one,
    opened,
    profile,
    read,
    unknown,
    until,
)
from tests.world import refused


async def test_a_silent_adapter_leaves_an_unknown_outcome(
    queue: Queue, adapters: Sequence[Caller], clock: Clock, owner: Owner
) -> None:
    draft = act()
    await queue.ask(draft)
    await lease_one(adapters[0])
    await clock.advance(14)
    assert await lease(adapters[1]) == []
    await clock.advance(2)
    assert owner.words == ["unknown"]
    inquiry = await lease_one(adapters[1])
    assert is_inquiry(inquiry)
    assert inquiry.work_item.failure_code == "LEASE_LAPSED"
    assert inquiry.work_item.operation_id == str(draft.operation_id)
    [entry] = await queue.journal("timer/fulfilment.overdue")
    assert (entry["actor_kind"], entry["chain"]) == ("SYSTEM", "0101")
    assert entry["object_state"] == "UNKNOWN"


async def test_a_silent_reader_leaves_the_question_to_another(
    queue: Queue, adapters: Sequence[Caller], clock: Clock, owner: Owner
) -> None:
    await queue.ask(read(deadline=await queue.read_deadline(120)))
    await lease_one(adapters[0])
    await clock.advance(16)
    await clock.advance(5)
    again = await lease_one(adapters[1])
    assert not is_inquiry(again)
    assert again.work_item.attempts == 2
    assert owner.words == []


async def test_an_adapter_that_always_dies_does_not_keep_the_item(
    queue: Queue, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    await queue.ask(act())
    for _ in range(5):
        await lease_one(adapter)
        await clock.advance(16)
        await clock.advance(60)
    assert await lease(adapter) == []
    assert owner.words[-1] == "parked"


async def test_a_question_that_nobody_answers_fails_at_its_deadline(
    queue: Queue, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    draft = read(deadline=await queue.read_deadline(30), dedupe_key="C1/PROFILE")
    await queue.ask(draft)
    await clock.advance(29)
    assert owner.words == []
    await clock.advance(2)
    [(word, _, code)] = owner.told
    assert (word, code) == ("failed", "DEADLINE_PASSED")
    assert (await queue.row(draft.operation_id))["state"] == "FAILED"
    # The next one to ask asks anew.
    await queue.ask(read(dedupe_key="C1/PROFILE"))
    assert len(await lease(adapter)) == 1


async def test_nothing_is_leased_after_its_deadline_even_before_anybody_noticed(
    queue: Queue, adapter: Caller
) -> None:
    await queue.ask(read(deadline=await queue.read_deadline(-0.001)))
    assert await lease(adapter) == []


async def test_an_answer_in_hand_at_the_deadline_is_still_taken(
    queue: Queue, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    await queue.ask(read(deadline=await queue.read_deadline(5)))
    leased = await lease_one(adapter)
    await clock.advance(8)
    await adapter.fulfilment.CompleteWorkItem(profile(leased))
    assert owner.words == ["done"]


async def test_a_reader_that_is_silent_beyond_the_deadline_ends_the_question(
    queue: Queue, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    await queue.ask(read(deadline=await queue.read_deadline(5)))
    leased = await lease_one(adapter)
    await clock.advance(16)
    assert owner.words == ["failed"]
    with refused("WORK_ITEM_STATE"):
        await adapter.fulfilment.CompleteWorkItem(profile(leased))


async def test_a_retry_that_would_come_too_late_is_not_made(
    queue: Queue, adapter: Caller, owner: Owner
) -> None:
    await queue.ask(read(deadline=await queue.read_deadline(0.9)))
    leased = await lease_one(adapter)
    item = (await adapter.fulfilment.FailWorkItem(failed(leased))).work_item
    assert item.state == WorkItem.STATE_FAILED
    assert owner.words == ["failed"]


async def test_the_sweep_needs_no_push(queue: Queue, adapter: Caller, owner: Owner) -> None:
    await queue.ask(act())
    await lease_one(adapter)
    await queue.database.as_owner("UPDATE work_item SET lease_until = fingertip_now()")

    async def is_told() -> bool:
        return owner.words == ["unknown"]

    await until(is_told, seconds=5)


async def test_neither_asking_nor_leasing_writes_a_timer(
    queue: Queue, adapter: Caller, clock: Clock
) -> None:
    await queue.ask(act(), read(deadline=await queue.read_deadline(60)))
    acting, reading = await lease(adapter)
    await adapter.fulfilment.CompleteWorkItem(opened(acting))
    await adapter.fulfilment.CompleteWorkItem(profile(reading))
    rows = await queue.database.as_owner(
        "SELECT kind FROM timer WHERE kind LIKE 'fulfilment.%' ORDER BY kind"
    )
    assert [row["kind"] for row in rows] == ["fulfilment.sweep"]
    await clock.advance(120)
    assert await queue.journal("timer/fulfilment.overdue") == []


async def test_the_journal_tells_the_story_of_an_outage(
    queue: Queue, adapter: Caller, clock: Clock
) -> None:
    draft = act()
    await queue.ask(draft)
    await adapter.fulfilment.ReportOutcomeUnknown(unknown(await lease_one(adapter)))
    await lease_one(adapter)
    await clock.advance(16)
    await clock.advance(60)
    await adapter.fulfilment.CompleteWorkItem(opened(await lease_one(adapter)))
    entries = await queue.database.as_owner(
        "SELECT action, object_state FROM audit_entry WHERE object_id = $1 ORDER BY position",
        str((await queue.row(draft.operation_id))["work_item_id"]),
    )
    assert [(entry["action"].split("/")[1], entry["object_state"]) for entry in entries] == [
        ("ReportOutcomeUnknown", "UNKNOWN"),
        ("fulfilment.overdue", "UNKNOWN"),
        ("CompleteWorkItem", "DONE"),
    ]
