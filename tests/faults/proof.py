"""What must hold in the database whatever happened to the processes."""

import asyncio
from collections.abc import Iterable

from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketResponse
from fingertip_server import administration
from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.faults.load import BRANCH


async def events_of(database: Database) -> list[str]:
    """Returns the ids of the branch's events in the order of their positions."""
    rows = await database.as_owner(
        "SELECT event_id::text FROM feed_event WHERE topic = $1 ORDER BY position, ordinal", BRANCH
    )
    return [row["event_id"] for row in rows]


async def tickets_are(database: Database, answers: Iterable[IssueTicketResponse]) -> None:
    """Asserts that there is each acknowledged ticket, none besides, and that no number is left out.

    Every press was repeated until it was acknowledged, so that another ticket would be a second
    effect of one.
    """
    rows = await database.as_owner(
        "SELECT t.ticket_id::text, t.service_line_code AS line, t.sequence_number AS number"
        " FROM ticket t ORDER BY line, number"
    )
    assert sorted(row["ticket_id"] for row in rows) == sorted(
        answer.ticket.ticket_id for answer in answers
    )
    for line in {row["line"] for row in rows}:
        numbers = [row["number"] for row in rows if row["line"] == line]
        assert numbers == list(range(1, len(numbers) + 1)), line


async def chains_verify(settings: Settings) -> None:
    """Asserts that every chain of the journal verifies."""
    findings: dict[str, str] = {}

    def verify() -> bool:
        return administration.verify_audit(
            settings, "", lambda name, finding: findings.__setitem__(name, finding.sentence)
        )

    assert await asyncio.to_thread(verify), findings


async def journal_is_whole(database: Database, settings: Settings, tickets: int) -> None:
    """Asserts that every chain verifies and that each ticket was journalled once."""
    await chains_verify(settings)
    [row] = await database.as_owner(
        "SELECT count(*) AS n FROM audit_entry"
        " WHERE action LIKE '%/IssueTicket' AND outcome = 'DONE'"
    )
    assert row["n"] == tickets
