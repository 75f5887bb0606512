"""Staff sign in with staff number and password on an enrolled tablet."""

import time
from datetime import timedelta

import pytest

from fingertip.audit.v1.audit_entry_pb2 import Actor
from fingertip.identity.v1.identity_service_pb2 import (
    SignInRequest,
    SignInResponse,
    SignOutRequest,
    SuspendStaffRequest,
)
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from fingertip_server.identity import passwords
from tests.conftest import Database
from tests.identity.enrolling import newest_entry, shut_out, stranger, who_am_i
from tests.world import PASSWORD, World, refused


async def sign_in(
    tablet: Caller, staff_number: str, password: str = PASSWORD, request_id: str = ""
) -> SignInResponse:
    return await tablet.identity.SignIn(
        SignInRequest(
            request_id=request_id or new_request_id(),
            staff_number=staff_number,
            password=password,
        )
    )


async def test_a_session_says_who_signed_in_and_what_he_may_do(
    world: World, database: Database
) -> None:
    session = await world.bare_tablet.sign_in("100103", PASSWORD)
    assert session.staff.staff_id == "100103"
    assert session.staff.branch_id == "0101"
    assert list(session.staff.roles) == ["teller"]
    assert "lobby.tickets.call" in session.permissions
    assert "authorization.decide" not in session.permissions
    assert session.idle_seconds_max == 900
    [row] = await database.as_owner("SELECT fingertip_now() AS now")
    lifetime = session.expire_time.ToDatetime(row["now"].tzinfo) - row["now"]
    assert timedelta(hours=12) - timedelta(minutes=1) < lifetime <= timedelta(hours=12)
    assert (await who_am_i(world.bare_tablet)).session == session


async def test_a_wrong_number_and_a_wrong_password_get_one_answer(world: World) -> None:
    with refused("WRONG_CREDENTIALS") as of_number:
        await sign_in(world.bare_tablet, "777777")
    with refused("WRONG_CREDENTIALS") as of_password:
        await sign_in(world.bare_tablet, "100103", "not-the-password")
    number, password = of_number.value, of_password.value
    assert (number.code, number.message, number.metadata) == (
        password.code,
        password.message,
        password.metadata,
    )


async def test_they_cost_the_same_work(world: World, database: Database) -> None:
    await database.as_owner(
        "UPDATE staff_credential SET password_hash = $1 WHERE staff_id = '100103'",
        passwords.accepted_hash("100103", PASSWORD, []),
    )

    async def cpu_seconds(staff_number: str) -> float:
        started = time.process_time()
        with refused("WRONG_CREDENTIALS"):
            await sign_in(world.bare_tablet, staff_number, "not-the-password")
        return time.process_time() - started

    known = min([await cpu_seconds("100103") for _ in range(5)])
    unknown = min([await cpu_seconds(f"77777{digit}") for digit in range(5)])
    assert unknown == pytest.approx(known, rel=0.4)


async def test_an_account_without_password_cannot_be_signed_in_on(
    world: World, database: Database
) -> None:
    await database.as_owner("DELETE FROM staff_credential WHERE staff_id = '100103'")
    with refused("WRONG_CREDENTIALS"):
        await sign_in(world.bare_tablet, "100103")


async def test_a_suspended_account_looks_like_a_wrong_password(world: World) -> None:
    await world.security_admin.identity.SuspendStaff(
        SuspendStaffRequest(
            request_id=new_request_id(), staff_id="100103", suspended=True, purpose="离职"
        )
    )
    with refused("WRONG_CREDENTIALS"):
        await sign_in(world.bare_tablet, "100103")


async def test_repeating_a_sign_in_voids_the_former_token(world: World) -> None:
    request_id = new_request_id()
    device = world.credentials.devices["bare_tablet"]
    first = await sign_in(world.bare_tablet, "100103", request_id=request_id)
    async with stranger(world, device, first.token) as former:
        await who_am_i(former)
        second = await sign_in(world.bare_tablet, "100103", request_id=request_id)
        assert second.session.session_id == first.session.session_id
        assert second.token not in {"", first.token}
        entry = await newest_entry(world, "0101")
        assert (entry.object_id, entry.object_state) == ("100103", "SIGNED_IN_AGAIN")
        async with stranger(world, device, second.token) as present:
            await who_am_i(present)
        await shut_out(former)


async def test_a_sign_in_is_repeated_with_the_same_password_only(world: World) -> None:
    request_id = new_request_id()
    await sign_in(world.bare_tablet, "100103", request_id=request_id)
    with refused("WRONG_CREDENTIALS"):
        await sign_in(world.bare_tablet, "100103", "not-the-password", request_id)
    with refused("REQUEST_ID_REUSED"):
        await sign_in(world.bare_tablet, "100104", request_id=request_id)


async def test_a_session_that_ended_is_not_brought_back_by_repeating(world: World) -> None:
    request_id = new_request_id()
    first = await sign_in(world.bare_tablet, "100103", request_id=request_id)
    device = world.credentials.devices["bare_tablet"]
    async with stranger(world, device, first.token) as tablet:
        await tablet.identity.SignOut(SignOutRequest(request_id=new_request_id()))
    with refused("NOT_SIGNED_IN"):
        await sign_in(world.bare_tablet, "100103", request_id=request_id)


async def test_without_an_enrolled_device_nobody_signs_in(world: World) -> None:
    async with stranger(world) as nobody:
        with refused("NOT_SIGNED_IN"):
            await sign_in(nobody, "100103")
    async with stranger(world, "made-up-credential") as nobody:
        with refused("NOT_SIGNED_IN"):
            await sign_in(nobody, "100103")


async def test_a_session_is_no_device_to_sign_in_on(world: World) -> None:
    with refused("PERMISSION_MISSING"):
        await sign_in(world.teller, "100104")


async def test_signing_in_is_on_the_chain_of_the_devices_branch(world: World) -> None:
    session = await world.bare_tablet.sign_in("100103", PASSWORD)
    entry = await newest_entry(world, "0101")
    assert entry.action == "identity.v1.IdentityService/SignIn"
    assert (entry.actor.kind, entry.actor.actor_id) == (Actor.KIND_DEVICE, session.device_id)
    assert (entry.object_kind, entry.object_id) == ("staff", "100103")
    assert entry.object_state == "SIGNED_IN"


async def test_a_refusal_is_on_the_security_chain(world: World) -> None:
    with refused("WRONG_CREDENTIALS"):
        await sign_in(world.bare_tablet, "100103", "not-the-password")
    entry = await newest_entry(world, "security")
    assert (entry.object_id, entry.reason) == ("100103", "WRONG_CREDENTIALS")


async def test_what_was_typed_instead_of_a_staff_number_is_recorded_nowhere(
    world: World, database: Database
) -> None:
    with refused("WRONG_CREDENTIALS"):
        await sign_in(world.bare_tablet, "my-secret-password", "100103")
    entry = await newest_entry(world, "security")
    assert (entry.object_id, entry.reason) == ("", "WRONG_CREDENTIALS")
    rows = await database.as_owner("SELECT * FROM audit_entry")
    assert "my-secret-password" not in repr([tuple(row.values()) for row in rows])


async def test_neither_token_nor_password_is_in_the_database(
    world: World, database: Database
) -> None:
    token = (await sign_in(world.bare_tablet, "100103")).token
    for table in ("staff_session", "staff_credential", "idempotency", "audit_entry"):
        rows = await database.as_owner(f"SELECT * FROM {table}")  # noqa: S608 - named above
        content = repr([tuple(row.values()) for row in rows])
        assert rows
        assert token not in content
        assert PASSWORD not in content
