"""Sessions and codes that are over are forgotten."""

from tests.conftest import Clock, Database
from tests.identity.enrolling import enrol, make_code, stranger
from tests.world import PASSWORD, World

DAY = 86_400


async def _count(database: Database, table: str) -> int:
    [row] = await database.as_owner(f"SELECT count(*) FROM {table}")  # noqa: S608 - ours
    count: int = row["count"]
    return count


async def test_sessions_are_forgotten_a_week_after_they_expired(
    world: World, database: Database, clock: Clock
) -> None:
    before = await _count(database, "staff_session")
    assert before > 1
    await clock.advance(8 * DAY)
    assert await _count(database, "staff_session") == before
    await world.teller.sign_in("100103", PASSWORD)
    await clock.advance(DAY)
    assert await _count(database, "staff_session") == 1


async def test_codes_are_forgotten_a_week_after_they_expired_used_or_not(
    world: World, database: Database, clock: Clock
) -> None:
    await make_code(world)
    async with stranger(world) as tablet:
        await enrol(tablet, (await make_code(world)).enrolment_code)
    devices = await _count(database, "device")
    assert await _count(database, "enrolment_code") > 2
    await clock.advance(7 * DAY)
    assert await _count(database, "enrolment_code") > 2
    await world.security_admin.sign_in("000002", PASSWORD)
    late = await make_code(world)
    await clock.advance(DAY + 4_300)
    [row] = await database.as_owner("SELECT device_id FROM enrolment_code")
    assert str(row["device_id"]) == late.device_id
    assert await _count(database, "device") == devices
