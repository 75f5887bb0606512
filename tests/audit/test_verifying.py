"""The journal proves itself, while it grows, and what was done to it is found."""

import asyncio
import os
import subprocess
import sys

import pytest

from fingertip.audit.v1.audit_service_pb2 import VerifyChainRequest
from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.lobby.tickets import issue
from tests.world import World

_CHAIN = "0101"
_TICKETS = 60
_RENAME = (
    "UPDATE audit_entry SET actor_name = actor_name || ' ' WHERE chain = '0101' AND position = 3"
)
_LATER = (
    "UPDATE audit_entry SET time = time + interval '1 microsecond'"
    " WHERE chain = '0101' AND position = 2"
)
_CUT_TAIL = (
    "DELETE FROM audit_entry WHERE chain = '0101' AND position ="
    " (SELECT max(position) FROM audit_entry WHERE chain = '0101')"
)
_FLIP_BIT = (
    "UPDATE audit_entry SET digest = set_byte(digest, 0, get_byte(digest, 0) # 1)"
    " WHERE chain = '0101' AND position = 4"
)
_LENGTH = "SELECT chain_position FROM topic_head WHERE topic = '0101'"


async def test_what_nobody_touched_is_intact(world: World) -> None:
    found = await world.auditor.audit.VerifyChain(VerifyChainRequest(chain=_CHAIN))
    assert found.intact
    assert found.verified_count > 3
    assert found.next_position == 0


@pytest.mark.parametrize(
    ("damage", "position"),
    [
        (_RENAME, 3),
        (_LATER, 2),
        ("DELETE FROM audit_entry WHERE chain = '0101' AND position = 2", 2),
        (_CUT_TAIL, 0),
        (_FLIP_BIT, 4),
    ],
)
async def test_what_was_done_to_an_entry_is_found(
    world: World, database: Database, damage: str, position: int
) -> None:
    await database.as_owner(damage)
    found = await world.auditor.audit.VerifyChain(VerifyChainRequest(chain=_CHAIN))
    assert not found.intact
    assert found.finding
    if position:
        assert found.broken_position == position


@pytest.mark.parametrize("change", ["''", "'100105'"])
async def test_nobody_is_taken_out_or_put_in_who_stood_by(
    world: World, database: Database, change: str
) -> None:
    # Cards were handed over before: the teller who took them confirmed that.
    [row] = await database.as_owner(
        "SELECT position FROM audit_entry WHERE chain = '0101' AND second_person_id = '100104'"
        " ORDER BY position DESC LIMIT 1"
    )
    await database.as_owner(
        f"UPDATE audit_entry SET second_person_id = {change}"  # noqa: S608 - of ours
        f" WHERE chain = '0101' AND position = {row['position']}"
    )
    found = await world.auditor.audit.VerifyChain(VerifyChainRequest(chain=_CHAIN))
    assert found.broken_position == row["position"]


async def test_a_chain_that_grows_meanwhile_is_intact(world: World) -> None:
    async def grow() -> None:
        for _ in range(_TICKETS):
            await issue(world.ticket_machine)

    growing = asyncio.gather(*(grow() for _ in range(3)))
    verified = 0
    while not growing.done():
        found = await world.auditor.audit.VerifyChain(VerifyChainRequest(chain=_CHAIN))
        assert found.intact, found
        verified = found.verified_count
    await growing
    assert verified > _TICKETS


async def test_a_chain_is_verified_piece_by_piece(world: World, database: Database) -> None:
    for _ in range(5):
        await issue(world.ticket_machine)
    position, verified = 1, 0
    while position:
        found = await world.auditor.audit.VerifyChain(
            VerifyChainRequest(chain=_CHAIN, first_position=position, count=4)
        )
        assert found.intact
        verified += found.verified_count
        position = found.next_position
    [row] = await database.as_owner(_LENGTH)
    # Looking is journalled on the auditor's own chain.
    assert verified == row["chain_position"]


async def test_beyond_the_end_nothing_is_missing(world: World) -> None:
    found = await world.auditor.audit.VerifyChain(
        VerifyChainRequest(chain=_CHAIN, first_position=1_000_000)
    )
    assert (found.intact, found.verified_count) == (True, 0)


async def test_an_operator_verifies_every_chain_from_the_command_line(
    world: World, database: Database, settings: Settings
) -> None:
    await issue(world.ticket_machine)
    intact = await asyncio.to_thread(_verify, settings)
    assert intact.returncode == 0, intact.stderr
    assert f"{_CHAIN}: " in intact.stdout
    assert "security: " in intact.stdout
    await database.as_owner(_FLIP_BIT)
    broken = await asyncio.to_thread(_verify, settings)
    assert broken.returncode == 1
    assert " at 4" in broken.stdout


def _verify(settings: Settings) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "FINGERTIP_KEY_RING": str(settings.key_ring),
        "FINGERTIP_AUTHORITY": str(settings.authority),
        "FINGERTIP_PRODUCTION": "false",
    }
    return subprocess.run(
        [sys.executable, "-m", "fingertip_server", "audit", "verify"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
