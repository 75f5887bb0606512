"""Who is on shift is told by himself, once."""

import asyncio

from fingertip.identity.v1.identity_service_pb2 import (
    EndShiftRequest,
    StartShiftRequest,
    StartShiftResponse,
)
from fingertip.lobby.v1.lobby_service_pb2 import ClaimArrivalRequest
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_server.app import App
from fingertip_server.identity import directory
from tests.conftest import Clock, Database
from tests.customer.master import sync, wang
from tests.identity.enrolling import newest_entry, who_am_i
from tests.lobby.tickets import card, issue, shown
from tests.world import World, refused


async def start_shift(world: World, request_id: str = "") -> StartShiftResponse:
    request = StartShiftRequest(request_id=request_id or new_request_id())
    return await world.other_teller.identity.StartShift(request)


async def end_shift(world: World) -> None:
    await world.other_teller.identity.EndShift(EndShiftRequest(request_id=new_request_id()))


async def test_a_shift_starts_and_ends(world: World) -> None:
    assert (await start_shift(world)).staff.on_shift
    assert (await who_am_i(world.other_teller)).session.staff.on_shift
    await end_shift(world)
    assert not (await who_am_i(world.other_teller)).session.staff.on_shift


async def test_nobody_starts_two_shifts(world: World) -> None:
    await start_shift(world)
    with refused("ALREADY_ON_SHIFT"):
        await start_shift(world)


async def test_of_two_starts_that_come_together_one_counts(world: World) -> None:
    async def outcome() -> str:
        try:
            await start_shift(world)
        except Refused as error:
            return error.reason
        return "STARTED"

    outcomes = await asyncio.gather(*(outcome() for _ in range(8)))
    assert sorted(outcomes) == ["ALREADY_ON_SHIFT"] * 7 + ["STARTED"]


async def test_repeating_a_start_gives_the_same_answer(world: World, database: Database) -> None:
    request_id = new_request_id()
    first = await start_shift(world, request_id)
    assert await start_shift(world, request_id) == first
    rows = await database.as_owner("SELECT * FROM shift WHERE staff_id = '100202'")
    assert len(rows) == 1


async def test_who_is_not_on_shift_cannot_end_it(world: World) -> None:
    with refused("NOT_ON_SHIFT"):
        await end_shift(world)


async def test_a_claimed_arrival_keeps_nobody_on_shift(world: World) -> None:
    # Whoever goes to meet a customer claims her; only a claimed task is given back first.
    await sync(world, wang())
    await issue(world.ticket_machine, identification=card(wang().card_numbers[0]))
    events = await shown(world.lobby_manager, "0101")
    [arrival] = [event.arrival for event in events if event.HasField("arrival")]
    await world.lobby_manager.lobby.ClaimArrival(
        ClaimArrivalRequest(request_id=new_request_id(), arrival_id=arrival.arrival_id)
    )
    ended = await world.lobby_manager.identity.EndShift(
        EndShiftRequest(request_id=new_request_id())
    )
    assert not ended.staff.on_shift


async def test_a_shift_that_nobody_ends_lapses(
    server: App, world: World, clock: Clock, database: Database
) -> None:
    await start_shift(world)
    await clock.advance(seconds=12 * 3600 - 60)
    assert await _is_on_shift(server)
    await clock.advance(seconds=61)
    assert not await _is_on_shift(server)
    [entry] = await database.as_owner(
        "SELECT * FROM audit_entry WHERE object_state = 'LAPSED' AND chain = '0102'"
    )
    assert (entry["actor_kind"], entry["object_kind"]) == ("SYSTEM", "shift")


async def test_a_shift_that_was_ended_does_not_lapse(
    world: World, clock: Clock, database: Database
) -> None:
    await start_shift(world)
    await end_shift(world)
    await clock.advance(seconds=12 * 3600 + 1)
    rows = await database.as_owner(
        "SELECT * FROM audit_entry WHERE object_state = 'LAPSED' AND chain = '0102'"
    )
    assert not rows


async def test_both_are_on_the_chain_of_the_branch(world: World) -> None:
    await start_shift(world)
    entry = await newest_entry(world, "0102")
    assert (entry.actor.actor_id, entry.object_kind, entry.object_state) == (
        "100202",
        "shift",
        "STARTED",
    )
    await end_shift(world)
    assert (await newest_entry(world, "0102")).object_state == "ENDED"


async def _is_on_shift(server: App) -> bool:
    row = await server.units.autocommit(lambda c: directory.staff(c, "100202"))
    assert row is not None
    return row.on_shift
