"""Machine and server agree whose day a slip is of, also where the machine's clock is off."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fingertip_client.caller import Caller
from fingertip_ticket_machine.blocks import Shortage
from fingertip_ticket_machine.journal import Journal, NoNumber
from fingertip_ticket_machine.machine import TicketMachine, Waiting
from fingertip_ticket_machine.settling import Settlement, Settling
from tests.conftest import Clock, Database
from tests.lobby.tickets import move_to_midnight, server_time
from tests.world import World


@dataclass
class Lonely:
    """A machine whose server is away between settlements, and whose clock may be off."""

    clock: Clock
    database: Database
    machine: TicketMachine
    settling: Settling
    printed: list[str] = field(default_factory=list)
    ahead: timedelta = timedelta()
    time: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    async def press(self) -> Shortage | None:
        """Presses for a slip; says why there is none."""
        await self.look_at_clock()
        try:
            self.printed.append((await self.machine.issue("B", None)).number)
        except NoNumber as fault:
            return fault.shortage
        return None

    async def settle(self) -> Settlement:
        """Settles, and finds nothing wrong."""
        await self.look_at_clock()
        settlement = await self.settling.settle(2.0)
        assert settlement.trouble is None
        assert settlement.refused == []
        return settlement

    async def look_at_clock(self) -> None:
        """Lets the machine's clock go on."""
        self.time = await server_time(self.database) + self.ahead

    async def tickets(self) -> list[tuple[str, str]]:
        """Lists the tickets that there are, with their states, in the order of their days."""
        rows = await self.database.as_application(
            "SELECT service_line_code || to_char(sequence_number, 'FM000') AS number, state"
            " FROM ticket ORDER BY business_day, sequence_number"
        )
        return [(row["number"], row["state"]) for row in rows]


@pytest.fixture
async def lonely(
    world: World, clock: Clock, database: Database, tmp_path: Path
) -> AsyncIterator[Lonely]:
    """A lonely machine."""
    with Journal(tmp_path / "journal.sqlite3") as journal:
        async with Caller(["127.0.0.1:1"]) as nobody:

            def now() -> datetime:
                return alone.time

            machine = TicketMachine(nobody, journal, waiting=Waiting(0.0), now=now)
            settling = Settling(world.ticket_machine, journal, ["B"], now=now)
            alone = Lonely(clock, database, machine, settling)
            yield alone


@pytest.mark.parametrize("minutes_ahead", [-20, -3, 0, 3, 20])
async def test_every_slip_printed_around_midnight_is_registered_on_its_own_day(
    lonely: Lonely, clock: Clock, database: Database, minutes_ahead: int
) -> None:
    lonely.ahead = timedelta(minutes=minutes_ahead)
    await move_to_midnight(clock, database, -60)
    assert (await lonely.settle()).reserved == ["B"]
    await clock.advance(35 * 60)
    # Five minutes before the fastest clock's midnight.
    assert await lonely.press() is None
    await clock.advance(15 * 60)
    # Ten before the server's, ten after the fastest clock's.
    assert await lonely.press() is (Shortage.OTHER_DAY if minutes_ahead > 10 else None)
    await lonely.settle()
    await clock.advance(20 * 60)
    # Ten after the server's, ten before the slowest clock's.
    assert await lonely.press() is (None if minutes_ahead < -10 else Shortage.OTHER_DAY)
    await clock.advance(50 * 60)
    yesterday = list(lonely.printed)
    assert (await lonely.settle()).reserved == ["B"]
    assert await lonely.tickets() == [(number, "EXPIRED") for number in yesterday]
    # One block of today, and the day's first numbers are in it.
    assert await lonely.press() is None
    assert lonely.printed[-1] == "B001"
    assert (await lonely.settle()).registered == ["B001"]
    assert (await lonely.tickets())[-1] == ("B001", "WAITING")


async def test_a_slip_is_registered_at_once_though_the_machine_s_clock_is_ahead(
    lonely: Lonely, clock: Clock, database: Database
) -> None:
    lonely.ahead = timedelta(minutes=20)
    await move_to_midnight(clock, database, 9 * 60)
    await lonely.settle()
    assert await lonely.press() is None
    assert (await lonely.settle()).registered == lonely.printed
    [row] = await database.as_application(
        "SELECT fingertip_now() - issued_at < interval '10 s' AS is_now FROM ticket"
    )
    assert row["is_now"]


async def test_a_machine_away_for_a_night_prints_nothing_of_yesterday(
    lonely: Lonely, clock: Clock, database: Database
) -> None:
    await move_to_midnight(clock, database, -60)
    await lonely.settle()
    assert await lonely.press() is None
    await clock.advance(10 * 3600)
    assert await lonely.press() is Shortage.OTHER_DAY
    settlement = await lonely.settle()
    assert (settlement.registered, settlement.reserved) == (["B001"], ["B"])
    assert await lonely.press() is None
    await lonely.settle()
    assert await lonely.tickets() == [("B001", "EXPIRED"), ("B001", "WAITING")]
