"""Asking for a part of a view while the bank is answering it."""

import asyncio
from dataclasses import replace
from uuid import UUID

from sqlalchemy.util import await_only

from fingertip.fulfilment.v1.work_item_pb2 import WorkResult
from fingertip_server.app import App
from fingertip_server.customer import directory
from fingertip_server.fulfilment.hooks import Completion, Item
from fingertip_server.rpc.call import Call
from tests.conftest import Database
from tests.customer import bank
from tests.customer.master import customer_id, sync, wang
from tests.world import World

BRANCHES = ("0101", "0102", "0103")
ROUNDS = 8


async def _known(world: World) -> UUID:
    await sync(world, wang())
    return await customer_id(world, wang())


async def _ask(server: App, branch_id: str, owner: UUID) -> None:
    """Asks for a view as a call of a branch does, without waiting for the answer."""

    def work(call: Call) -> None:
        call.home = branch_id
        directory.ask_for_view(call, owner)

    await server.pipeline.due("test/ask", work)


async def _deadlocks(database: Database) -> int:
    [row] = await database.as_owner(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    count: int = row["deadlocks"]
    return count


def _pausing(kept: Completion, is_told: asyncio.Event, go_on: asyncio.Event) -> Completion:
    """Returns an owner who, told of a result, waits before he stores it."""

    def done(call: Call, item: Item, result: WorkResult) -> None:
        is_told.set()
        await_only(go_on.wait())
        kept.done(call, item, result)

    return replace(kept, done=done)


async def test_who_asks_does_not_wait_for_who_answers(
    server: App, world: World, database: Database
) -> None:
    owner = await _known(world)
    await _ask(server, "0101", owner)
    [answered, *_] = await bank.lease(world.crm_adapter, "crm.view")
    is_told, go_on = asyncio.Event(), asyncio.Event()
    completions = dict(server.frame.hooks.completions)
    completions["crm.view"] = _pausing(completions["crm.view"], is_told, go_on)
    server.frame.hooks = replace(server.frame.hooks, completions=completions)
    answering = asyncio.create_task(bank.complete([(world.crm_adapter, answered)]))
    await is_told.wait()
    try:
        # Its rows are his by now. Were the item changed already, he would wait for the answer,
        # which waits for his rows.
        async with asyncio.timeout(1):
            await _ask(server, "0102", owner)
    finally:
        go_on.set()
        await answering
    # Who asked in between is told.
    waiting = await database.as_owner(
        "SELECT topic, count(*) FROM customer_section_asker GROUP BY topic ORDER BY topic"
    )
    assert [tuple(row) for row in waiting] == [("0101", 4), ("0102", 4)]
    told = await database.as_owner(
        "SELECT 1 FROM feed_event WHERE topic = '0101' AND kind = 'customer_section_changed'"
    )
    assert len(told) == 1


async def test_branches_that_ask_while_the_bank_answers_end_in_no_deadlock(
    server: App, world: World, database: Database
) -> None:
    owner = await _known(world)
    for _ in range(ROUNDS):
        await asyncio.gather(*(_ask(server, branch, owner) for branch in BRANCHES[:2]))
        # What the bank refuses stays asked for: the next to ask asks anew.
        leased = await bank.lease_views(world)
        await asyncio.gather(
            *(bank.fail([each]) for each in leased),
            *(_ask(server, branch, owner) for branch in BRANCHES),
        )
    assert await _deadlocks(database) == 0
    [row] = await database.as_owner(
        "SELECT count(*) FROM work_item WHERE state IN ('READY', 'LEASED')"
    )
    assert row["count"] <= bank.SECTION_COUNT
