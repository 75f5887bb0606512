"""Calling tickets to desks, and what becomes of them there."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from fingertip.audit.v1.audit_entry_pb2 import AuditEntry
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.lobby.v1.lobby_service_pb2 import (
    CallTicketRequest,
    CompleteTicketRequest,
    GetLobbyRequest,
    ListTicketsRequest,
    MarkNoShowRequest,
    RecallTicketRequest,
    StartServingRequest,
)
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from tests.conftest import Clock
from tests.events.publishing import next_events, next_message, watching
from tests.lobby.tickets import call_next, issue, listed, pass_time, shown
from tests.world import World, refused

Change = Callable[[Caller, str], Awaitable[Ticket]]


async def _call(caller: Caller, ticket_id: str, desk: str = "9") -> Ticket:
    request = CallTicketRequest(request_id=new_request_id(), ticket_id=ticket_id, desk=desk)
    ticket: Ticket = (await caller.lobby.CallTicket(request)).ticket
    return ticket


async def _recall(caller: Caller, ticket_id: str) -> Ticket:
    request = RecallTicketRequest(request_id=new_request_id(), ticket_id=ticket_id)
    ticket: Ticket = (await caller.lobby.RecallTicket(request)).ticket
    return ticket


async def _miss(caller: Caller, ticket_id: str) -> Ticket:
    request = MarkNoShowRequest(request_id=new_request_id(), ticket_id=ticket_id)
    ticket: Ticket = (await caller.lobby.MarkNoShow(request)).ticket
    return ticket


async def _serve(caller: Caller, ticket_id: str) -> Ticket:
    request = StartServingRequest(request_id=new_request_id(), ticket_id=ticket_id)
    ticket: Ticket = (await caller.lobby.StartServing(request)).ticket
    return ticket


async def _complete(caller: Caller, ticket_id: str) -> Ticket:
    request = CompleteTicketRequest(request_id=new_request_id(), ticket_id=ticket_id)
    ticket: Ticket = (await caller.lobby.CompleteTicket(request)).ticket
    return ticket


CHANGES: list[Change] = [_call, _recall, _miss, _serve, _complete]
# How a fresh ticket comes to each state, and which changes are possible there.
PATHS: dict[str, tuple[list[Change], list[Change]]] = {
    "WAITING": ([], [_call]),
    "CALLED": ([_call], [_recall, _miss, _serve]),
    "SERVING": ([_call, _serve], [_complete]),
    "COMPLETED": ([_call, _serve, _complete], []),
    "NO_SHOW": ([_call, _miss], [_call]),
}


async def test_a_ticket_s_way_through_the_branch(world: World) -> None:
    taken = await issue(world.ticket_machine)
    called = await call_next(world.teller, "3")
    assert called.ticket_id == taken.ticket_id
    assert called.state == Ticket.STATE_CALLED
    assert (called.desk, called.staff_id, called.call_count) == ("3", "100103", 1)
    assert called.call_time.ToDatetime() >= taken.issue_time.ToDatetime()
    recalled = await _recall(world.teller, taken.ticket_id)
    assert (recalled.state, recalled.call_count) == (Ticket.STATE_CALLED, 2)
    serving = await _serve(world.teller, taken.ticket_id)
    assert serving.state == Ticket.STATE_SERVING
    completed = await _complete(world.teller, taken.ticket_id)
    assert completed.state == Ticket.STATE_COMPLETED
    assert completed.HasField("end_time")
    versions = [t.version for t in (taken, called, recalled, serving, completed)]
    assert versions == [1, 2, 3, 4, 5]


async def test_who_took_the_ticket_first_is_called_first(world: World) -> None:
    taken = [await issue(world.ticket_machine, line) for line in ("C", "B", "C")]
    called = [await call_next(world.teller, str(desk)) for desk in range(3)]
    assert [ticket.number for ticket in called] == [ticket.number for ticket in taken]


async def test_a_desk_calls_the_lines_that_it_serves(world: World) -> None:
    for line in "BC":
        await issue(world.ticket_machine, line)
    assert (await call_next(world.teller, "3", "C")).number == "C001"
    with refused("NO_TICKET_WAITING"):
        await call_next(world.second_teller, "4", "C")
    with refused("SERVICE_LINE_NOT_FOUND"):
        await call_next(world.second_teller, "4", "Z")


async def test_two_counters_calling_together_get_two_tickets(world: World) -> None:
    tickets = [await issue(world.ticket_machine) for _ in range(20)]
    tellers = [world.teller, world.second_teller, world.relationship_manager]
    called = await asyncio.gather(
        *(call_next(tellers[desk % 3], str(desk)) for desk in range(len(tickets)))
    )
    assert sorted(t.number for t in called) == [t.number for t in tickets]
    with refused("NO_TICKET_WAITING"):
        await call_next(world.teller, "20")


async def test_more_counters_than_tickets_get_none_twice(world: World) -> None:
    await issue(world.ticket_machine)
    outcomes = await asyncio.gather(
        *(call_next(world.teller, str(desk)) for desk in range(8)), return_exceptions=True
    )
    called = [outcome for outcome in outcomes if isinstance(outcome, Ticket)]
    assert [ticket.number for ticket in called] == ["B001"]


async def test_priority_goes_first_until_somebody_has_waited_too_long(
    world: World, clock: Clock
) -> None:
    for _ in range(2):
        await issue(world.lobby_manager, "B")
    await pass_time(clock, 21, world.teller, world.lobby_manager)
    for _ in range(7):
        await issue(world.lobby_manager, "A")
    called = [(await call_next(world.teller, str(desk))).number for desk in range(9)]
    assert called == ["A001", "A002", "A003", "B001", "A004", "A005", "A006", "B002", "A007"]


async def test_priority_goes_on_while_nobody_has_waited_too_long(
    world: World, clock: Clock
) -> None:
    await issue(world.lobby_manager, "B")
    await pass_time(clock, 19, world.teller, world.lobby_manager)
    for _ in range(5):
        await issue(world.lobby_manager, "A")
    called = [(await call_next(world.teller, str(desk))).number for desk in range(6)]
    assert called == ["A001", "A002", "A003", "A004", "A005", "B001"]


async def test_a_desk_has_one_customer_at_a_time(world: World) -> None:
    one, other = [await issue(world.ticket_machine) for _ in range(2)]
    await call_next(world.teller, "3")
    for change in (None, _serve):
        if change:
            await change(world.teller, one.ticket_id)
        with refused("DESK_BUSY") as refusal:
            await call_next(world.second_teller, "3")
        assert refusal.value.metadata == {"ticket_id": one.ticket_id}
        with refused("DESK_BUSY"):
            await _call(world.teller, other.ticket_id, desk="3")
    await _complete(world.teller, one.ticket_id)
    assert (await call_next(world.teller, "3")).ticket_id == other.ticket_id


async def test_one_desk_called_from_two_tablets_gets_one_ticket(world: World) -> None:
    for _ in range(2):
        await issue(world.ticket_machine)
    outcomes = await asyncio.gather(
        call_next(world.teller, "3"), call_next(world.second_teller, "3"), return_exceptions=True
    )
    assert len([outcome for outcome in outcomes if isinstance(outcome, Ticket)]) == 1


async def test_a_chosen_ticket_is_called_out_of_turn(world: World) -> None:
    _, chosen = [await issue(world.ticket_machine) for _ in range(2)]
    called = await _call(world.teller, chosen.ticket_id)
    assert (called.state, called.desk) == (Ticket.STATE_CALLED, "9")


async def test_who_comes_back_after_a_no_show_is_called_again(world: World) -> None:
    taken = await issue(world.ticket_machine)
    await call_next(world.teller, "3")
    missed = await _miss(world.teller, taken.ticket_id)
    assert missed.HasField("end_time")
    called = await _call(world.second_teller, taken.ticket_id, desk="4")
    assert (called.state, called.staff_id) == (Ticket.STATE_CALLED, "100104")
    assert not called.HasField("end_time")


async def test_a_ticket_is_recalled_as_often_as_policy_allows(world: World) -> None:
    taken = await issue(world.ticket_machine)
    await call_next(world.teller, "3")
    for count in (2, 3, 4):
        assert (await _recall(world.teller, taken.ticket_id)).call_count == count
    with refused("RECALL_LIMIT") as refusal:
        await _recall(world.teller, taken.ticket_id)
    assert refusal.value.metadata == {"recall_max": "3"}


@pytest.mark.parametrize("state", list(PATHS))
async def test_each_state_allows_what_it_allows(world: World, state: str) -> None:
    path, possible = PATHS[state]
    ticket = await issue(world.ticket_machine)
    for change in path:
        await change(world.teller, ticket.ticket_id)
    for change in CHANGES:
        if change not in possible:
            with refused("TICKET_STATE") as refusal:
                await change(world.teller, ticket.ticket_id)
            assert refusal.value.metadata == {"state": state}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_ticket_of_another_branch_is_not_found(world: World, change: Change) -> None:
    ticket = await issue(world.other_ticket_machine)
    with refused("TICKET_NOT_FOUND"):
        await change(world.teller, ticket.ticket_id)
    with refused("TICKET_NOT_FOUND"):
        await change(world.teller, str(uuid4()))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ["lobby_manager", "ticket_machine", "authoriser"])
async def test_only_who_serves_at_a_desk_changes_tickets(
    world: World, change: Change, role: str
) -> None:
    ticket = await issue(world.ticket_machine)
    with refused("PERMISSION_MISSING"):
        await change(getattr(world, role), ticket.ticket_id)


async def test_nobody_calls_before_his_shift(world: World) -> None:
    ticket = await issue(world.ticket_machine)
    not_at_work = world.caller("100107")
    with refused("NOT_ON_SHIFT"):
        await call_next(not_at_work, "3")
    with refused("NOT_ON_SHIFT"):
        await _call(not_at_work, ticket.ticket_id)


async def test_the_same_decision_again_changes_nothing(world: World) -> None:
    taken = await issue(world.ticket_machine)
    lobby = world.teller.lobby
    ids = {"request_id": new_request_id(), "ticket_id": taken.ticket_id}
    for decide in (
        lambda: lobby.CallTicket(CallTicketRequest(desk="3", **ids)),
        lambda: lobby.RecallTicket(RecallTicketRequest(**ids)),
        lambda: lobby.StartServing(StartServingRequest(**ids)),
        lambda: lobby.CompleteTicket(CompleteTicketRequest(**ids)),
    ):
        one, again = await decide(), await decide()
        assert one == again
    [ticket] = await listed(world)
    assert (ticket.state, ticket.version) == (Ticket.STATE_COMPLETED, 5)


async def test_every_change_is_seen_and_journalled(world: World) -> None:
    taken = await issue(world.ticket_machine)
    async with watching(world.lobby_manager) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        for change in (_call, _recall, _miss, _call, _serve, _complete):
            changed = await change(world.teller, taken.ticket_id)
            [event] = (await next_events(stream)).events
            assert event.ticket == changed
    with refused("TICKET_STATE"):
        await _complete(world.teller, taken.ticket_id)
    answer = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="0101", page_size=9))
    told = [
        (entry.action.rpartition("/")[2], entry.object_state, entry.reason)
        for entry in answer.entries
    ]
    assert told[:8] == [
        ("CompleteTicket", "", "TICKET_STATE"),
        ("CompleteTicket", "COMPLETED", ""),
        ("StartServing", "SERVING", ""),
        ("CallTicket", "CALLED", ""),
        ("MarkNoShow", "NO_SHOW", ""),
        ("RecallTicket", "CALLED", ""),
        ("CallTicket", "CALLED", ""),
        ("IssueTicket", "WAITING", ""),
    ]
    assert answer.entries[0].outcome == AuditEntry.OUTCOME_REFUSED


async def test_the_lobby_counts_who_waits_and_shows_who_was_called(world: World) -> None:
    for line in "BBBC":
        await issue(world.ticket_machine, line)
    await call_next(world.teller, "3", "B")
    lobby = await world.teller.lobby.GetLobby(GetLobbyRequest())
    lines = {
        line.service_line_code: (line.waiting_count, line.last_called_number, line.priority)
        for line in lobby.service_lines
    }
    assert lines == {"A": (0, "", True), "B": (2, "B001", False), "C": (1, "", False)}
    assert [line.display_name for line in lobby.service_lines] == [
        "贵宾业务",
        "个人业务",
        "对公业务",
    ]


async def test_a_new_watcher_is_shown_what_is_open(world: World) -> None:
    waiting, called, done = [await issue(world.ticket_machine) for _ in range(3)]
    await _call(world.teller, called.ticket_id, desk="3")
    for change in (_call, _serve, _complete):
        await change(world.teller, done.ticket_id)
    events = await shown(world.teller)
    assert {e.ticket.ticket_id for e in events} == {waiting.ticket_id, called.ticket_id}
    assert not await shown(world.other_teller, "0102")


async def test_the_day_s_tickets_are_listed_page_by_page(world: World) -> None:
    taken = [(await issue(world.ticket_machine, line)).number for line in "BCBCB"]
    lobby = world.lobby_manager.lobby
    request, numbers = ListTicketsRequest(page_size=2), []
    while True:
        page = await lobby.ListTickets(request)
        numbers.append([ticket.number for ticket in page.tickets])
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert numbers == [taken[:2], taken[2:4], taken[4:]]
    await call_next(world.teller, "3")
    waiting = ListTicketsRequest(service_line_code="B", states=[Ticket.STATE_WAITING])
    assert [t.number for t in (await lobby.ListTickets(waiting)).tickets] == ["B002", "B003"]
    waiting.page_token = request.page_token
    with refused("INVALID_PAGE_TOKEN"):
        await lobby.ListTickets(waiting)
