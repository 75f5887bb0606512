"""The customer's view: what is there at once, and what the bank adds later."""

import asyncio
from time import monotonic
from uuid import UUID, uuid4

import pytest

from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.customer.v1.customer_service_pb2 import (
    CustomerRecord,
    GetCustomerViewRequest,
    GetCustomerViewResponse,
)
from fingertip.customer.v1.customer_view_pb2 import CustomerSectionChanged, Section, SectionKind
from fingertip_client.caller import Caller
from tests.conftest import Clock, Database
from tests.customer import bank
from tests.customer.master import customer_id, ordinary, sync, wang
from tests.events.publishing import next_events, next_message, watching
from tests.world import World, refused

ALL_KINDS = [kind for kind in SectionKind.values() if kind]
MINUTES = 60
ACCOUNT_OF_ANOTHER = "6222021234567890128"


async def _known(world: World, record: CustomerRecord) -> UUID:
    await sync(world, record)
    return await customer_id(world, record)


async def _view(caller: Caller, owner: UUID, journey_id: str = "") -> GetCustomerViewResponse:
    view: GetCustomerViewResponse = await caller.customer.GetCustomerView(
        GetCustomerViewRequest(customer_id=str(owner), journey_id=journey_id)
    )
    return view


def _ages(view: GetCustomerViewResponse) -> dict[str, str]:
    return {
        SectionKind.Name(section.kind).removeprefix("SECTION_KIND_"): Section.Freshness.Name(
            section.freshness
        ).removeprefix("FRESHNESS_")
        for section in view.sections
    }


async def _questions(database: Database) -> int:
    [row] = await database.as_application(
        "SELECT count(*) FROM work_item WHERE kind IN ('crm.view', 'core.view')"
    )
    count: int = row["count"]
    return count


async def test_a_silent_bank_costs_a_second_at_most(world: World, database: Database) -> None:
    owner = await _known(world, wang())
    started = monotonic()
    view = await _view(world.teller, owner)
    assert monotonic() - started < 1.0
    assert [section.kind for section in view.sections] == ALL_KINDS
    assert set(_ages(view).values()) == {"UNAVAILABLE"}
    assert not any(section.HasField("content") for section in view.sections)
    assert view.customer.name == "王**"
    assert await _questions(database) == len(ALL_KINDS)


async def test_a_quick_bank_is_waited_for(world: World) -> None:
    owner = await _known(world, wang())
    started = monotonic()
    view, _ = await asyncio.gather(_view(world.teller, owner), bank.answer_views(world))
    assert monotonic() - started < 1.0
    assert set(_ages(view).values()) == {"FRESH"}
    [profile] = [s for s in view.sections if s.kind == SectionKind.SECTION_KIND_PROFILE]
    assert profile.content.profile.occupation == "教师"
    assert profile.version == 1
    assert profile.HasField("as_of_time")


async def test_account_numbers_are_masked_and_amounts_are_not(world: World) -> None:
    owner = await _known(world, wang())
    await asyncio.gather(_view(world.teller, owner), bank.answer_views(world))
    for view in (await _view(world.teller, owner), await _view(world.lobby_manager, owner)):
        [section] = [s for s in view.sections if s.kind == SectionKind.SECTION_KIND_HOLDINGS]
        [holding] = section.content.holdings.holdings
        assert holding.account_number == "622588******7430"
        assert holding.balance.units == 1200


async def test_late_sections_are_masked_too(world: World) -> None:
    owner = await _known(world, wang())
    view, _ = await asyncio.gather(_view(world.teller, owner), bank.answer_views(world))
    assert bank.ACCOUNT not in str(view)
    assert "622588******7430" in str(view)


async def test_what_only_a_newer_contract_knows_is_not_shown(world: World) -> None:
    owner = await _known(world, wang())
    await _view(world.teller, owner)
    [leased] = [
        item
        for item in await bank.lease(world.crm_adapter, "crm.view")
        if item.order.view_section.kind == SectionKind.SECTION_KIND_PROFILE
    ]
    report = bank.report(leased)
    # A field 100 of a profile, which may hold anything: the adapter was renewed before the server.
    newer = b"\xa2\x06\x13" + ACCOUNT_OF_ANOTHER.encode()
    report.result.section.profile.MergeFromString(newer)
    await world.crm_adapter.fulfilment.CompleteWorkItem(report)
    view = await _view(world.teller, owner)
    [profile] = [s for s in view.sections if s.kind == SectionKind.SECTION_KIND_PROFILE]
    assert profile.content.profile.occupation == "教师"
    assert ACCOUNT_OF_ANOTHER.encode() not in view.SerializeToString()


async def test_a_fresh_view_asks_nobody(world: World, database: Database) -> None:
    owner = await _known(world, wang())
    await asyncio.gather(_view(world.teller, owner), bank.answer_views(world))
    asked = await _questions(database)
    assert set(_ages(await _view(world.second_teller, owner)).values()) == {"FRESH"}
    assert await _questions(database) == asked


async def test_each_section_ages_by_its_own_time_to_live(
    world: World, clock: Clock, database: Database
) -> None:
    owner = await _known(world, wang())
    await asyncio.gather(_view(world.teller, owner), bank.answer_views(world))
    await clock.advance(5 * MINUTES)
    view = await _view(world.teller, owner)
    stale = {kind for kind, age in _ages(view).items() if age == "STALE"}
    assert stale == {"HOLDINGS", "TRANSACTIONS"}
    assert set(_ages(view).values()) == {"STALE", "FRESH"}
    # What is stale is shown all the same, with its age.
    assert all(section.HasField("content") for section in view.sections)
    assert await _questions(database) == len(ALL_KINDS) + len(stale)
    await bank.answer_views(world, count=len(stale))
    again = await _view(world.teller, owner)
    assert set(_ages(again).values()) == {"FRESH"}
    versions = {SectionKind.Name(s.kind): s.version for s in again.sections}
    assert versions["SECTION_KIND_HOLDINGS"] == 2
    assert versions["SECTION_KIND_PROFILE"] == 1


