"""How long answers are remembered, and what becomes of ids that are older."""

import time
import uuid

import grpc

from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketRequest
from fingertip_server.app import App
from fingertip_server.rpc import timers
from tests.conftest import Clock, Database
from tests.lobby.tickets import press
from tests.world import World, refused

DAY = 86_400


async def _is_remembered(database: Database, request: IssueTicketRequest) -> bool:
    rows = await database.as_owner(
        "SELECT 1 FROM idempotency WHERE request_id::text = $1", request.request_id
    )
    return bool(rows)


async def test_answers_are_remembered_for_a_week_and_then_forgotten(
    world: World, database: Database, clock: Clock
) -> None:
    request = press()
    await world.ticket_machine.lobby.IssueTicket(request)
    await clock.advance(7 * DAY)
    assert await _is_remembered(database, request)
    await clock.advance(DAY + 600)
    assert not await _is_remembered(database, request)


def _press_of(age_days: float) -> IssueTicketRequest:
    """Returns a press whose id was made so long ago."""
    request = press()
    made_at = time.time() - age_days * DAY
    rest = uuid.UUID(request.request_id).int & ((1 << 80) - 1)
    request.request_id = str(uuid.UUID(int=int(made_at * 1000) << 80 | rest))
    return request


async def test_an_id_older_than_a_week_is_refused_unless_its_answer_is_remembered(
    world: World, database: Database, clock: Clock
) -> None:
    answered, forgotten = _press_of(6.8), _press_of(6.8)
    first = await world.ticket_machine.lobby.IssueTicket(answered)
    await world.ticket_machine.lobby.IssueTicket(forgotten)
    await database.as_owner(
        "DELETE FROM idempotency WHERE request_id::text = $1", forgotten.request_id
    )
    await clock.advance(DAY / 2)
    assert await world.ticket_machine.lobby.IssueTicket(answered) == first
    with refused("REQUEST_ID_EXPIRED") as caught:
        await world.ticket_machine.lobby.IssueTicket(forgotten)
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    [tickets] = await database.as_owner("SELECT count(*) FROM ticket")
    assert tickets["count"] == 2
    [entry] = await database.as_owner("SELECT * FROM audit_entry WHERE outcome = 'REFUSED'")
    assert entry["reason"] == "REQUEST_ID_EXPIRED"


async def test_an_id_that_does_not_tell_its_age_is_taken(world: World) -> None:
    request = _press_of(300)
    request.request_id = str(uuid.UUID(request.request_id, version=4))
    await world.ticket_machine.lobby.IssueTicket(request)


async def test_an_id_from_the_end_of_time_is_taken(world: World) -> None:
    request = press()
    request.request_id = "ffffffff-ffff-7fff-bfff-ffffffffffff"
    await world.ticket_machine.lobby.IssueTicket(request)


async def test_what_has_piled_up_is_forgotten_without_a_pause(
    server: App, world: World, database: Database, clock: Clock
) -> None:
    await clock.advance(0)
    await database.as_owner(
        "INSERT INTO idempotency (scope, method, request_id, request_hash, answer, created_at)"
        " SELECT 'x', 'y', gen_random_uuid(), '', '', fingertip_now() - interval '30 days'"
        " FROM generate_series(1, $1::int)",
        45_000,
    )
    await database.as_owner(
        "UPDATE timer SET due_at = fingertip_now() WHERE kind = $1", timers.PRUNE
    )
    await clock.advance(0)
    [row] = await database.as_owner("SELECT count(*) FROM idempotency WHERE scope = 'x'")
    assert row["count"] == 0
