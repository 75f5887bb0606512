"""Asking for a part of a view while the bank is answering it."""

import asyncio
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest
from sqlalchemy.util import await_only

from fingertip.fulfilment.v1.fulfilment_service_pb2 import ExtendLeaseRequest, LeaseQuote
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


@dataclass
class _Owner:
    """The owner of a kind of work, who waits before he stores a result."""

    is_told: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def pausing(self, kept: Completion) -> Completion:
        """Returns what he is told by."""

        def done(call: Call, item: Item, result: WorkResult) -> None:
            self.is_told.set()
            await_only(self.may_go_on.wait())
            kept.done(call, item, result)

        return replace(kept, done=done)


@pytest.fixture
def pausing(server: App) -> _Owner:
    owner = _Owner()
    completions = dict(server.frame.hooks.completions)
    completions["crm.view"] = owner.pausing(completions["crm.view"])
    server.frame.hooks = replace(server.frame.hooks, completions=completions)
    return owner


async def test_who_asks_does_not_wait_for_who_answers(
    server: App, world: World, database: Database, pausing: _Owner
) -> None:
    owner = await _known(world)
    await _ask(server, "0101", owner)
    [first, *_] = await bank.lease(world.crm_adapter, "crm.view")
    answering = asyncio.create_task(bank.complete([(world.crm_adapter, first)]))
    await pausing.is_told.wait()
    try:
        # Were the item changed already, he would wait for the answer, and the answer for his rows.
        async with asyncio.timeout(1):
            await _ask(server, "0102", owner)
    finally:
        pausing.may_go_on.set()
        await answering
    waiting = await database.as_owner(
        "SELECT topic, count(*) FROM customer_section_asker GROUP BY topic ORDER BY topic"
    )
    assert [tuple(row) for row in waiting] == [("0101", 4), ("0102", 4)]


async def test_who_asks_does_not_wait_for_who_extends(
    server: App, world: World, pausing: _Owner
) -> None:
    owner = await _known(world)
    await _ask(server, "0101", owner)
    leased = await bank.lease(world.crm_adapter, "crm.view")
    quotes = [
        LeaseQuote(work_item_id=item.work_item.work_item_id, fence=item.fence) for item in leased
    ]
    answering = asyncio.create_task(bank.complete([(world.crm_adapter, leased[-1])]))
    await pausing.is_told.wait()
    extending = asyncio.ensure_future(
        world.crm_adapter.fulfilment.ExtendLease(ExtendLeaseRequest(leases=quotes))
    )
    try:
        # It waits for the last item, and must not have changed the others yet.
        await asyncio.sleep(0.2)
        assert not extending.done()
        async with asyncio.timeout(1):
            await _ask(server, "0102", owner)
    finally:
        pausing.may_go_on.set()
        await answering
    # What was answered meanwhile is lost, and nothing else.
    assert list((await extending).lost_work_item_ids) == [quotes[-1].work_item_id]


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