async def test_many_who_ask_at_once_are_one_question(world: World, database: Database) -> None:
    owner = await _known(world, wang())
    callers = [world.teller, world.second_teller, world.lobby_manager, world.other_teller] * 5
    views = await asyncio.gather(*(_view(caller, owner) for caller in callers))
    assert all(len(view.sections) == len(ALL_KINDS) for view in views)
    assert await _questions(database) == len(ALL_KINDS)


async def test_a_late_section_is_announced_and_can_be_fetched(world: World) -> None:
    owner = await _known(world, wang())
    await _view(world.teller, owner)
    async with watching(world.teller) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        leased = await bank.lease_views(world)
        assert len(leased) == len(ALL_KINDS)
        await bank.complete(leased)
        news = [(await next_events(stream)).events[0] for _ in ALL_KINDS]
    told = {event.customer_section_changed.kind for event in news}
    assert told == set(ALL_KINDS)
    for event in news:
        changed = event.customer_section_changed
        assert changed == CustomerSectionChanged(
            customer_id=str(owner), kind=changed.kind, version=1
        )
    assert set(_ages(await _view(world.teller, owner)).values()) == {"FRESH"}


async def test_every_branch_that_asked_is_told(world: World, clock: Clock) -> None:
    owner = await _known(world, wang())
    await asyncio.gather(_view(world.teller, owner), _view(world.other_teller, owner))
    leased = await bank.lease_views(world)
    assert len(leased) == len(ALL_KINDS)
    async with (
        watching(world.teller) as here,
        watching(world.other_teller, branch_id="0102") as there,
    ):
        for stream in (here, there):
            while not (await next_message(stream)).HasField("snapshot_end"):
                pass
        await bank.complete(leased)
        await clock.advance(0)
        for stream in (here, there):
            kinds: set[int] = set()
            while len(kinds) < len(ALL_KINDS):
                for event in (await next_events(stream)).events:
                    assert event.customer_section_changed.customer_id == str(owner)
                    kinds.add(event.customer_section_changed.kind)
            assert kinds == set(ALL_KINDS)


async def test_a_branch_that_did_not_ask_is_not_told(world: World, clock: Clock) -> None:
    owner = await _known(world, wang())
    async with watching(world.other_teller, branch_id="0102") as there:
        while not (await next_message(there)).HasField("snapshot_end"):
            pass
        await asyncio.gather(_view(world.teller, owner), bank.answer_views(world))
        await clock.advance(0)
        other = await _known(world, ordinary())
        await asyncio.gather(_view(world.other_teller, other), bank.answer_views(world))
        [event] = (await next_events(there)).events
        assert event.customer_section_changed.customer_id == str(other)


async def test_a_bank_that_refuses_is_said_to_be_unavailable(
    world: World, database: Database
) -> None:
    owner = await _known(world, wang())
    await _view(world.teller, owner)
    async with watching(world.teller) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        await bank.fail(await bank.lease_views(world))
        news = [(await next_events(stream)).events[0] for _ in ALL_KINDS]
    assert all(event.customer_section_changed.unavailable for event in news)
    assert {event.customer_section_changed.version for event in news} == {0}
    # Whoever looks again asks again.
    await _view(world.teller, owner)
    assert await _questions(database) == 2 * len(ALL_KINDS)


async def test_a_bank_that_never_answers_is_said_to_be_unavailable(
    world: World, clock: Clock
) -> None:
    owner = await _known(world, wang())
    await _view(world.teller, owner)
    async with watching(world.teller) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        await clock.advance(31)
        kinds: set[int] = set()
        while len(kinds) < len(ALL_KINDS):
            for event in (await next_events(stream)).events:
                assert event.customer_section_changed.unavailable
                kinds.add(event.customer_section_changed.kind)


async def test_what_comes_for_a_customer_who_left_is_not_kept(
    world: World, database: Database
) -> None:
    owner = await _known(world, wang())
    await _view(world.teller, owner)
    leased = await bank.lease_views(world)
    await sync(
        world,
        CustomerRecord(customer_number=wang().customer_number, version=2, deleted=True),
    )
    await bank.complete(leased)
    [row] = await database.as_application("SELECT count(*) FROM customer_section")
    assert row["count"] == 0


async def test_a_look_is_journalled_once_however_long_it_took(world: World) -> None:
    owner = await _known(world, wang())
    journey_id = str(uuid4())
    await asyncio.gather(_view(world.teller, owner, journey_id), bank.answer_views(world))
    listed = await world.auditor.audit.ListEntries(
        ListEntriesRequest(chain="0101", journey_id=journey_id)
    )
    looks = [e for e in listed.entries if e.action.endswith("/GetCustomerView")]
    [look] = looks
    assert (look.object_kind, look.object_id) == ("customer", str(owner))
    assert look.actor.actor_id == "100103"


async def test_nobody_has_no_view(world: World) -> None:
    with refused("CUSTOMER_NOT_FOUND"):
        await _view(world.teller, uuid4())


@pytest.mark.parametrize("role", ["ticket_machine", "core_adapter", "authoriser", "auditor"])
async def test_who_serves_no_customers_sees_no_view(world: World, role: str) -> None:
    caller = getattr(world, role)
    with refused("PERMISSION_MISSING"):
        await _view(caller, uuid4())
