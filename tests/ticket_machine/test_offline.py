"""The machine goes on without the server, and afterwards every ticket is registered once."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from fingertip.lobby.v1.lobby_service_pb2 import Identification
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_client.retry import Backoff, Patience
from fingertip_ticket_machine import reports
from fingertip_ticket_machine.blocks import Shortage
from fingertip_ticket_machine.journal import Journal, NoNumber
from fingertip_ticket_machine.machine import TicketMachine, Waiting
from fingertip_ticket_machine.settling import Settlement, Settling
from tests.ticket_machine import fake_lobby
from tests.ticket_machine.fake_lobby import FakeLobby, Refusal

PATIENCE = Patience(attempt_seconds=0.5, budget_seconds=0.5, backoff=Backoff(0.01, 0.02))
WAITING = Waiting(connection=2.0, answer=0.1)
CARD = "6225881414207430"


class Clock:
    """The machine's clock, set by hand; 09:00 in Shanghai at first."""

    def __init__(self) -> None:
        """Sets it."""
        self.time = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Reads it; it goes on by a second."""
        self.time += timedelta(seconds=1)
        return self.time


@dataclass
class Stage:
    """A lobby, and a machine of it that a test can take away from it."""

    lobby: FakeLobby
    machine: TicketMachine
    settling: Settling
    journal: Journal
    clock: Clock

    async def presses(self, count: int, line: str = "B") -> list[str]:
        """Presses so many times and returns the numbers."""
        return [(await self.machine.issue(line, None)).number for _ in range(count)]

    async def settle(self) -> Settlement:
        """Settles, and finds nothing wrong."""
        settlement = await self.settling.settle(2.0)
        assert settlement.trouble is None
        return settlement


@asynccontextmanager
async def staged(
    path: Path, block_size: int = 10, lines: tuple[str, ...] = ("B",)
) -> AsyncIterator[Stage]:
    """Sets a stage whose lobby is away for presses once `is_away_for_presses` is set."""
    lobby, clock = FakeLobby(date(2026, 11, 23), block_size), Clock()
    with Journal(path / "journal.sqlite3") as journal:
        async with (
            fake_lobby.serving(lobby) as server,
            Caller([server.target], patience=PATIENCE) as caller,
        ):
            machine = TicketMachine(caller, journal, waiting=WAITING, now=clock)
            settling = Settling(caller, journal, lines, now=clock)
            yield Stage(lobby, machine, settling, journal, clock)


async def shortage_of(press: Awaitable[object]) -> Shortage:
    with pytest.raises(NoNumber) as fault:
        await press
    return fault.value.shortage


async def test_while_the_server_answers_it_gives_the_number(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        who = Identification(card_number=CARD)
        issued = await stage.machine.issue("B", who)
        assert (issued.number, issued.waiting_count, issued.is_offline) == ("B001", 0, False)
        assert issued.journey_id
        assert stage.lobby.requests[0].identification == who
        assert stage.journal.owed() == []


async def test_tickets_taken_without_the_server_are_registered_in_order_and_once(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        numbers = await stage.presses(3)
        assert numbers == ["B001", "B002", "B003"]
        assert (await stage.settle()).registered == numbers
        assert (await stage.settle()).registered == []
        assert stage.lobby.numbers == numbers
        stage.lobby.is_away_for_presses = False
        assert await stage.presses(1) == ["B011"]


async def test_a_registration_tells_when_the_customer_came_and_not_who_he_is(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        issued = await stage.machine.issue("B", Identification(card_number=CARD))
        assert issued.is_offline
        assert issued.waiting_count is None
        stage.clock.time += timedelta(hours=1)
        await stage.settle()
        request = stage.lobby.requests[-1]
        assert request.ticket_id == issued.ticket_id
        assert request.capture_time.ToDatetime(UTC) == issued.time
        assert not request.HasField("identification")
    # One file, closed; its rollback journal is gone.
    journal = tmp_path / "journal.sqlite3"
    assert CARD.encode() not in journal.read_bytes()
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


async def test_no_server_at_all_is_noticed_at_once(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite3") as journal:
        async with Caller(["127.0.0.1:1"], patience=PATIENCE) as caller:
            machine = TicketMachine(caller, journal, waiting=Waiting(connection=0.2))
            assert await shortage_of(machine.issue("B", None)) is Shortage.NEVER_RESERVED
            settlement = await Settling(caller, journal, ["B"]).settle()
            assert settlement.trouble is not None
            assert settlement.trouble.outcome_is_unknown


async def test_used_up_numbers_are_an_end_and_never_a_duplicate(tmp_path: Path) -> None:
    async with staged(tmp_path, block_size=3) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        assert await stage.presses(3) == ["B001", "B002", "B003"]
        for _ in range(2):
            assert await shortage_of(stage.presses(1)) is Shortage.USED_UP
        assert (await stage.settle()).registered == ["B001", "B002", "B003"]


async def test_new_numbers_are_reserved_before_the_old_ones_run_out(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        await stage.presses(6)
        assert (await stage.settle()).reserved == []
        await stage.presses(1)
        settlement = await stage.settle()
        assert (settlement.registered, settlement.reserved) == (["B007"], ["B"])
        assert await stage.presses(1) == ["B011"]


async def test_a_reservation_whose_answer_is_lost_costs_no_number(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        await stage.presses(8)
        stage.lobby.loses_answers = True
        for _ in range(2):
            settlement = await stage.settling.settle(2.0)
            assert settlement.trouble is not None
        # The old numbers are printed on until the new ones are known to be there.
        assert await stage.presses(1) == ["B009"]
        stage.lobby.loses_answers = False
        # The same request again: the server remembers, and no further numbers are used.
        assert (await stage.settle()).reserved == ["B"]
        assert stage.lobby.reservations == 2
        assert await stage.presses(1) == ["B011"]
        await stage.settle()
        assert stage.lobby.numbers == [f"B{n:03d}" for n in [*range(1, 10), 11]]


async def test_yesterdays_numbers_are_not_printed_today(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        stage.clock.time = datetime(2026, 11, 23, 15, 59, 50, tzinfo=UTC)
        assert await stage.presses(1) == ["B001"]
        stage.clock.time += timedelta(seconds=10)
        assert await shortage_of(stage.presses(1)) is Shortage.OTHER_DAY
        stage.clock.time += timedelta(hours=8)
        stage.lobby.business_day = date(2026, 11, 24)
        settlement = await stage.settle()
        assert (settlement.registered, settlement.reserved) == (["B001"], ["B"])
        assert await stage.presses(1) == ["B011"]


async def test_a_machine_with_a_wrong_date_prints_nothing_and_wastes_nothing(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        stage.clock.time += timedelta(days=2)
        for _ in range(5):
            await stage.settle()
        assert stage.lobby.reservations == 1
        stage.lobby.is_away_for_presses = True
        assert await shortage_of(stage.presses(1)) is Shortage.OTHER_DAY


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "NUMBER_NOT_RESERVED"),
        (grpc.StatusCode.NOT_FOUND, "SERVICE_LINE_NOT_FOUND"),
    ],
)
async def test_a_ticket_that_the_server_will_never_take_is_kept_for_people_to_see(
    tmp_path: Path, code: grpc.StatusCode, reason: str
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        await stage.presses(2)
        stage.lobby.refusals["IssueTicket"] = Refusal(code, reason)
        settlement = await stage.settle()
        assert (settlement.refused, settlement.registered) == (["B001"], ["B002"])
        assert list(reports.of_journal(stage.journal, stage.clock())) == [
            "line B: 8 numbers left of 2026-11-23, which can be printed",
            "to be registered: none",
            f"refused for good: B001 ({reason})",
        ]


@pytest.mark.parametrize(
    ("code", "reason", "fields"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "NOT_SIGNED_IN", ()),
        (grpc.StatusCode.INTERNAL, "INTERNAL", ()),
        (grpc.StatusCode.ABORTED, "", ()),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", ()),
        # The machine's clock is ahead: in a while the server's will have followed.
        (
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_REQUEST",
            (("capture_time", "must not be later than now"),),
        ),
    ],
)
async def test_a_ticket_that_the_server_may_take_later_stays(
    tmp_path: Path, code: grpc.StatusCode, reason: str, fields: tuple[tuple[str, str], ...]
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        await stage.presses(2)
        stage.lobby.refusals["IssueTicket"] = Refusal(code, reason, fields)
        settlement = await stage.settling.settle(2.0)
        assert settlement.trouble is not None
        assert settlement.trouble.code is code
        assert (await stage.settle()).registered == ["B001", "B002"]


async def test_a_ticket_that_the_server_has_already_counts_as_registered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        await stage.presses(1)
        already_there = Refusal(grpc.StatusCode.ALREADY_EXISTS, "TICKET_EXISTS")
        stage.lobby.refusals["IssueTicket"] = already_there
        assert (await stage.settle()).registered == ["B001"]
        assert stage.journal.owed() == []


async def test_a_line_whose_numbers_are_used_up_is_left_in_peace_for_a_while(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        await stage.presses(8)
        exhausted = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "TICKET_NUMBERS_EXHAUSTED")
        stage.lobby.refusals["ReserveTicketNumbers"] = exhausted
        assert (await stage.settle()).refused == ["B"]
        assert (await stage.settle()).reserved == []
        # What is left of the old block can still be printed.
        assert await stage.presses(1) == ["B009"]
        stage.clock.time += timedelta(minutes=31)
        assert (await stage.settle()).reserved == ["B"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "TICKET_NUMBERS_EXHAUSTED"),
        (grpc.StatusCode.NOT_FOUND, "SERVICE_LINE_NOT_FOUND"),
        (grpc.StatusCode.UNAUTHENTICATED, "NOT_SIGNED_IN"),
        (grpc.StatusCode.INTERNAL, "INTERNAL"),
    ],
)
async def test_what_the_server_refuses_is_not_issued_offline(
    tmp_path: Path, code: grpc.StatusCode, reason: str
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.refusals["IssueTicket"] = Refusal(code, reason)
        with pytest.raises(Refused, match=reason):
            await stage.presses(1)
        assert stage.journal.owed() == []


async def test_a_server_with_too_much_to_do_is_away(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        overloaded = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        stage.lobby.refusals["IssueTicket"] = overloaded
        assert (await stage.machine.issue("B", None)).is_offline


async def test_each_line_has_its_own_numbers(tmp_path: Path) -> None:
    async with staged(tmp_path, lines=("B", "C")) as stage:
        assert (await stage.settle()).reserved == ["B", "C"]
        stage.lobby.is_away_for_presses = True
        assert await stage.presses(2, "B") == ["B001", "B002"]
        assert await stage.presses(1, "C") == ["C001"]
        assert await shortage_of(stage.presses(1, "A")) is Shortage.NEVER_RESERVED
        assert (await stage.settle()).registered == ["B001", "B002", "C001"]


async def test_processes_that_share_a_journal_never_take_the_same_number(tmp_path: Path) -> None:
    async with staged(tmp_path, block_size=50) as stage:
        await stage.settle()

        def take() -> list[str]:
            with Journal(tmp_path / "journal.sqlite3") as journal:
                taken = [
                    journal.take(new_request_id(), "B", now=stage.clock(), traceparent="")
                    for _ in range(10)
                ]
            return [ticket.number for ticket in taken]

        runs = await asyncio.gather(*(asyncio.to_thread(take) for _ in range(4)))
        assert sorted(n for run in runs for n in run) == [f"B{n:03d}" for n in range(1, 41)]


async def test_old_tickets_are_forgotten_but_never_those_that_are_owed(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.lobby.is_away_for_presses = True
        await stage.presses(1)
        await stage.settle()
        await stage.presses(1)
        stage.journal.forget_old(stage.clock() + timedelta(days=31))
        assert [taken.number for taken in stage.journal.owed()] == ["B002"]
        with sqlite3.connect(tmp_path / "journal.sqlite3") as connection:
            assert connection.execute("SELECT count(*) FROM ticket").fetchone() == (1,)
        connection.close()
