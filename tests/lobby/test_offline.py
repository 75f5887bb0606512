"""Numbers printed while the server is away, and registered afterwards."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.refusal import Refused
from tests.conftest import Clock, Database
from tests.customer.master import sync, wang
from tests.lobby.tickets import call_next, card, issue, late, listed, reserve, server_time
from tests.world import World, refused


async def test_a_block_is_taken_out_of_the_line_s_numbers(world: World) -> None:
    assert (await issue(world.ticket_machine)).number == "B001"
    block = await reserve(world.ticket_machine, count=5)
    assert (block.first_number, block.last_number) == (2, 6)
    assert block.time_zone == "Asia/Shanghai"
    assert (await issue(world.ticket_machine)).number == "B007"
    again = await reserve(world.ticket_machine, count=5)
    assert (again.first_number, again.last_number) == (8, 12)


async def test_a_block_is_no_longer_than_policy_allows(world: World) -> None:
    block = await reserve(world.ticket_machine, count=50)
    assert block.last_number - block.first_number + 1 == 50


async def test_blocks_reserved_at_once_do_not_overlap(world: World) -> None:
    machines = [world.ticket_machine] * 10
    blocks = await asyncio.gather(*(reserve(machine, count=3) for machine in machines))
    taken = sorted(n for b in blocks for n in range(b.first_number, b.last_number + 1))
    assert taken == list(range(1, 31))


async def test_at_a_line_s_end_a_block_is_shorter(world: World, database: Database) -> None:
    await issue(world.ticket_machine)
    await database.as_application("UPDATE ticket_sequence SET next_number = 998")
    block = await reserve(world.ticket_machine, count=5)
    assert (block.first_number, block.last_number) == (998, 999)


async def test_a_printed_number_is_registered_as_it_was_taken(
    world: World, database: Database, clock: Clock
) -> None:
    block = await reserve(world.ticket_machine)
    taken = await server_time(database)
    await clock.advance(300)
    request = late(block, 2, taken)
    ticket = (await world.ticket_machine.lobby.IssueTicket(request)).ticket
    assert ticket.ticket_id == request.ticket_id
    assert ticket.number == "B002"
    assert ticket.issued_offline
    assert ticket.state == Ticket.STATE_WAITING
    assert ticket.issue_time.ToDatetime(tzinfo=UTC) == taken


async def test_who_took_a_number_offline_keeps_his_place(
    world: World, database: Database, clock: Clock
) -> None:
    block = await reserve(world.ticket_machine)
    taken = await server_time(database)
    await clock.advance(60)
    online = await issue(world.ticket_machine)
    answer = await world.ticket_machine.lobby.IssueTicket(late(block, 1, taken))
    assert answer.waiting_count == 0
    assert (await call_next(world.teller, "3")).number == "B001"
    assert (await call_next(world.teller, "4")).ticket_id == online.ticket_id


async def test_the_same_registration_again_is_the_same_ticket(
    world: World, database: Database
) -> None:
    block = await reserve(world.ticket_machine)
    request = late(block, 1, await server_time(database))
    answers = await asyncio.gather(
        *(world.ticket_machine.lobby.IssueTicket(request) for _ in range(16))
    )
    assert all(answer == answers[0] for answer in answers)
    assert len(await listed(world)) == 1


async def test_a_number_is_registered_exactly_once(world: World, database: Database) -> None:
    block = await reserve(world.ticket_machine)
    taken = await server_time(database)
    attempts = [late(block, 1, taken) for _ in range(8)]
    outcomes = await asyncio.gather(
        *(world.ticket_machine.lobby.IssueTicket(attempt) for attempt in attempts),
        return_exceptions=True,
    )
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert {refusal.reason for refusal in refusals} == {"TICKET_EXISTS"}
    assert len(refusals) == len(attempts) - 1
    [ticket] = await listed(world)
    assert ticket.number == "B001"
    assert {refusal.metadata["ticket_id"] for refusal in refusals} == {ticket.ticket_id}


async def test_a_ticket_s_id_is_taken_once(world: World, database: Database) -> None:
    block = await reserve(world.ticket_machine)
    one, other = (
        late(block, 1, await server_time(database)),
        late(block, 2, await server_time(database)),
    )
    other.ticket_id = one.ticket_id
    await world.ticket_machine.lobby.IssueTicket(one)
    with refused("TICKET_EXISTS") as refusal:
        await world.ticket_machine.lobby.IssueTicket(other)
    assert refusal.value.metadata == {"ticket_id": one.ticket_id}


@pytest.mark.parametrize("number", [6, 999])
async def test_a_number_outside_of_the_block_is_refused(
    world: World, database: Database, number: int
) -> None:
    block = await reserve(world.ticket_machine, count=5)
    with refused("NUMBER_NOT_RESERVED"):
        await world.ticket_machine.lobby.IssueTicket(
            late(block, number, await server_time(database))
        )


async def test_a_number_of_another_line_or_machine_is_refused(
    world: World, database: Database
) -> None:
    block = await reserve(world.ticket_machine)
    taken = await server_time(database)
    request = late(block, 1, taken)
    request.service_line_code = "C"
    with refused("NUMBER_NOT_RESERVED"):
        await world.ticket_machine.lobby.IssueTicket(request)
    for caller in (world.other_ticket_machine, world.lobby_manager):
        with refused("NUMBER_NOT_RESERVED"):
            await caller.lobby.IssueTicket(late(block, 1, taken))
    block.block_id = "00000000-0000-4000-8000-000000000000"
    with refused("NUMBER_NOT_RESERVED"):
        await world.ticket_machine.lobby.IssueTicket(late(block, 1, taken))


async def test_a_ticket_was_not_taken_tomorrow(world: World, database: Database) -> None:
    block = await reserve(world.ticket_machine)
    request = late(block, 1, await server_time(database) + timedelta(hours=1))
    with refused("INVALID_REQUEST") as refusal:
        await world.ticket_machine.lobby.IssueTicket(request)
    assert [violation.field for violation in refusal.value.violations] == ["capture_time"]


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [(0, -1), (0, 1_000_000_000), (253_402_300_800, 0), (-62_135_596_801, 0), (2**63 - 1, 0)],
)
async def test_a_time_that_no_calendar_has_is_refused_by_name(
    world: World, database: Database, seconds: int, nanos: int
) -> None:
    request = late(await reserve(world.ticket_machine), 1, await server_time(database))
    request.capture_time.CopyFrom(Timestamp(seconds=seconds, nanos=nanos))
    with refused("INVALID_REQUEST") as refusal:
        await world.ticket_machine.lobby.IssueTicket(request)
    assert [violation.field for violation in refusal.value.violations] == ["capture_time"]


@pytest.mark.parametrize("year", [1, 1969, 1970, 2024])
async def test_a_machine_whose_clock_is_years_behind_issued_after_it_reserved(
    world: World, database: Database, year: int
) -> None:
    reserved_at = await server_time(database)
    block = await reserve(world.ticket_machine)
    taken = datetime(year, 2, 28, 23, 59, 59, tzinfo=UTC)
    answer = await world.ticket_machine.lobby.IssueTicket(late(block, 1, taken))
    assert answer.ticket.issue_time.ToDatetime(UTC) >= reserved_at


@pytest.mark.parametrize("missing", ["ticket_id", "reserved_number", "capture_time"])
async def test_what_belongs_together_is_given_together(
    world: World,
    database: Database,
    missing: Literal["ticket_id", "reserved_number", "capture_time"],
) -> None:
    request = late(await reserve(world.ticket_machine), 1, await server_time(database))
    request.ClearField(missing)
    with refused("INVALID_REQUEST") as refusal:
        await world.ticket_machine.lobby.IssueTicket(request)
    assert [violation.field for violation in refusal.value.violations] == ["reserved_number"]


async def test_an_important_customer_is_announced_when_her_ticket_is_registered(
    world: World, database: Database
) -> None:
    await sync(world, wang())
    block = await reserve(world.ticket_machine)
    request = late(
        block, 1, await server_time(database), identification=card(wang().card_numbers[0])
    )
    answer = await world.ticket_machine.lobby.IssueTicket(request)
    # What was printed stays: she is not put into another line.
    assert answer.ticket.number == "B001"
    [row] = await database.as_application("SELECT ticket_id FROM arrival")
    assert str(row["ticket_id"]) == request.ticket_id


@pytest.mark.parametrize("role", ["lobby_manager", "teller", "crm_adapter"])
async def test_only_machines_reserve_numbers(world: World, role: str) -> None:
    with refused("PERMISSION_MISSING"):
        await reserve(getattr(world, role))
