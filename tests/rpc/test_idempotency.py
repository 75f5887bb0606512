"""The same request_id is the same request: one effect, one answer."""

import asyncio

import grpc
import pytest

from fingertip.identity.v1.identity_service_pb2 import StartShiftRequest
from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketResponse
from tests.conftest import Database
from tests.lobby.tickets import call_next, issue, press
from tests.world import World, refused

_TWINS = 64


async def _count(database: Database, table: str) -> int:
    [row] = await database.as_owner(f"SELECT count(*) AS n FROM {table}")  # noqa: S608 - ours
    return int(row["n"])


async def _journal(database: Database) -> list[tuple[str, str]]:
    rows = await database.as_owner(
        "SELECT outcome, reason FROM audit_entry WHERE action LIKE '%/IssueTicket'"
        " ORDER BY chain, position"
    )
    return [(row["outcome"], row["reason"]) for row in rows]


async def test_a_repetition_gets_the_same_answer_and_has_no_second_effect(
    world: World, database: Database
) -> None:
    request = press()
    first = await world.ticket_machine.lobby.IssueTicket(request)
    events = await _count(database, "feed_event")
    again = await world.ticket_machine.lobby.IssueTicket(request)
    assert again == first
    assert await _count(database, "ticket") == 1
    assert await _count(database, "feed_event") == events
    assert await _journal(database) == [("DONE", "")]


async def test_a_repetition_gets_the_answer_given_then_not_the_state_now(world: World) -> None:
    request = press()
    first = await world.ticket_machine.lobby.IssueTicket(request)
    await call_next(world.teller, "3")
    assert await world.ticket_machine.lobby.IssueTicket(request) == first


async def test_another_body_under_the_same_id_is_refused(world: World, database: Database) -> None:
    request = press("B")
    await world.ticket_machine.lobby.IssueTicket(request)
    request.service_line_code = "C"
    with refused("REQUEST_ID_REUSED") as caught:
        await world.ticket_machine.lobby.IssueTicket(request)
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "B" not in caught.value.metadata.values(), "nothing is told of the first request"
    assert await _count(database, "ticket") == 1
    assert await _journal(database) == [("DONE", ""), ("REFUSED", "REQUEST_ID_REUSED")]


async def test_what_only_a_newer_contract_knows_makes_another_request(world: World) -> None:
    request = press()
    first = await world.ticket_machine.lobby.IssueTicket(request)
    request.MergeFromString(b"\xfa\x3f\x02hi")
    with refused("REQUEST_ID_REUSED"):
        await world.ticket_machine.lobby.IssueTicket(request)
    request.DiscardUnknownFields()
    assert await world.ticket_machine.lobby.IssueTicket(request) == first


async def test_the_same_id_of_another_caller_is_another_request(
    world: World, database: Database
) -> None:
    request = press()
    mine = await world.ticket_machine.lobby.IssueTicket(request)
    theirs = await world.other_ticket_machine.lobby.IssueTicket(request)
    assert mine.ticket.ticket_id != theirs.ticket.ticket_id
    assert await _count(database, "ticket") == 2


async def test_the_same_id_of_another_method_is_another_request(world: World) -> None:
    request = press()
    await world.lobby_manager.lobby.IssueTicket(request)
    with refused("ALREADY_ON_SHIFT"):
        await world.lobby_manager.identity.StartShift(
            StartShiftRequest(request_id=request.request_id)
        )


async def test_an_id_in_other_letters_is_the_same_id(world: World, database: Database) -> None:
    request = press()
    first = await world.ticket_machine.lobby.IssueTicket(request)
    request.request_id = request.request_id.upper()
    assert await world.ticket_machine.lobby.IssueTicket(request) == first
    assert await _count(database, "ticket") == 1


async def test_concurrent_twins_have_one_effect(world: World, database: Database) -> None:
    request = press()

    async def press_once() -> IssueTicketResponse:
        answer: IssueTicketResponse = await world.ticket_machine.lobby.IssueTicket(request)
        return answer

    answers = await asyncio.gather(*(press_once() for _ in range(_TWINS)))
    assert all(answer == answers[0] for answer in answers)
    assert await _count(database, "ticket") == 1
    assert await _count(database, "idempotency WHERE method LIKE '%/IssueTicket'") == 1
    assert await _journal(database) == [("DONE", "")]
    # Nor was a number used up by a twin that lost.
    assert (await issue(world.ticket_machine)).number == "B002"


async def test_a_refusal_is_not_kept_and_the_id_is_decided_anew(
    world: World, database: Database
) -> None:
    request = press("Z")
    for _ in range(2):
        with refused("SERVICE_LINE_NOT_FOUND"):
            await world.ticket_machine.lobby.IssueTicket(request)
    assert await _count(database, "idempotency WHERE method LIKE '%/IssueTicket'") == 0
    assert await _journal(database) == [("REFUSED", "SERVICE_LINE_NOT_FOUND")] * 2
    request.service_line_code = "B"
    await world.ticket_machine.lobby.IssueTicket(request)
    assert await _count(database, "ticket") == 1


@pytest.mark.parametrize(
    "request_id",
    ["", "1", "not a uuid", "0" * 36, "01a2083e-78b7-7f5d-a88f-5b5f3adfdbe", "x" * 10_000],
)
async def test_what_is_no_uuid_is_refused_by_name(world: World, request_id: str) -> None:
    request = press()
    request.request_id = request_id
    with refused("INVALID_REQUEST") as caught:
        await world.ticket_machine.lobby.IssueTicket(request)
    assert [violation.field for violation in caught.value.violations][:1] == ["request_id"]


async def test_a_stored_answer_is_sealed(world: World, database: Database) -> None:
    answer = await world.ticket_machine.lobby.IssueTicket(press())
    [row] = await database.as_owner("SELECT answer FROM idempotency WHERE method LIKE '%Ticket'")
    assert answer.ticket.ticket_id.encode() not in row["answer"]
    assert answer.ticket.number.encode() not in row["answer"]
