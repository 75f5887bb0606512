"""What may not be executed any more is kept back from the adapter, and ends on its own branch."""

from fingertip_client.caller import Caller
from tests.conftest import Clock
from tests.fulfilment.queue import (
    Owner,
    Queue,
    act,
    is_inquiry,
    lease,
    lease_one,
    never_seen,
    read,
    unknown,
)


async def test_what_its_owner_bars_is_not_handed_out_and_fails_with_his_code(
    queue: Queue, adapter: Caller, owner: Owner, clock: Clock
) -> None:
    barred, other = act(), read()
    await queue.ask(barred, other)
    owner.bar = "LIST_HIT"
    leased = await lease(adapter)
    assert [item.work_item.operation_id for item in leased] == [str(other.operation_id)]
    await clock.advance(0)
    row = await queue.row(barred.operation_id)
    assert (row["state"], row["failure_code"]) == ("FAILED", "LIST_HIT")
    assert owner.words == ["failed"]
    [entry] = await queue.journal("end_barred")
    assert (entry["chain"], entry["object_state"]) == ("0101", "FAILED")
    owner.bar = ""
    assert await lease(adapter) == []


async def test_an_inquiry_is_not_barred_and_what_was_never_seen_is_asked_about_anew(
    queue: Queue, adapter: Caller, owner: Owner, clock: Clock
) -> None:
    draft = act()
    await queue.ask(draft)
    await adapter.fulfilment.ReportOutcomeUnknown(unknown(await lease_one(adapter)))
    owner.bar = "LIST_HIT"
    await clock.advance(31)
    inquiry = await lease_one(adapter)
    assert is_inquiry(inquiry)
    await adapter.fulfilment.FailWorkItem(never_seen(inquiry))
    assert await lease(adapter) == []
    await clock.advance(0)
    assert (await queue.row(draft.operation_id))["failure_code"] == "LIST_HIT"
    assert owner.words == ["unknown", "failed"]
