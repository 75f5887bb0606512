"""Too many wrong passwords lock an account for a while."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import argon2
import pytest
from sqlalchemy import Connection

from fingertip.identity.v1.identity_service_pb2 import SignInRequest
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_server.app import App
from fingertip_server.identity import accounts, operator, passwords
from tests.conftest import Clock, Database
from tests.identity.enrolling import newest_entry, stranger, who_am_i
from tests.world import PASSWORD, World, refused

ATTEMPTS_MAX = 10
LOCK_OUT_SECONDS = 30 * 60


@pytest.fixture(autouse=True)
async def cheap_passwords(database: Database) -> None:
    """Makes a guess cost next to nothing: how passwords are checked is tested elsewhere."""
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    await database.as_owner("UPDATE staff_credential SET password_hash = $1", cheap.hash(PASSWORD))


async def outcome(tablet: Caller, staff_number: str, password: str) -> str:
    try:
        await tablet.sign_in(staff_number, password)
    except Refused as error:
        return error.reason
    return "SIGNED_IN"


async def guess(tablet: Caller, count: int, staff_number: str = "100103") -> None:
    for _ in range(count):
        assert await outcome(tablet, staff_number, "not-the-password") == "WRONG_CREDENTIALS"


async def test_after_ten_wrong_passwords_the_right_one_waits(
    world: World, clock: Clock, database: Database
) -> None:
    tablet = world.bare_tablet
    await guess(tablet, ATTEMPTS_MAX)
    with refused("LOCKED_OUT") as locked:
        await tablet.sign_in("100103", PASSWORD)
    [row] = await database.as_owner("SELECT fingertip_now() AS now")
    left = datetime.fromisoformat(locked.value.metadata["retry_time"]) - row["now"]
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    # Knocking does not make it longer.
    await clock.advance(seconds=LOCK_OUT_SECONDS - 5)
    assert await outcome(tablet, "100103", PASSWORD) == "LOCKED_OUT"
    await clock.advance(seconds=6)
    assert await outcome(tablet, "100103", PASSWORD) == "SIGNED_IN"


async def test_after_the_lock_there_are_ten_attempts_again(world: World, clock: Clock) -> None:
    tablet = world.bare_tablet
    await guess(tablet, ATTEMPTS_MAX)
    await clock.advance(seconds=LOCK_OUT_SECONDS + 1)
    await guess(tablet, ATTEMPTS_MAX)
    assert await outcome(tablet, "100103", PASSWORD) == "LOCKED_OUT"


async def test_the_right_password_forgives_the_wrong_ones(world: World) -> None:
    tablet = world.bare_tablet
    await guess(tablet, ATTEMPTS_MAX - 1)
    assert await outcome(tablet, "100103", PASSWORD) == "SIGNED_IN"
    tablet.credentials.token = ""
    await guess(tablet, ATTEMPTS_MAX - 1)
    assert await outcome(tablet, "100103", PASSWORD) == "SIGNED_IN"


async def test_attempts_that_come_together_are_not_more(world: World) -> None:
    tablet = world.bare_tablet
    outcomes = Counter(
        await asyncio.gather(
            *(outcome(tablet, "100103", f"not-the-password-{n}") for n in range(40))
        )
    )
    assert set(outcomes) <= {"WRONG_CREDENTIALS", "LOCKED_OUT"}
    assert outcomes["WRONG_CREDENTIALS"] <= ATTEMPTS_MAX
    assert await outcome(tablet, "100103", PASSWORD) == "LOCKED_OUT"


async def test_of_attempts_that_come_together_ten_have_their_password_checked(
    server: App, world: World
) -> None:
    def count(connection: Connection) -> accounts.Counted:
        return accounts.count_attempt(connection, "100103", ATTEMPTS_MAX)

    counted = await asyncio.gather(*(server.units.autocommit(count) for _ in range(40)))
    assert sum(attempt.is_counted for attempt in counted) == ATTEMPTS_MAX


async def test_attempts_on_several_tablets_count_together(world: World) -> None:
    async with stranger(world, world.credentials.devices["100104"]) as other:
        await guess(world.bare_tablet, 5)
        await guess(other, 5)
        assert await outcome(other, "100103", PASSWORD) == "LOCKED_OUT"


async def test_an_account_whose_attempts_were_torn_off_locks_all_the_same(
    world: World, database: Database
) -> None:
    await database.as_owner(
        "UPDATE staff SET failed_attempts = $1 WHERE staff_id = '100103'", ATTEMPTS_MAX
    )
    assert await outcome(world.bare_tablet, "100103", PASSWORD) == "LOCKED_OUT"
    [row] = await database.as_owner("SELECT locked_until FROM staff WHERE staff_id = '100103'")
    assert row["locked_until"] is not None


async def test_guesses_under_an_id_that_was_used_count_like_others(world: World) -> None:
    tablet = world.bare_tablet
    used = SignInRequest(
        request_id=new_request_id(), staff_number="100103", password="not-the-password"
    )
    await tablet.identity.SignIn(
        SignInRequest(request_id=used.request_id, staff_number="100103", password=PASSWORD)
    )
    for _ in range(ATTEMPTS_MAX):
        with refused("WRONG_CREDENTIALS"):
            await tablet.identity.SignIn(used)
    entry = await newest_entry(world, "security")
    assert (entry.reason, entry.object_state) == ("WRONG_CREDENTIALS", "LOCKED")
    # Nor does a locked account tell by its refusals which guess was right.
    for password in ("not-the-password", PASSWORD):
        used.password = password
        with refused("LOCKED_OUT"):
            await tablet.identity.SignIn(used)


async def test_a_lock_harms_neither_other_accounts_nor_open_sessions(world: World) -> None:
    await guess(world.bare_tablet, ATTEMPTS_MAX)
    assert await outcome(world.bare_tablet, "100104", PASSWORD) == "SIGNED_IN"
    assert (await who_am_i(world.teller)).session.staff.staff_id == "100103"


async def test_an_unknown_device_locks_nobody_out(world: World) -> None:
    async with stranger(world, "made-up-credential") as unknown:
        for _ in range(ATTEMPTS_MAX + 1):
            assert await outcome(unknown, "100103", "not-the-password") == "NOT_SIGNED_IN"
    assert await outcome(world.bare_tablet, "100103", PASSWORD) == "SIGNED_IN"


async def test_the_lock_is_on_the_security_chain(world: World) -> None:
    await guess(world.bare_tablet, ATTEMPTS_MAX - 1)
    assert (await newest_entry(world, "security")).object_state == ""
    await guess(world.bare_tablet, 1)
    entry = await newest_entry(world, "security")
    assert (entry.object_id, entry.object_state) == ("100103", "LOCKED")


async def test_a_new_password_from_the_operator_opens_the_account(
    server: App, world: World
) -> None:
    await guess(world.bare_tablet, ATTEMPTS_MAX)
    hashed = passwords.accepted_hash("100103", "another-good-one", [])
    await server.pipeline.due(
        "operator/set_password", lambda call: operator.set_password(call, "100103", hashed)
    )
    assert await outcome(world.bare_tablet, "100103", PASSWORD) == "WRONG_CREDENTIALS"
    assert await outcome(world.bare_tablet, "100103", "another-good-one") == "SIGNED_IN"
    entry = await newest_entry(world, "0101")
    assert entry.object_id == "100103"
