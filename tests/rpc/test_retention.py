"""How long answers are remembered, and what becomes of ids that are older."""

from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketRequest
from fingertip_server.app import App
from fingertip_server.rpc import timers
from tests.conftest import Clock, Database
from tests.lobby.tickets import press
from tests.world import World

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
