"""Whatever goes wrong between adapter and bank, each operation has one effect."""

import asyncio
import json
from pathlib import Path

import pytest

from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    ListWorkItemsRequest,
    RetryWorkItemRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import WorkItem
from fingertip_client.request_ids import new_request_id
from tests.conftest import Clock
from tests.core_banking.orders import opening
from tests.core_banking.specimens import simulated_bank
from tests.core_banking.working import working
from tests.fulfilment.queue import Owner, Queue
from tests.world import World


@pytest.mark.parametrize("on_timeout", ["acts", "acts_late", "never_acts"])
async def test_every_operation_is_done_once(
    queue: Queue, world: World, owner: Owner, clock: Clock, tmp_path: Path, on_timeout: str
) -> None:
    control = tmp_path / "faults.json"
    troubled = {"failure_rate": 0.15, "timeout_rate": 0.2, "latency_s": 0.01}
    control.write_text(
        json.dumps(
            {"execute": troubled | {"timeout": on_timeout, "late_s": 0.4}, "inquire": troubled}
        )
    )
    bank, ledger = simulated_bank(tmp_path, control_file=control)
    drafts = [opening() for _ in range(40)]
    await queue.ask(*drafts)
    async with (
        asyncio.timeout(90),
        working(world.core_adapter, bank),
        working(world.core_adapter, bank),
    ):
        while owner.words.count("done") < len(drafts):
            await asyncio.sleep(0.5)
            # Leases lapse by this, too, with work in hand.
            await clock.advance(35)
            await give_new_attempts(world)
    booked = [booking.operation_id for booking in ledger.bookings()]
    assert sorted(booked) == sorted(draft.operation_id for draft in drafts)
    assert owner.words.count("done") == len(drafts)
    assert "failed" not in owner.words
    assert "unknown" in owner.words


async def give_new_attempts(world: World) -> None:
    """Does what an operator does about parked items."""
    parked = ListWorkItemsRequest(states=[WorkItem.STATE_PARKED], page_size=200)
    response = await world.operations.fulfilment.ListWorkItems(parked)
    for item in response.work_items:
        await world.operations.fulfilment.RetryWorkItem(
            RetryWorkItemRequest(
                request_id=new_request_id(), work_item_id=item.work_item_id, purpose="再试"
            )
        )
